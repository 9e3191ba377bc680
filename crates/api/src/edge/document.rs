//! What the pieces of a handler's signature mean in the OpenAPI document.

use super::{ApiError, Body, Caller, Data, ErrorView, Gathered, Kept, Listed, Params, Path};
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, ReferenceOr, RequestBody, Response, SchemaObject};
use aide::operation::{OperationOutput, ParamLocation, add_parameters, parameters_from_schema};
use schemars::JsonSchema;
use serde::Serialize;

const JSON: &str = "application/json";

/// How calls fail, and when. Any call may: there is a limit on requests, and a database behind it.
const FAILURES: [(u16, &str); 10] = [
    (
        400,
        "Something in the request is wrong; `details` names each field.",
    ),
    (401, "No valid token was given."),
    (403, "The token lacks the permission; the message names it."),
    (404, "Not there, or not this token's to see."),
    (
        409,
        "It is taken, not in a state that allows this, or others were changing it all the while.",
    ),
    (413, "The body is larger than this call takes."),
    (
        429,
        "Over the limit of requests; `retry-after` says when to go on.",
    ),
    (
        500,
        "Something went wrong on the server; its log says what.",
    ),
    (
        503,
        "The server cannot reach something it needs; try again.",
    ),
    (507, "The server's disk is full; nothing was stored."),
];

fn json<T: JsonSchema>(ctx: &mut GenContext) -> MediaType {
    MediaType {
        schema: Some(SchemaObject {
            json_schema: ctx.schema.subschema_for::<T>(),
            example: None,
            external_docs: None,
        }),
        ..MediaType::default()
    }
}

fn answer<T: JsonSchema>(ctx: &mut GenContext, description: &str) -> Response {
    Response {
        description: description.to_owned(),
        content: [(JSON.to_owned(), json::<T>(ctx))].into_iter().collect(),
        ..Response::default()
    }
}

fn failures(ctx: &mut GenContext) -> Vec<(Option<u16>, Response)> {
    let failure = |(status, when): (u16, &str)| (Some(status), answer::<ErrorView>(ctx, when));
    FAILURES.into_iter().map(failure).collect()
}

/// The caller is the operation's security requirement. Every call has one, so every call may fail
/// in all these ways before its handler begins.
impl OperationInput for Caller {
    fn inferred_early_responses(
        ctx: &mut GenContext,
        _: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        failures(ctx)
    }
}

/// Which parameters there are, the path itself says.
impl<T> OperationInput for Path<T> {}

impl<T: JsonSchema> OperationInput for Body<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let body = RequestBody {
            content: [(JSON.to_owned(), json::<T>(ctx))].into_iter().collect(),
            required: true,
            ..RequestBody::default()
        };
        operation.request_body = Some(ReferenceOr::Item(body));
    }
}

impl<Q: JsonSchema> OperationInput for Params<Q> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let schema = ctx.schema.subschema_for::<Q>();
        let schema = ctx.resolve_schema(&schema).clone();
        let parameters = parameters_from_schema(ctx, schema, ParamLocation::Query);
        add_parameters(ctx, operation, parameters);
    }
}

/// The same, for a call that knows its caller only later.
impl OperationOutput for ApiError {
    type Inner = ErrorView;

    fn inferred_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        failures(ctx)
    }
}

macro_rules! succeeds {
    ($wrapper:ident) => {
        impl<T: Serialize + JsonSchema> OperationOutput for $wrapper<T> {
            type Inner = T;

            fn inferred_responses(
                ctx: &mut GenContext,
                _: &mut Operation,
            ) -> Vec<(Option<u16>, Response)> {
                vec![(Some(200), answer::<$wrapper<T>>(ctx, "Done."))]
            }
        }
    };
}
succeeds!(Data);
succeeds!(Listed);
succeeds!(Gathered);

impl<T: JsonSchema> OperationOutput for Kept<T> {
    type Inner = T;

    fn inferred_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        vec![(Some(200), answer::<T>(ctx, "Done."))]
    }
}
