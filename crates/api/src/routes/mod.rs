//! The calls, by resource: each is declared once, with its published name and its permission.

pub(crate) mod account_secrets;
pub(crate) mod build_arguments;
pub(crate) mod build_details;
pub(crate) mod build_filter;
pub(crate) mod build_logs;
pub(crate) mod build_metrics;
pub(crate) mod build_options;
pub(crate) mod build_retry;
pub(crate) mod builds;
pub(crate) mod child_objects;
pub(crate) mod custom_registry;
pub(crate) mod machine;
pub(crate) mod members;
pub(crate) mod no_fields;
pub(crate) mod notifications;
pub(crate) mod places;
pub(crate) mod projects;
pub(crate) mod registry_credentials;
pub(crate) mod repositories;
pub(crate) mod role_input;
pub(crate) mod role_members;
pub(crate) mod roles;
pub(crate) mod secret_groups;
pub(crate) mod secret_input;
pub(crate) mod service_input;
pub(crate) mod service_rights;
mod service_view;
pub(crate) mod services;
pub(crate) mod tags;
pub(crate) mod teams;
mod unreadable;
pub(crate) mod vcs;

use crate::state::State;
use aide::axum::ApiRouter;

/// Every call.
pub(crate) fn all() -> ApiRouter<State> {
    ApiRouter::new().nest(
        "/v1",
        machine::routes()
            .merge(owned())
            .merge(teams::routes())
            .nest("/teams/{teamId}", owned().merge(of_teams())),
    )
}

/// What belongs to a team: the same calls with the team in front, and without it for the token's
/// own team.
fn owned() -> ApiRouter<State> {
    projects::routes()
        .merge(services::routes())
        .merge(build_options::routes())
        .merge(build_arguments::routes())
        .merge(secret_groups::routes())
        .merge(account_secrets::routes())
        .merge(repositories::routes())
        .merge(builds::routes())
        .merge(build_retry::routes())
        .merge(build_logs::routes())
        .merge(build_metrics::routes())
        .merge(tags::routes())
        .merge(registry_credentials::routes())
        .merge(notifications::routes())
        .merge(vcs::routes())
}

/// What exists with the team in front only.
fn of_teams() -> ApiRouter<State> {
    roles::routes()
        .merge(role_members::routes())
        .merge(members::routes())
}
