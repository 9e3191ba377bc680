//! The calls, by resource.

pub(crate) mod build_logs;
pub(crate) mod builds;
pub(crate) mod machine;
pub(crate) mod places;
pub(crate) mod projects;
pub(crate) mod service_input;
pub(crate) mod service_view;
pub(crate) mod services;
