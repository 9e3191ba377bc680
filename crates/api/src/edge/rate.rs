//! The rate limit: so many requests an hour per token, counted from the first one, and the three
//! headers that every response carries.

use super::{ApiError, Caller};
use crate::state::State;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(3600);
/// Above this many callers, those whose window is over are forgotten.
const CROWD: usize = 4096;

struct Window {
    began: Instant,
    used: u32,
}

/// Counts requests by caller. A limit of 0 counts nothing.
pub(crate) struct RateLimit {
    limit: u32,
    windows: Mutex<HashMap<String, Window>>,
}

/// Where a caller stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    limit: u32,
    remaining: u32,
    reset: u64,
    over: bool,
}

impl RateLimit {
    pub(crate) fn new(limit: u32) -> Self {
        RateLimit {
            limit,
            windows: Mutex::default(),
        }
    }

    fn count(&self, caller: &str, now: Instant) -> Standing {
        if self.limit == 0 {
            return Standing {
                limit: 0,
                remaining: 0,
                reset: 0,
                over: false,
            };
        }
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() > CROWD {
            windows.retain(|_, window| now.duration_since(window.began) < WINDOW);
        }
        // Looked up first so that a known caller costs no allocation.
        if !windows.contains_key(caller) {
            windows.insert(
                caller.to_owned(),
                Window {
                    began: now,
                    used: 0,
                },
            );
        }
        let Some(window) = windows.get_mut(caller) else {
            return Standing {
                limit: self.limit,
                remaining: 0,
                reset: 0,
                over: false,
            };
        };
        if now.duration_since(window.began) >= WINDOW {
            *window = Window {
                began: now,
                used: 0,
            };
        }
        let over = window.used >= self.limit;
        if !over {
            window.used += 1;
        }
        let left = WINDOW.saturating_sub(now.duration_since(window.began));
        Standing {
            limit: self.limit,
            remaining: self.limit - window.used,
            reset: left.as_secs().max(1),
            over,
        }
    }
}

/// Middleware: counts, refuses, and writes the headers.
pub(crate) async fn limit_rate(
    axum::extract::State(state): axum::extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let standing = match request.extensions().get::<Caller>() {
        Some(caller) => state.rate.count(&caller.token.id, Instant::now()),
        None => {
            let address = request.extensions().get::<ConnectInfo<SocketAddr>>();
            let address = address.map_or_else(String::new, |info| info.0.ip().to_string());
            state.rate.count(&address, Instant::now())
        }
    };
    let mut response = if standing.over {
        let message = format!(
            "More than {} requests an hour. Try again later.",
            standing.limit
        );
        ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate-limit-exceeded",
            message,
        )
        .into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", HeaderValue::from(standing.limit));
    headers.insert(
        "x-ratelimit-remaining",
        HeaderValue::from(standing.remaining),
    );
    headers.insert("x-ratelimit-reset", HeaderValue::from(standing.reset));
    if standing.over {
        headers.insert(http::header::RETRY_AFTER, HeaderValue::from(standing.reset));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_opens_with_the_first_request_and_closes_an_hour_later() {
        let rate = RateLimit::new(2);
        let start = Instant::now();
        assert_eq!(rate.count("a", start).remaining, 1);
        assert_eq!(rate.count("a", start).remaining, 0);
        let refused = rate.count("a", start + Duration::from_secs(60));
        assert!(refused.over);
        assert_eq!(refused.reset, 3540);
        assert!(
            !rate.count("b", start).over,
            "another caller has a window of its own"
        );
        assert!(!rate.count("a", start + WINDOW).over);
    }

    #[test]
    fn zero_means_no_limit() {
        let rate = RateLimit::new(0);
        let now = Instant::now();
        assert!((0..5000).all(|_| !rate.count("a", now).over));
    }
}
