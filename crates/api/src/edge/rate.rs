//! The rate limit: so many requests an hour per token, counted from the first one, and the three
//! headers that every response carries. Who has no valid token is counted by address; behind a
//! proxy those share one, which holds up nobody who has a token.

use super::{ApiError, Caller, NoQuery, Params};
use crate::state::State;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use quick_cache::sync::Cache;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(3600);
/// So many tokens, and so many addresses, have a window; those unused for longest lose theirs.
const CALLERS: usize = 65_536;

struct Window {
    began: Instant,
    used: u32,
}

type Shared = Arc<Mutex<Window>>;

/// Counts requests by caller. A limit of 0 counts nothing.
pub(crate) struct RateLimit {
    limit: u32,
    tokens: Cache<String, Shared>,
    addresses: Cache<IpAddr, Shared>,
}

/// Whose window a request is counted in.
#[derive(Clone, Copy)]
enum Who<'a> {
    /// The holder of the token with this id.
    Token(&'a str),
    /// Somebody at this address, as [`subscriber`] has it.
    Address(IpAddr),
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
            tokens: Cache::new(CALLERS),
            addresses: Cache::new(CALLERS),
        }
    }

    /// Counts a call whose token came later than its request.
    pub(crate) fn admit(&self, caller: &Caller) -> Result<(), ApiError> {
        let standing = self.count(Who::Token(&caller.token.id), 1, Instant::now());
        if standing.over {
            return Err(exceeded(standing.limit));
        }
        Ok(())
    }

    /// Counts so many requests, unless they are too many.
    fn count(&self, who: Who<'_>, requests: u32, now: Instant) -> Standing {
        if self.limit == 0 {
            return Standing {
                limit: 0,
                remaining: 0,
                reset: 0,
                over: false,
            };
        }
        let window = self.window(who, now);
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(window.began) >= WINDOW {
            *window = Window {
                began: now,
                used: 0,
            };
        }
        let used = window.used.saturating_add(requests);
        let over = used > self.limit;
        if !over {
            window.used = used;
        }
        let left = WINDOW.saturating_sub(now.duration_since(window.began));
        Standing {
            limit: self.limit,
            remaining: self.limit - window.used,
            reset: left.as_secs().max(1),
            over,
        }
    }

    fn window(&self, who: Who<'_>, now: Instant) -> Shared {
        let fresh = || {
            Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(Window {
                began: now,
                used: 0,
            })))
        };
        let Ok(window) = match who {
            Who::Token(id) => self.tokens.get_or_insert_with(id, fresh),
            Who::Address(address) => self.addresses.get_or_insert_with(&address, fresh),
        };
        window
    }
}

/// What one subscriber has of the address space: an IPv4 address, or an IPv6 network of 64 bits.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn who(request: &Request) -> Who<'_> {
    if let Some(caller) = request.extensions().get::<Caller>() {
        return Who::Token(&caller.token.id);
    }
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    Who::Address(subscriber(address))
}

/// Whether the request opens a tail, which says later who it is, and is counted then.
fn opens_tail(request: &Request) -> bool {
    let uri = request.uri();
    request.headers().contains_key(header::UPGRADE)
        && uri.path().ends_with("/build-logs")
        && Params::<NoQuery>::parse(uri.query().unwrap_or_default()).get("queryType")
            == Some("tail")
}

fn exceeded(limit: u32) -> ApiError {
    ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate-limit-exceeded",
        format!("More than {limit} requests an hour. Try again later."),
    )
}

/// Middleware: counts, refuses, and writes the headers.
pub(crate) async fn limit_rate(
    axum::extract::State(state): axum::extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let requests = u32::from(!opens_tail(&request));
    let standing = state.rate.count(who(&request), requests, Instant::now());
    let mut response = if standing.over {
        exceeded(standing.limit).into_response()
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
        headers.insert(header::RETRY_AFTER, HeaderValue::from(standing.reset));
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
        let (a, b) = (Who::Token("a"), Who::Token("b"));
        assert_eq!(rate.count(a, 1, start).remaining, 1);
        assert_eq!(rate.count(a, 1, start).remaining, 0);
        assert!(!rate.count(a, 0, start).over, "only looked at");
        let refused = rate.count(a, 1, start + Duration::from_secs(60));
        assert!(refused.over);
        assert_eq!(refused.reset, 3540);
        assert!(
            !rate.count(b, 1, start).over,
            "another caller has a window of its own"
        );
        assert!(!rate.count(a, 1, start + WINDOW).over);
    }

    #[test]
    fn zero_means_no_limit() {
        let rate = RateLimit::new(0);
        let now = Instant::now();
        assert!((0..5000).all(|_| !rate.count(Who::Token("a"), 1, now).over));
    }

    #[test]
    fn a_subscriber_is_counted_once_whatever_address_it_takes() {
        let of = |text: &str| subscriber(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn a_flood_from_many_addresses_takes_no_more_memory_and_touches_no_token() {
        let rate = RateLimit::new(5);
        let now = Instant::now();
        rate.count(Who::Token("a"), 3, now);
        for number in 0..300_000 {
            let address = IpAddr::V4(Ipv4Addr::from_bits(number));
            rate.count(Who::Address(address), 1, now);
        }
        assert!(rate.addresses.len() <= CALLERS);
        assert_eq!(rate.count(Who::Token("a"), 1, now).remaining, 1);
    }
}
