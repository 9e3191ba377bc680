//! The live tail of a build's log over a WebSocket: the client says who it is, gets the last lines,
//! then every line as it comes, and the connection closes when the build is over and its last line
//! is sent. Nothing is missed and nothing repeated: the follower walks the log by sequence number.

use crate::edge::{ApiError, Caller, Params, Place};
use crate::routes::build_logs::{Asked, BUILD_LOGS, LineView, LogQuery, asked_build};
use crate::state::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use domain::Build;
use logs::{FollowFrom, LogLine};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Lines a tail starts with.
const FIRST_LINES: usize = 10;
/// How old those may be.
const FIRST_AGE_MICROS: i64 = 30 * 60 * 1_000_000;
/// How long a client may take to say who it is.
const INIT_WITHIN: Duration = Duration::from_secs(30);
/// A silent connection is kept open by a ping this often.
const PING: Duration = Duration::from_secs(20);
/// How long the log of a build that is over may take to get its first line: it is closed at once,
/// or never will be.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);
/// About how much text one message carries.
const MESSAGE_BYTES: usize = 256 * 1024;

#[derive(Deserialize)]
struct Init {
    data: InitData,
}

#[derive(Deserialize)]
struct InitData {
    auth: Auth,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Auth {
    api_token: String,
}

#[derive(Serialize)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case")]
enum Reply<'a> {
    Init {
        auth: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    LogLines(Vec<LineView<'a>>),
    Error {
        message: String,
    },
}

/// The largest message taken, in bytes.
const FIRST_MESSAGE: usize = 64 * 1024;

/// The connection is gone; nobody is left to tell.
struct Gone;

/// Answers the upgrade; the rest happens on the WebSocket.
pub(crate) fn upgrade(
    state: State,
    place: Place,
    params: Params<LogQuery>,
    upgrade: WebSocketUpgrade,
) -> Response {
    // Its first message carries a token and comes from anybody; no later one matters.
    let upgrade = upgrade.max_message_size(FIRST_MESSAGE);
    upgrade.on_upgrade(move |mut socket| async move {
        // A client that went away is no error.
        let _ = serve(&state, &place, &params, &mut socket).await;
    })
}

async fn serve(
    state: &State,
    place: &Place,
    params: &Params<LogQuery>,
    socket: &mut WebSocket,
) -> Result<(), Gone> {
    let caller = match who(state, socket).await? {
        Ok(caller) => caller,
        Err(message) => {
            send(
                socket,
                &Reply::Init {
                    auth: "failed",
                    message: Some(message),
                },
            )
            .await?;
            return close(socket).await;
        }
    };
    match prepare(state, &caller, place, params).await {
        Ok((build, asked)) => {
            send(
                socket,
                &Reply::Init {
                    auth: "successful",
                    message: None,
                },
            )
            .await?;
            if let Some(build) = build {
                follow(state, &build, asked, socket).await?;
            }
        }
        Err(error) => {
            send(
                socket,
                &Reply::Init {
                    auth: "successful",
                    message: None,
                },
            )
            .await?;
            send(
                socket,
                &Reply::Error {
                    message: error.to_string(),
                },
            )
            .await?;
        }
    }
    close(socket).await
}

/// Reads the first message: the token.
async fn who(state: &State, socket: &mut WebSocket) -> Result<Result<Caller, String>, Gone> {
    let first = tokio::time::timeout(INIT_WITHIN, socket.recv())
        .await
        .map_err(|_| Gone)?;
    let message = first.ok_or(Gone)?.map_err(|_| Gone)?;
    let Ok(init) = serde_json::from_slice::<Init>(&message.into_data()) else {
        return Ok(Err(
            "The first message must be of type init and carry an API token.".into(),
        ));
    };
    match Caller::by_secret(&state.store, &init.data.auth.api_token).await {
        Ok(Some(caller)) => match state.rate.admit(&caller) {
            Ok(()) => Ok(Ok(caller)),
            Err(error) => Ok(Err(error.to_string())),
        },
        Ok(None) => Ok(Err("The API token is not valid.".into())),
        Err(error) => Ok(Err(ApiError::from(error).to_string())),
    }
}

async fn prepare(
    state: &State,
    caller: &Caller,
    place: &Place,
    params: &Params<LogQuery>,
) -> Result<(Option<Build>, Asked), ApiError> {
    caller.may(&state.store, BUILD_LOGS, place).await?;
    let (_, service) = place.service(state, caller).await?;
    let build = asked_build(state, &service, params).await?;
    let asked = Asked::read(params, build.as_ref())?;
    Ok((build, asked))
}

async fn follow(
    state: &State,
    build: &Build,
    asked: Asked,
    socket: &mut WebSocket,
) -> Result<(), Gone> {
    let from = match (asked.lines, asked.start) {
        (None, None) => {
            let now = jiff::Timestamp::now().as_microsecond();
            FollowFrom::Tail {
                lines: FIRST_LINES,
                not_before: Some(now - FIRST_AGE_MICROS),
            }
        }
        (None, Some(start)) => FollowFrom::Since(start),
        (Some(lines), not_before) => FollowFrom::Tail { lines, not_before },
    };
    let mut follower = match state.logs.follow(&build.uid, from, asked.filter).await {
        Ok(follower) => follower,
        Err(error) => {
            let message = ApiError::from(error).to_string();
            return send(socket, &Reply::Error { message }).await;
        }
    };
    let mut silence = CLOSED_WITHIN;
    loop {
        tokio::select! {
            lines = follower.next() => match lines {
                Ok(Some(lines)) => send_lines(socket, &build.id, lines).await?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    let message = ApiError::from(error).to_string();
                    return send(socket, &Reply::Error { message }).await;
                }
            },
            // Clients of a stopping server connect again to the next one.
            () = state.stop.cancelled() => return Ok(()),
            // The client says nothing more; reading notices when it closes, and answers pings.
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Gone),
                Some(Ok(_)) => {}
            },
            () = tokio::time::sleep(silence) => {
                if never_begins(state, &build.uid).await {
                    return Ok(());
                }
                silence = PING;
                socket.send(Message::Ping(axum::body::Bytes::new())).await.map_err(|_| Gone)?;
            }
        }
    }
}

/// Whether the build is over, or deleted, and nothing was ever logged: then nothing will be.
async fn never_begins(state: &State, build_uid: &str) -> bool {
    let build = state.store.build_by_uid(build_uid).await;
    let over = build.is_ok_and(|build| build.is_none_or(|build| build.status.is_concluded()));
    let log = state.logs.status(build_uid).await;
    over && log.is_ok_and(|log| log.next_seq == 0)
}

/// Sends lines in messages that are small for any client, and whose memory is soon free again.
async fn send_lines(socket: &mut WebSocket, id: &str, lines: Vec<LogLine>) -> Result<(), Gone> {
    let (mut message, mut bytes) = (Vec::new(), 0);
    for line in lines {
        if bytes + line.text.len() > MESSAGE_BYTES && !message.is_empty() {
            send(socket, &Reply::LogLines(std::mem::take(&mut message))).await?;
            bytes = 0;
        }
        bytes += line.text.len();
        message.push(LineView::new(id, line));
    }
    if message.is_empty() {
        return Ok(());
    }
    send(socket, &Reply::LogLines(message)).await
}

async fn send(socket: &mut WebSocket, reply: &Reply<'_>) -> Result<(), Gone> {
    let text = serde_json::to_string(reply).map_err(|_| Gone)?;
    socket.send(Message::text(text)).await.map_err(|_| Gone)
}

async fn close(socket: &mut WebSocket) -> Result<(), Gone> {
    socket.send(Message::Close(None)).await.map_err(|_| Gone)
}
