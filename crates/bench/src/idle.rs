//! What the server costs while nobody uses it: memory, start-up, size.

use crate::effort::Effort;
use crate::report::{Aim, Section};
use crate::server::Server;
use crate::stats::median;
use anyhow::Context;
use std::path::Path;
use std::time::Duration;

const MEMORY_MIB: f64 = 40.0;
const START_MS: f64 = 150.0;
const SIZE_MB: f64 = 50.0;

/// How long a server has nothing to do before its memory is read.
const REST: Duration = Duration::from_secs(3);

/// Starts servers, on new folders and on used ones, and looks at one that rests.
pub(crate) async fn measure(program: &Path, effort: &Effort) -> anyhow::Result<Section> {
    let (mut first, mut again, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..effort.starts {
        let mut server = Server::new(program, &[])?;
        first.push(millis(server.launch().await?));
        server.stop()?;
        again.push(millis(server.launch().await?));
        // Resting takes its time; a few will do.
        if round < 3 {
            tokio::time::sleep(REST).await;
            memory.push(resident_mib(server.pid())?);
        }
        server.stop()?;
    }
    let size = std::fs::metadata(program)?.len() as f64 / 1e6;
    let (memory, first, again) = (median(&memory), median(&first), median(&again));
    Ok(Section {
        title: "A server that rests",
        how: format!(
            "Start-up is from starting the process to the first 200 of `/readyz`, the median of {}; \
             the first start makes the database and the administrator's token. Memory is what is \
             resident {} s after a start, program text included.",
            effort.starts,
            REST.as_secs()
        ),
        columns: vec!["what", "measured"],
        rows: vec![
            vec!["first start".into(), format!("{first:.0} ms")],
            vec!["later start".into(), format!("{again:.0} ms")],
            vec!["resident memory".into(), format!("{memory:.1} MiB")],
            vec!["binary".into(), format!("{size:.1} MB")],
        ],
        aims: vec![
            aim("memory of an idle server", memory, MEMORY_MIB, "MiB"),
            aim("start to ready, first start", first, START_MS, "ms"),
            aim("size of the binary", size, SIZE_MB, "MB"),
        ],
    })
}

fn aim(what: &str, figure: f64, most: f64, unit: &str) -> Aim {
    Aim {
        what: what.to_owned(),
        figure: format!("{figure:.0} {unit}"),
        aim: format!("at most {most:.0} {unit}"),
        reached: figure <= most,
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line
        .and_then(|rest| rest.split_whitespace().next())
        .context("a process without a size")?
        .parse()?;
    Ok(kib / 1024.0)
}
