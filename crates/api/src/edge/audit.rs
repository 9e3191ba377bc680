//! The record of changes: a line in the server's log, under the name `audit`, for each call that changes
//! something or was refused to. It says who called, what, where, and how it ended; nothing of what was
//! sent, in which there may be secrets.

use super::{Caller, Declared, ErrorId};
use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Middleware: writes the line of a call that changes something.
pub(super) async fn audit(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut record = Record::of(&mut parts).await;
    let response = next.run(Request::from_parts(parts, body)).await;
    record.answered(&response);
    response
}

/// What is known of a call. It is written when it is dropped: also when its caller hung up before there
/// was an answer, or the call came to grief.
struct Record {
    call: &'static str,
    caller: Option<Caller>,
    address: Option<IpAddr>,
    /// What its path names, by the names of the parameters.
    place: BTreeMap<String, String>,
    answer: Option<(u16, Option<ErrorId>)>,
}

impl Record {
    async fn of(parts: &mut Parts) -> Record {
        let place = RawPathParams::from_request_parts(parts, &()).await;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let declared = parts.extensions.get::<Declared>();
        Record {
            call: declared.map_or("unknown", |declared| declared.call.name),
            caller: parts.extensions.get().cloned(),
            address: address.map(|info| info.0.ip()),
            place: place.map_or_else(
                |_| BTreeMap::new(),
                |place| place.iter().map(owned).collect(),
            ),
            answer: None,
        }
    }

    fn answered(&mut self, response: &Response) {
        self.answer = Some((response.status().as_u16(), ErrorId::of(response)));
    }

    /// The team that the call was about, as far as the caller may have said it.
    fn team(&self) -> Option<&str> {
        let named = self.place.get("teamId").map(String::as_str);
        named.or_else(|| Some(self.caller.as_ref()?.token.team.as_str()))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let token = self.caller.as_ref().map(|caller| &caller.token);
        let named = |name: &str| self.place.get(name).map(String::as_str);
        let rest = ["teamId", "projectId", "serviceId"];
        let mut others = self.place.iter();
        let other = others.find(|(name, _)| !rest.contains(&name.as_str()));
        // Text as `&str` is quoted, so that nobody writes lines of their own by what they call things.
        tracing::info!(
            target: "audit",
            call = self.call,
            token = token.map(|token| token.id.as_str()),
            token_name = token.map(|token| token.name.as_str()),
            member = token.and_then(|token| token.member.as_deref()),
            address = self.address.map(tracing::field::display),
            team = self.team(),
            project = named("projectId"),
            service = named("serviceId"),
            item = other.map(|(_, value)| value.as_str()),
            status = self.answer.map(|(status, _)| status),
            error = self.answer.and_then(|(_, error)| Some(error?.0)),
            "{}",
            self.outcome()
        );
    }
}

impl Record {
    fn outcome(&self) -> &'static str {
        match self.answer {
            Some((200..300, _)) => "done",
            Some((400..500, _)) => "refused",
            Some(_) => "failed",
            // What was begun may have been done.
            None => "not answered: the caller hung up, or the call broke off",
        }
    }
}
