//! `boatyard get service build-logs`

use crate::args::{BuildLogs, Format, LogOrder};
use crate::client::{Build, BuildPath, Direction, LogLine, LogQuery, TailOptions};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::follow::Printer;
use crate::render;
use jiff::Timestamp;

pub(super) async fn show(args: BuildLogs, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let (project, service) = session.service(&args.of.of).await?;
    let since = |ago| (console.clock)().checked_sub(ago).unwrap_or(Timestamp::MIN);
    let start = args.start.or(args.since.map(since));
    let open = args.end.is_none() && args.duration.is_none();
    let whole = open && args.lines.is_none() && args.direction.is_none();
    let build = match args.of.build.clone() {
        Some(build) => {
            let path = BuildPath {
                project: project.clone(),
                service: service.clone(),
                build,
            };
            session
                .at(&Place::build(&path), session.client.build(&path))
                .await?
        }
        None => newest(&session, console, &project, &service).await?,
    };
    // A duration counts from the end, unless a beginning is given.
    let born = build.created_at.filter(|_| args.duration.is_none());
    let path = BuildPath {
        project,
        service,
        build: build.id.clone(),
    };
    if args.tail {
        tail(&session, console, &args, path, start).await
    } else if whole {
        whole_log(&session, console, &args, path, start.or(born)).await
    } else {
        range(&session, console, &args, &path, start.or(born)).await
    }
}

async fn newest(
    session: &Session,
    console: &mut Console,
    project: &str,
    service: &str,
) -> Result<Build, CliError> {
    let call = session.client.newest_builds(project, service, 1);
    let builds = session.at(&Place::service(project, service), call).await?;
    let build = builds.into_iter().next().ok_or_else(|| {
        CliError::Usage(format!(
            "service `{service}` has no builds yet\n\
             hint: boatyard start service build --project {project} --service {service} --branch main --wait"
        ))
    })?;
    let words = format!("the newest build: {} ({})", build.id, build.stands());
    console.note(&render::plain(&words))?;
    Ok(build)
}

async fn tail(
    session: &Session,
    console: &mut Console,
    args: &BuildLogs,
    path: BuildPath,
    start: Option<Timestamp>,
) -> Result<(), CliError> {
    let options = TailOptions {
        from: start,
        lines: args.lines,
        filter: args.filter.chosen(),
        ..TailOptions::default()
    };
    let printer = Printer::new(args.common.shown.output, args.timestamps);
    let place = Place::build(&path);
    let mut tail = session.client.tail(path, options);
    while let Some(batch) = tail.next().await {
        match batch {
            Ok(lines) => printer.print(console, &lines)?,
            Err(error) => return Err(session.explain(&place, error).await),
        }
    }
    Ok(())
}

/// Everything that the build wrote, however much that is.
async fn whole_log(
    session: &Session,
    console: &mut Console,
    args: &BuildLogs,
    path: BuildPath,
    from: Option<Timestamp>,
) -> Result<(), CliError> {
    let from = from.unwrap_or(Timestamp::UNIX_EPOCH);
    let place = Place::build(&path);
    let mut log = session.client.whole_log(path, args.filter.chosen(), from);
    let printer = Printer::new(args.common.shown.output, args.timestamps);
    let mut all = Vec::new();
    loop {
        let lines = session.at(&place, log.next()).await?;
        if lines.is_empty() {
            break;
        }
        if args.common.shown.output == Format::Table {
            printer.print(console, &lines)?;
        } else {
            all.extend(lines);
        }
    }
    as_one(console, args.common.shown.output, &all)
}

async fn range(
    session: &Session,
    console: &mut Console,
    args: &BuildLogs,
    path: &BuildPath,
    start: Option<Timestamp>,
) -> Result<(), CliError> {
    let query = LogQuery {
        build: Some(path.build.clone()),
        start,
        end: args.end,
        duration: args.duration,
        lines: args.lines,
        direction: Some(match args.direction {
            Some(order) => order.into(),
            // The last lines are wanted, and shown in reading order all the same.
            None if args.lines.is_some() => Direction::Backward,
            None => Direction::Forward,
        }),
        filter: args.filter.chosen(),
    };
    let call = session.client.logs(&path.project, &path.service, &query);
    let mut lines = session.at(&Place::build(path), call).await?;
    let newest_first = is_newest_first(&lines);
    if newest_first && args.direction != Some(LogOrder::Backward) {
        lines.reverse();
    }
    if args.common.shown.output == Format::Table {
        Printer::new(args.common.shown.output, args.timestamps).print(console, &lines)?;
    }
    as_one(console, args.common.shown.output, &lines)
}

fn is_newest_first(lines: &[LogLine]) -> bool {
    matches!((lines.first(), lines.last()), (Some(first), Some(last)) if first.ts > last.ts)
}

/// The lines as one document, for programs.
fn as_one(console: &mut Console, format: Format, lines: &[LogLine]) -> Result<(), CliError> {
    if format == Format::Table {
        return Ok(());
    }
    let data = serde_json::to_value(lines)?;
    render::show(console, format, data, super::abort::NO_TABLE)
}
