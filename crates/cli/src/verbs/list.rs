//! `boatyard list …` and `boatyard get service builds`

use crate::args::{
    BuildFilters, Common, Format, ListBuilds, ListNotifications, ListProjects, ListServices,
    ListSimple, Paging,
};
use crate::client::Pagination;
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render::{self, View};
use jiff::Timestamp;

/// A list to show.
pub(super) struct List<'a> {
    path: &'a [&'a str],
    key: &'a str,
    /// What the list is asked for besides pages.
    filters: Vec<(&'static str, String)>,
    view: View,
    place: Place,
}

impl<'a> List<'a> {
    /// A list that is asked for nothing but pages.
    pub(super) fn new(path: &'a [&'a str], key: &'a str, view: View, place: Place) -> List<'a> {
        List {
            path,
            key,
            filters: Vec::new(),
            view,
            place,
        }
    }
}

pub(super) async fn projects(args: ListProjects, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let list = List {
        path: &["projects"],
        key: "projects",
        filters: Vec::new(),
        view: render::projects,
        place: Place::default(),
    };
    show(console, &session, list, &args.paging, &args.common).await
}

pub(super) async fn services(args: ListServices, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let project = session.project(&args.of).await?;
    let list = List {
        path: &["projects", &project, "services"],
        key: "services",
        filters: Vec::new(),
        view: render::services,
        place: Place::project(&project),
    };
    show(console, &session, list, &args.paging, &args.common).await
}

pub(super) async fn builds(args: ListBuilds, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let (project, service) = session.service(&args.of).await?;
    let filters = filters(&args.filters);
    let view: View = match filters[..] {
        [] => render::builds,
        _ => render::found_builds,
    };
    let list = List {
        path: &["projects", &project, "services", &service, "build"],
        key: "builds",
        filters,
        view,
        place: Place::service(&project, &service),
    };
    show(console, &session, list, &args.paging, &args.common).await
}

pub(super) async fn notifications(
    args: ListNotifications,
    console: &mut Console,
) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let list = List {
        path: &["integrations", "notifications"],
        key: "notificationIntegrations",
        filters: Vec::new(),
        view: render::notifications,
        place: Place::default(),
    };
    show(console, &session, list, &args.paging, &args.common).await
}

pub(super) async fn plans(args: ListSimple, console: &mut Console) -> Result<(), CliError> {
    simple(console, "plans", render::plans, args).await
}

pub(super) async fn regions(args: ListSimple, console: &mut Console) -> Result<(), CliError> {
    simple(console, "regions", render::regions, args).await
}

async fn simple(
    console: &mut Console,
    name: &str,
    view: View,
    args: ListSimple,
) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let list = List {
        path: &[name],
        key: name,
        filters: Vec::new(),
        view,
        place: Place::default(),
    };
    show(console, &session, list, &Paging::default(), &args.common).await
}

pub(super) async fn show(
    console: &mut Console,
    session: &Session,
    list: List<'_>,
    paging: &Paging,
    common: &Common,
) -> Result<(), CliError> {
    let mut query = query(paging);
    query.extend(list.filters);
    if paging.all {
        let call = session.client.get_all(list.path, &query, list.key);
        let data = session.at(&list.place, call).await?;
        return render::show(console, common.shown.output, data, list.view);
    }
    let answer = session
        .at(&list.place, session.client.get(list.path, &query))
        .await?;
    render::show(console, common.shown.output, answer.data, list.view)?;
    match answer.pagination {
        Some(page) if page.has_next_page && common.shown.output == Format::Table => {
            Ok(console.note(&more(&page, paging))?)
        }
        _ => Ok(()),
    }
}

fn filters(asked: &BuildFilters) -> Vec<(&'static str, String)> {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let filters = [
        ("status", asked.status.clone()),
        ("branch", asked.branch.clone()),
        ("sha", asked.sha.clone()),
        ("createdAfter", time(asked.created_after)),
        ("createdBefore", time(asked.created_before)),
    ];
    let given = filters.map(|(name, value)| Some((name, value?)));
    given.into_iter().flatten().collect()
}

fn query(paging: &Paging) -> Vec<(&'static str, String)> {
    // A walk makes as few calls as it can.
    let per_page = paging.per_page.or(paging.all.then_some(100));
    let mut query = Vec::new();
    query.extend(per_page.map(|n| ("per_page", n.to_string())));
    query.extend(paging.page.map(|n| ("page", n.to_string())));
    query.extend(paging.cursor.iter().map(|c| ("cursor", c.clone())));
    query
}

fn more(page: &Pagination, asked: &Paging) -> String {
    let size = asked
        .per_page
        .map(|n| format!("--per-page {n} "))
        .unwrap_or_default();
    let next = match (&page.cursor, asked.page) {
        (Some(cursor), None) => format!("{size}--cursor {}", render::plain(cursor)),
        (_, number) => format!("{size}--page {}", number.unwrap_or(1) + 1),
    };
    format!("there are more: {next}, or --all")
}
