//! Waits for a build to conclude, sparing the token's rate limit and outliving a server's restart.

use super::{Build, BuildPath, Client, ClientError, Patience};
use std::time::Duration;
use tokio::time::Instant;

impl Client {
    /// Asks until the build concludes; `on_change` sees each new status on the way, and the last.
    pub async fn wait(
        &self,
        path: &BuildPath,
        patience: Patience,
        mut on_change: impl FnMut(&Build),
    ) -> Result<Build, ClientError> {
        let begun = Instant::now();
        let mut status = String::new();
        loop {
            let build = self.build_patiently(path, patience).await?;
            if build.status != status {
                on_change(&build);
                status.clone_from(&build.status);
            }
            if build.is_concluded() {
                return Ok(build);
            }
            tokio::time::sleep(pause(begun.elapsed())).await;
        }
    }

    /// The build, tried again while the failure is one that passes.
    pub(crate) async fn build_patiently(
        &self,
        path: &BuildPath,
        patience: Patience,
    ) -> Result<Build, ClientError> {
        let begun = Instant::now();
        let mut delay = patience.first;
        loop {
            match self.build(path).await {
                Err(error) if error.is_passing() && begun.elapsed() < patience.give_up => {
                    let asked = error
                        .api()
                        .and_then(|e| e.retry_after)
                        .map(Duration::from_secs);
                    tokio::time::sleep(asked.unwrap_or(delay).max(delay)).await;
                    delay = patience.next(delay);
                }
                outcome => return outcome,
            }
        }
    }
}

/// How long to wait before asking again: an hour of waiting stays well below the 1,000 calls an
/// hour that a token has by default.
fn pause(waited: Duration) -> Duration {
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
        let (mut waited, mut calls) = (Duration::ZERO, 0);
        while waited < Duration::from_secs(3600) {
            waited += pause(waited);
            calls += 1;
        }
        assert!(calls < 600, "{calls} calls");
    }
}
