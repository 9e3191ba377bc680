//! Calls whose ground moved. What a call changes it first reads, and is told by the store when another
//! call changed it in between. Then the whole call is made again: it sees what is there now, and its checks
//! hold for that.

use super::{ApiError, Caller, ErrorId, body};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;

/// So often a call is made before its caller is told. Of those that change one thing at once one gets
/// through each time, so as many may do so and all succeed.
const TIMES: usize = 16;

/// Middleware: makes a call again for as long as it finds that something was changed meanwhile.
pub(super) async fn again(request: Request, next: Next) -> Response {
    if request.extensions().get::<Caller>().is_none() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = body::read(Request::from_parts(parts.clone(), body), &()).await;
    match body {
        Ok(body) => repeat(&parts, &body, &next).await,
        Err(error) => error.into_response(),
    }
}

async fn repeat(parts: &Parts, body: &Bytes, next: &Next) -> Response {
    for _ in 0..TIMES {
        let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
        let response = next.clone().run(request).await;
        if ErrorId::of(&response) != Some(ErrorId::CHANGED_MEANWHILE) {
            return response;
        }
    }
    ApiError::changed_meanwhile().into_response()
}
