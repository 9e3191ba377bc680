//! A call of the API, declared once: its published name and the permission it needs. The check and
//! the OpenAPI document both read the declaration, so they cannot differ.

use super::again::again;
use super::audit::audit;
use super::{ApiError, Problems};
use crate::openapi::describing;
use crate::state::State;
use aide::OperationInput;
use aide::axum::routing::{
    ApiMethodRouter, delete_with, get_with, patch_with, post_with, put_with,
};
use aide::openapi::Operation;
use aide::operation::{OperationHandler, OperationOutput};
use aide::transform::TransformOperation;
use axum::Extension;
use axum::handler::Handler;
use axum::middleware::from_fn;
use domain::Permission;
use std::sync::{Arc, LazyLock};

/// The document's extension that lists a call's published names, like `get.service.builds`.
const CALLS: &str = "x-calls";
/// The document's extension that holds the permission a call needs.
const PERMISSION: &str = "x-permission";
/// The name of the way callers prove who they are.
pub(crate) const TOKEN: &str = "token";

/// One call.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(super) name: &'static str,
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
    /// The parameters that its query may have, known when the first query comes.
    query: Arc<LazyLock<Vec<String>>>,
}

/// The names of the parameters that a handler with this signature takes from the query.
fn query_of<I: OperationInput>() -> Vec<String> {
    let mut operation = Operation::default();
    aide::generate::in_context(|context| I::operation_input(context, &mut operation));
    let parameters = operation.parameters.iter();
    let parameters = parameters.filter_map(|parameter| parameter.as_item());
    let names = parameters.map(|parameter| parameter.parameter_data_ref().name.clone());
    names.collect()
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
            if describing() {
                return $with(handler, |operation| self.describe(operation));
            }
            let route = ApiMethodRouter::from(axum::routing::$method(handler));
            $( let route: ApiMethodRouter<State> = route.layer(from_fn($around)); )*
            route.layer(Extension(Declared {
                call: self,
                query: Arc::new(LazyLock::new(query_of::<I>)),
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
        post => post_with within again within audit;
        /// Answered with PUT.
        put => put_with within again within audit;
        /// Answered with PATCH.
        patch => patch_with within again within audit;
        /// Answered with DELETE.
        delete => delete_with within again within audit;
    }

    fn describe<'t>(&self, operation: TransformOperation<'t>) -> TransformOperation<'t> {
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
