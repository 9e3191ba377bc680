//! A call of the API, declared once: its published name and the permission it needs. The check and
//! the OpenAPI document both read the declaration, so they cannot differ.

use super::again::again;
use super::{ApiError, Problems};
use crate::state::State;
use aide::OperationInput;

use aide::axum::routing::{
    ApiMethodRouter, delete_with, get_with, patch_with, post_with, put_with,
};
use aide::operation::{OperationHandler, OperationOutput};
use aide::transform::TransformOperation;
use axum::Extension;
use axum::handler::Handler;
use axum::middleware::from_fn;
use domain::Permission;
use std::sync::Arc;

/// The document's extension that lists a call's published names, like `get.service.builds`.
const CALLS: &str = "x-calls";
/// The document's extension that holds the permission a call needs.
const PERMISSION: &str = "x-permission";
/// The name of the way callers prove who they are.
pub(crate) const TOKEN: &str = "token";

/// One call.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    name: &'static str,
    /// A second published call that has the same method and path.
    also: Option<&'static str>,
    summary: &'static str,
    /// `None`: any valid token will do.
    pub(crate) permission: Option<Permission>,
}

/// A call as its route declares it.
#[derive(Clone)]
pub(crate) struct Declared {
    pub(crate) call: Call,
    /// The parameters that its query may have.
    pub(crate) query: Arc<[String]>,
}

impl Declared {
    /// Refuses a parameter that the call does not have: left out silently, it would have the answer
    /// say something else than was asked.
    pub(crate) fn check_query(&self, query: &str) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        for (name, _) in form_urlencoded::parse(query.as_bytes()) {
            if !self.query.iter().any(|known| *known == name) {
                problems.add(&name, self.unknown());
            }
        }
        problems.into_result()
    }

    fn unknown(&self) -> String {
        if self.query.is_empty() {
            return "is not a parameter of this call, which has none".to_owned();
        }
        format!(
            "is not a parameter of this call; there are {}",
            self.query.join(", ")
        )
    }
}

/// A call by its published name, with a line on what it does.
pub(crate) const fn call(name: &'static str, summary: &'static str) -> Call {
    Call {
        name,
        also: None,
        summary,
        permission: None,
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident => $with:ident $(within $around:ident)*;)+) => {
        $( $(#[$doc])*
        pub(crate) fn $method<H, I, O, T>(self, handler: H) -> ApiMethodRouter<State>
        where
            H: Handler<T, State> + OperationHandler<I, O>,
            I: OperationInput,
            O: OperationOutput,
            T: 'static,
        {
            let mut query = Vec::new();
            let route = $with(handler, |operation| self.describe(operation, &mut query));
            $( let route: ApiMethodRouter<State> = route.layer(from_fn($around)); )*
            route.layer(Extension(Declared {
                call: self,
                query: query.into(),
            }))
        } )+
    };
}

impl Call {
    /// The permission that the token must have.
    pub(crate) const fn needs(mut self, permission: Permission) -> Call {
        self.permission = Some(permission);
        self
    }

    /// The other published call that has the same method and path.
    pub(crate) const fn also(mut self, name: &'static str) -> Call {
        self.also = Some(name);
        self
    }

    methods! {
        /// Answered with GET.
        get => get_with;
        /// Answered with POST.
        post => post_with within again;
        /// Answered with PUT.
        put => put_with within again;
        /// Answered with PATCH.
        patch => patch_with within again;
        /// Answered with DELETE.
        delete => delete_with within again;
    }

    fn describe<'t>(
        &self,
        mut operation: TransformOperation<'t>,
        query: &mut Vec<String>,
    ) -> TransformOperation<'t> {
        let parameters = operation.inner_mut().parameters.iter();
        let parameters = parameters.filter_map(|parameter| parameter.as_item());
        query.extend(parameters.map(|parameter| parameter.parameter_data_ref().name.clone()));
        let mut operation = operation
            .id(self.name)
            .summary(self.summary)
            .security_requirement(TOKEN);
        let extensions = &mut operation.inner_mut().extensions;
        let names = std::iter::once(self.name).chain(self.also);
        extensions.insert(CALLS.to_owned(), names.collect());
        let Some(permission) = self.permission else {
            return operation.description("Any valid token will do.");
        };
        extensions.insert(PERMISSION.to_owned(), permission.as_str().into());
        operation.description(&format!("Needs the permission `{}`.", permission.as_str()))
    }
}
