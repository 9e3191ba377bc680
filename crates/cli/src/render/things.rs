//! Projects, services, plans and regions as tables.

use super::builds::short;
use super::detail::Detail;
use super::table::{Cell, Sheet, Tone};
use super::time::ago;
use crate::client::{
    ClientError, Plan, Project, Region, Service, SkippedCommit, parse, parse_rows,
};
use jiff::Timestamp;
use serde_json::Value;

pub(crate) fn projects(data: Value, _now: Timestamp) -> Result<Sheet, ClientError> {
    let mut sheet = Sheet::new(
        &["ID", "NAME", "DESCRIPTION"],
        "no projects that this token may see; create one with `boatyard create project --name NAME`",
    );
    for project in parse_rows::<Project>(data, "projects")? {
        sheet.row(vec![
            Cell::new(&project.id),
            Cell::new(&project.name),
            Cell::or_dash(project.description.as_deref()),
        ]);
    }
    Ok(sheet)
}

pub(crate) fn project(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    let region = data["deployment"]["region"].as_str().map(str::to_owned);
    let project: Project = parse(data)?;
    let services: Vec<String> = project.services.into_iter().map(|s| s.id).collect();
    Ok(Detail::new()
        .add("ID", Some(&project.id))
        .add("Name", Some(&project.name))
        .add("Description", project.description.as_ref())
        .add("Region", region)
        .add("Created", project.created_at.map(|at| ago(at, now)))
        .add("Services", Some(services.join(", ")))
        .into_sheet())
}

pub(crate) fn services(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    let mut sheet = Sheet::new(
        &["ID", "NAME", "LAST BUILD", "SINCE", "DESCRIPTION"],
        "no services yet; create one with `boatyard create service build --name NAME --repo URL`",
    );
    for service in parse_rows::<Service>(data, "services")? {
        let last = service.status.build;
        let since = last.as_ref().and_then(|build| build.last_transition_time);
        let status = last.as_ref().map(|build| build.status.as_str());
        sheet.row(vec![
            Cell::new(&service.id),
            Cell::new(&service.name),
            Cell::or_dash(status).tone(status.map_or(Tone::Faint, status_tone)),
            Cell::or_dash(since.map(|at| ago(at, now))),
            Cell::or_dash(service.description.as_deref()),
        ]);
    }
    Ok(sheet)
}

pub(crate) fn service(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    let text = |pointer: &str| {
        data.pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let plan = text("/billing/buildPlan");
    let dockerfile = text("/buildSettings/dockerfile/dockerFilePath");
    let folder = text("/buildSettings/dockerfile/dockerWorkDir");
    let target = text("/buildConfiguration/dockerfileTarget");
    let service: Service = parse(data)?;
    let watch = service.watch.unwrap_or_default();
    let last = service.status.build;
    let since = last
        .as_ref()
        .and_then(|b| b.last_transition_time)
        .map(|at| ago(at, now));
    let status = last.map(|b| b.status).unwrap_or_default();
    Ok(Detail::new()
        .add("ID", Some(&service.id))
        .add("Name", Some(&service.name))
        .add("Description", service.description.as_ref())
        .add("Repository", service.vcs_data.map(|vcs| vcs.project_url))
        .add("Dockerfile", dockerfile)
        .add("Context", folder)
        .add("Stage", target)
        .add("Plan", plan)
        .toned("Last build", Some(&status), status_tone(&status))
        .add("Since", since)
        .add("Watched since", watch.since.map(|at| ago(at, now)))
        .toned("Problem", watch.problem, Tone::Bad)
        .add(
            "Last skipped",
            watch.last_skipped.map(|commit| skipped(&commit, now)),
        )
        .add("Created", service.created_at.map(|at| ago(at, now)))
        .into_sheet())
}

/// "12c15e7ee2 of main, 4m ago: paths".
fn skipped(commit: &SkippedCommit, now: Timestamp) -> String {
    let name = commit.name.strip_prefix("refs/heads/");
    let name = name.unwrap_or(&commit.name);
    let at = commit.at.map(|at| format!(", {}", ago(at, now)));
    let (sha, at) = (short(&commit.sha), at.unwrap_or_default());
    format!("{sha} of {name}{at}: {}", commit.reason)
}

pub(crate) fn plans(data: Value, _now: Timestamp) -> Result<Sheet, ClientError> {
    let mut sheet = Sheet::new(&["ID", "CPU", "MEMORY"], "no plans");
    for plan in parse_rows::<Plan>(data, "plans")? {
        sheet.row(vec![
            Cell::new(&plan.id),
            Cell::new(plan.cpu_resource.to_string()),
            Cell::new(format!("{} MB", plan.ram_resource)),
        ]);
    }
    Ok(sheet)
}

pub(crate) fn regions(data: Value, _now: Timestamp) -> Result<Sheet, ClientError> {
    let mut sheet = Sheet::new(&["ID", "NAME"], "no regions");
    for region in parse_rows::<Region>(data, "regions")? {
        sheet.row(vec![Cell::new(&region.id), Cell::new(&region.name)]);
    }
    Ok(sheet)
}

fn status_tone(status: &str) -> Tone {
    match status {
        "SUCCESS" => Tone::Good,
        "FAILURE" | "CRASHED" | "SUBMISSION_FAILURE" | "UNSCHEDULABLE" => Tone::Bad,
        "ABORTED" => Tone::Faint,
        _ => Tone::Busy,
    }
}
