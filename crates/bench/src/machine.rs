//! The machine that was measured on, in a few words.

use std::process::Command;

/// Processor, memory, system and the programs that take part.
pub(crate) fn describe() -> String {
    let cpuinfo = read("/proc/cpuinfo");
    let cpu = field(&cpuinfo, "model name", ':').unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let meminfo = read("/proc/meminfo");
    let kib = field(&meminfo, "MemTotal", ':').and_then(|text| text.split(' ').next());
    let gib = kib.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) >> 20;
    let release = read("/etc/os-release");
    let system = field(&release, "PRETTY_NAME", '=').unwrap_or("Linux");
    let kernel = read("/proc/sys/kernel/osrelease");
    let programs = [
        version("buildah", &["--version"], 2),
        version("runc", &["--version"], 2),
        version("git", &["--version"], 2),
        version("wrk", &["--version"], 1),
    ];
    format!(
        "Measured on {} with {cores} cores of {cpu}, {gib} GiB of memory, {}, kernel {}, {}. \
         Load at the beginning: {}.",
        today(),
        system.trim_matches('"'),
        kernel.trim(),
        programs.join(", "),
        load()
    )
}

/// The load average of the last minute.
pub(crate) fn load() -> String {
    let text = read("/proc/loadavg");
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

fn today() -> String {
    jiff::Zoned::now().date().to_string()
}

/// `git 2.39.5`: the word at this place of what the program says first.
fn version(program: &str, args: &[&str], word: usize) -> String {
    let said = Command::new(program).args(args).output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = said
        .ok()
        .and_then(|text| text.split_whitespace().nth(word).map(str::to_owned));
    format!("{program} {}", version.unwrap_or_default())
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The value of the first line that begins with `name`.
fn field<'a>(text: &'a str, name: &str, separator: char) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(separator)?.1.trim())
}
