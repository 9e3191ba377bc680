//! Waits for a build to conclude, sparing the token's rate limit and outliving a server's restart.

use super::{Build, BuildPath, Client, ClientError, Patience};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

/// What is learned while a build is waited for.
#[derive(Debug)]
pub enum News {
    /// Where the build stands: at first, and whenever its status or message changed.
    Stands(Box<Build>),
    /// The server does not answer; it is asked again.
    Away(ClientError),
    /// The server answers again.
    Back,
}

impl Client {
    /// Asks until the build concludes; a notice of `hurry` says that something probably changed.
    pub async fn wait(
        &self,
        path: &BuildPath,
        patience: Patience,
        hurry: &Notify,
        mut tell: impl FnMut(News),
    ) -> Result<Build, ClientError> {
        let mut pause = Pause::new(patience);
        let mut known = None;
        loop {
            let build = self.build_patiently(path, patience, &mut tell).await?;
            if build.is_concluded() {
                return Ok(build);
            }
            let stands = (build.status.clone(), build.message.clone());
            if known.as_ref() != Some(&stands) {
                known = Some(stands);
                tell(News::Stands(Box::new(build)));
            }
            pause.over(hurry).await;
        }
    }

    /// The build, tried again while the failure is one that passes.
    async fn build_patiently(
        &self,
        path: &BuildPath,
        patience: Patience,
        tell: &mut impl FnMut(News),
    ) -> Result<Build, ClientError> {
        let begun = Instant::now();
        let (mut delay, mut away) = (patience.first, false);
        loop {
            match self.build(path).await {
                Err(error) if error.is_passing() && begun.elapsed() < patience.give_up => {
                    let asked = error
                        .api()
                        .and_then(|e| e.retry_after)
                        .map(Duration::from_secs);
                    if !away {
                        tell(News::Away(error));
                        away = true;
                    }
                    sleep(asked.unwrap_or(delay).max(delay)).await;
                    delay = patience.next(delay);
                }
                outcome => {
                    if away && outcome.is_ok() {
                        tell(News::Back);
                    }
                    return outcome;
                }
            }
        }
    }
}

/// How often a notice may cut a pause short: what a build prints may look like one, without end.
const HURRIES: u32 = 100;
/// The shortest time between two calls all the same.
const SHORTEST: Duration = Duration::from_millis(200);

/// The time between two calls.
struct Pause {
    patience: Patience,
    begun: Instant,
    hurries: u32,
}

impl Pause {
    fn new(patience: Patience) -> Pause {
        Pause {
            patience,
            begun: Instant::now(),
            hurries: 0,
        }
    }

    async fn over(&mut self, hurry: &Notify) {
        let pause = (self.patience.pace)(self.begun.elapsed());
        if self.hurries >= HURRIES {
            return sleep(pause).await;
        }
        sleep(SHORTEST.min(pause)).await;
        let rest = pause.saturating_sub(SHORTEST);
        if timeout(rest, hurry.notified()).await.is_ok() {
            self.hurries += 1;
        }
    }
}

/// How long to wait before asking again: an hour of waiting stays well below the 1,000 calls an
/// hour that a token has by default.
pub(super) fn pace(waited: Duration) -> Duration {
    match waited.as_secs() {
        0..10 => Duration::from_millis(500),
        10..60 => Duration::from_secs(2),
        _ => Duration::from_secs(8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_waiting_leaves_the_rate_limit_alone() {
        let (mut waited, mut calls) = (Duration::ZERO, HURRIES);
        while waited < Duration::from_secs(3600) {
            waited += pace(waited);
            calls += 1;
        }
        assert!(calls < 600, "{calls} calls");
    }
}
