//! Turns a failed call into words that say what to do next.

use super::hints::there_are;
use super::resolve::Origin;
use super::session::{Place, Session};
use super::words::{for_person, in_flags};
use crate::client::{ApiError, ClientError, is_loopback};
use crate::error::CliError;
use serde_json::Value;
use url::Url;

/// Builds that are listed when one is not found.
const BUILDS: u8 = 20;

pub(super) async fn explain(session: &Session, place: &Place, error: ClientError) -> CliError {
    let explanation = match &error {
        ClientError::Unreachable { .. } => unreachable(session, &error),
        ClientError::Api(refusal) => refused(session, place, refusal).await,
        other => other.to_string(),
    };
    CliError::Call {
        explanation,
        source: error,
    }
}

fn unreachable(session: &Session, error: &ClientError) -> String {
    let local = Url::parse(session.client.host()).is_ok_and(|url| is_loopback(&url));
    let hint = match &session.address_file {
        Some(file) => format!(
            "the server that wrote {} does not answer; if it is gone, start it again with \
             `boatyard serve`",
            file.display()
        ),
        None if local => "is the server running? Start it with `boatyard serve`; if it keeps its \
             data elsewhere, say where with BOATYARD_DATA_DIR, or give --host"
            .to_owned(),
        None => "is the address right, and the server running there (`boatyard serve`)? \
             `boatyard context list` shows the remembered servers"
            .to_owned(),
    };
    format!("{error}\nhint: {hint}")
}

async fn refused(session: &Session, place: &Place, error: &ApiError) -> String {
    let message = for_person(&error.message);
    match error.status {
        401 => unauthorized(session, &message),
        403 => format!(
            "{message}\nhint: use a token whose role has that permission: `boatyard login --host {}`",
            session.client.host()
        ),
        404 => what_is_there(session, place).await.unwrap_or(message),
        429 => match error.retry_after {
            Some(seconds) => format!("{message}\nhint: try again in {seconds} s"),
            None => message,
        },
        _ => with_fields(session, error).unwrap_or(message),
    }
}

fn unauthorized(session: &Session, message: &str) -> String {
    let host = session.client.host();
    let (which, hint) = match &session.origin {
        Origin::Flag => (
            "the token given with --token".to_owned(),
            "without --token, the one that `boatyard login` remembered is used".to_owned(),
        ),
        Origin::Environment => (
            "the token in BOATYARD_TOKEN".to_owned(),
            "unset BOATYARD_TOKEN to use the one that `boatyard login` remembered".to_owned(),
        ),
        Origin::Context(name) => (
            format!("the token of the context `{name}`"),
            format!("log in again with `boatyard login --name {name} --host {host}`"),
        ),
        Origin::DataFolder => (
            "the administrator's token in the data folder".to_owned(),
            format!(
                "that folder is perhaps another server's: say which with BOATYARD_DATA_DIR, or \
                 log in with `boatyard login --host {host}`"
            ),
        ),
    };
    format!("{host} does not take {which}: {message}\nhint: {hint}")
}

/// The offending fields, each on its own line.
fn with_fields(session: &Session, error: &ApiError) -> Option<String> {
    let fields = fields(&error.details);
    let lines: Vec<String> = fields
        .iter()
        .map(|(field, problem)| {
            let problem = for_person(problem);
            let (field, problem) = match session.by_flags {
                true => in_flags(field, &problem),
                false => (field.clone(), problem),
            };
            format!("  {field}: {problem}")
        })
        .collect();
    let text = format!("the server refused the request:\n{}", lines.join("\n"));
    (!lines.is_empty()).then_some(text)
}

/// Fields and problems, in the forms that servers of this API write them.
fn fields(details: &Value) -> Vec<(String, String)> {
    match details {
        Value::Array(items) => items
            .iter()
            .filter_map(|item| {
                let text = |keys: [&str; 3]| keys.iter().find_map(|key| item[*key].as_str());
                let field = text(["field", "path", "name"])?;
                Some((
                    field.to_owned(),
                    text(["problem", "message", "error"])?.to_owned(),
                ))
            })
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(field, what)| {
                (
                    field.clone(),
                    what.as_str()
                        .map_or_else(|| what.to_string(), str::to_owned),
                )
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Looks from the outside in for the first id that is not there, and says what is.
async fn what_is_there(session: &Session, place: &Place) -> Option<String> {
    let project = place.project.as_deref()?;
    let projects = projects(session).await?;
    if !projects.iter().any(|p| p == project) {
        let host = session.client.host();
        return Some(absent(
            &format!("project `{project}` at {host}"),
            project,
            &projects,
        ));
    }
    let service = place.service.as_deref()?;
    let services = services(session, project).await?;
    if !services.iter().any(|s| s == service) {
        let what = format!("service `{service}` in project `{project}`");
        return Some(absent(&what, service, &services));
    }
    let build = place.build.as_deref()?;
    let builds = builds(session, project, service).await?;
    if builds.iter().any(|b| b == build) {
        return None;
    }
    let what = format!("build `{build}` of service `{service}`");
    Some(
        match there_are(
            build,
            &builds.iter().map(String::as_str).collect::<Vec<_>>(),
        ) {
            Some(there) => format!("no {what}; among the newest {there}"),
            None => format!("no {what}; it has no builds yet"),
        },
    )
}

/// Says which flag is missing, and what could be given there.
pub(super) async fn missing(session: &Session, place: &Place) -> CliError {
    let (what, flag, names) = match (&place.project, &place.service) {
        (None, _) => ("project", "--project", projects(session).await),
        (Some(project), None) => ("service", "--service", services(session, project).await),
        (Some(project), Some(service)) => {
            ("build", "--build", builds(session, project, service).await)
        }
    };
    let mut text = format!("which {what}? Give {flag} ID");
    if let Some(names) = names {
        let list = there_are("", &names.iter().map(String::as_str).collect::<Vec<_>>());
        let none = || "there is none that this token may see".to_owned();
        text.push_str(&format!("; {}", list.unwrap_or_else(none)));
    }
    if what != "build" {
        text.push_str(&format!(
            "\nhint: `boatyard context use {flag} ID` sets a default"
        ));
    }
    CliError::Usage(text)
}

fn absent(what: &str, wanted: &str, names: &[String]) -> String {
    match there_are(
        wanted,
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    ) {
        Some(there) => format!("no {what}; {there}"),
        None => format!("no {what}; there is none that this token may see"),
    }
}

// A hint is worth no second error: what cannot be listed is left out.

async fn projects(session: &Session) -> Option<Vec<String>> {
    let projects = session.client.projects().await.ok()?;
    Some(projects.into_iter().map(|project| project.id).collect())
}

async fn services(session: &Session, project: &str) -> Option<Vec<String>> {
    let services = session.client.services(project).await.ok()?;
    Some(services.into_iter().map(|service| service.id).collect())
}

async fn builds(session: &Session, project: &str, service: &str) -> Option<Vec<String>> {
    let builds = session
        .client
        .newest_builds(project, service, BUILDS)
        .await
        .ok()?;
    Some(builds.into_iter().map(|build| build.id).collect())
}
