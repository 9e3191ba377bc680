//! Answers that are kept for as long as the database is the same. A page of a list is asked for again
//! and again, by screens and scripts that wait for something to happen, and mostly nothing has.

use super::{ApiError, Caller};
use crate::state::State;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::{Uri, header};
use serde::Serialize;
use std::marker::PhantomData;
use store::Remembered;

/// About so many answers, of at most so many bytes altogether.
const ANSWERS: usize = 1000;
const BYTES: u64 = 16 << 20;

/// Answers by token and address.
pub(crate) struct Answers(Remembered<Bytes>);

impl Default for Answers {
    fn default() -> Self {
        Answers(Remembered::new(ANSWERS, BYTES, Bytes::len))
    }
}

impl Answers {
    /// The answer to a call that only reads the database: the one given before, or what `make` makes.
    /// It must depend on nothing but the token, the address and the database.
    pub(crate) async fn get_or<T: Serialize>(
        state: &State,
        caller: &Caller,
        uri: &Uri,
        make: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<Kept<T>, ApiError> {
        let key = format!("{} {uri}", caller.token.id);
        if let Some(known) = state.answers.0.get(&key, &caller.version) {
            return Ok(Kept(known, PhantomData));
        }
        let bytes = json(&make.await?)?;
        let version = caller.version.clone();
        state.answers.0.put(key, version, bytes.clone());
        Ok(Kept(bytes, PhantomData))
    }
}

fn json(answer: &impl Serialize) -> Result<Bytes, ApiError> {
    match serde_json::to_vec(answer) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            Err(ApiError::internal())
        }
    }
}

/// An answer as JSON, written already.
pub(crate) struct Kept<T>(Bytes, PhantomData<T>);

impl<T> IntoResponse for Kept<T> {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}
