//! HTTP load by wrk, Debian's package.

use crate::process::output;
use anyhow::{Context, ensure};
use serde::Deserialize;
use std::process::Command;

/// Connections that are kept alive and always have one request under way.
pub(crate) const CONNECTIONS: usize = 16;

/// Makes wrk print its figures as JSON in its last line.
const SCRIPT: &str = r#"
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"micros":%d,"errors":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"#;

/// Makes wrk ask for one page after the other, through as many as its last argument says.
const WALK: &str = r#"
local page, pages = 0, 0
init = function(args)
  pages = tonumber(args[1])
end
request = function()
  page = page % pages + 1
  return wrk.format(nil, wrk.path .. "&page=" .. page)
end
"#;

#[derive(Deserialize)]
struct Said {
    requests: u64,
    micros: u64,
    errors: u64,
    p50: u64,
    p99: u64,
}

/// What one load measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Answers a second.
    pub(crate) throughput: f64,
    /// Half of the answers took no longer, in milliseconds.
    pub(crate) p50: f64,
    /// All but one in a hundred took no longer, in milliseconds.
    pub(crate) p99: f64,
}

/// wrk with its scripts.
pub(crate) struct Wrk {
    folder: tempfile::TempDir,
}

impl Wrk {
    pub(crate) fn new() -> anyhow::Result<Wrk> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("again.lua"), SCRIPT)?;
        std::fs::write(folder.path().join("walk.lua"), format!("{SCRIPT}{WALK}"))?;
        Ok(Wrk { folder })
    }

    /// So many seconds of load on a URL, or, with `pages`, on its pages one after the other. Any
    /// answer that is not a success is an error.
    pub(crate) async fn load(
        &self,
        url: &str,
        token: Option<&str>,
        pages: Option<i64>,
        seconds: u64,
    ) -> anyhow::Result<Load> {
        let said = output(self.command(url, token, pages, seconds)).await?;
        let line = said.lines().last().context("wrk said nothing")?;
        let said: Said = serde_json::from_str(line).with_context(|| said.clone())?;
        ensure!(said.errors == 0, "{} errors from {url}", said.errors);
        let millis = |micros: u64| micros as f64 / 1000.0;
        Ok(Load {
            throughput: said.requests as f64 * 1_000_000.0 / said.micros as f64,
            p50: millis(said.p50),
            p99: millis(said.p99),
        })
    }

    fn command(&self, url: &str, token: Option<&str>, pages: Option<i64>, seconds: u64) -> Command {
        let script = match pages {
            Some(_) => "walk.lua",
            None => "again.lua",
        };
        let mut command = Command::new("wrk");
        command
            .args(["--threads", "1"])
            .args(["--connections", &CONNECTIONS.to_string()])
            .args(["--duration", &format!("{seconds}s")])
            .arg("--script")
            .arg(self.folder.path().join(script));
        if let Some(token) = token {
            // The bare handler reads no token, and gets none: it has the least to do.
            command.args(["--header", &format!("Authorization: Bearer {token}")]);
        }
        command.arg(url);
        if let Some(pages) = pages {
            command.args(["--", &pages.to_string()]);
        }
        command
    }
}
