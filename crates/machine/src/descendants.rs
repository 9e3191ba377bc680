//! What a process's descendants have used, for machines that count nothing by control group.

use std::collections::HashMap;
use std::fs;

use crate::Stats;

/// A process as `/proc` shows it.
struct Entry {
    parent: u32,
    /// Of the process itself, in clock ticks.
    own: u64,
    /// Of children that it has waited for, and theirs.
    reaped: u64,
    memory_bytes: u64,
}

/// Processor time that the descendants of a process have used since it began, and the memory they
/// use now, without what they share with others and the pages of files. The peak is not known.
#[must_use]
pub fn used_by_descendants(pid: u32) -> Stats {
    let entries = entries();
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for (&child, entry) in &entries {
        children.entry(entry.parent).or_default().push(child);
    }
    let mut ticks = entries.get(&pid).map_or(0, |entry| entry.reaped);
    let mut memory_bytes = 0;
    let mut next = children.remove(&pid).unwrap_or_default();
    while let Some(descendant) = next.pop() {
        if let Some(entry) = entries.get(&descendant) {
            ticks += entry.own + entry.reaped;
            memory_bytes += entry.memory_bytes;
        }
        next.extend(children.remove(&descendant).unwrap_or_default());
    }
    let second = rustix::param::clock_ticks_per_second().max(1);
    Stats {
        cpu_usec: Some(ticks.saturating_mul(1_000_000) / second),
        memory_bytes: Some(memory_bytes),
        memory_peak_bytes: 0,
    }
}

fn entries() -> HashMap<u32, Entry> {
    let Ok(folders) = fs::read_dir("/proc") else {
        return HashMap::new();
    };
    let pids = folders
        .flatten()
        .filter_map(|folder| folder.file_name().to_str()?.parse().ok());
    // A process may end while it is looked at.
    pids.filter_map(|pid| Some((pid, entry(pid)?))).collect()
}

fn entry(pid: u32) -> Option<Entry> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let mut entry = parse(&String::from_utf8_lossy(&stat))?;
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut pages = statm.split(' ').skip(1).map(|field| field.parse().ok());
    let (resident, shared): (u64, u64) = (pages.next()??, pages.next()??);
    entry.memory_bytes = resident.saturating_sub(shared) * rustix::param::page_size() as u64;
    Some(entry)
}

/// Fields are counted from the last parenthesis: the program's name before it may hold anything.
fn parse(stat: &str) -> Option<Entry> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Entry {
        parent: u32::try_from(number(1)?).ok()?,
        own: number(11)? + number(12)?,
        reaped: number(13)? + number(14)?,
        memory_bytes: 0,
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_fields_of_a_hostile_name_are_found() {
        let entry = parse("7 (a) Z 1 (b) S 4 7 7 0 -1 0 1 2 3 4 50 6 7 8 20 0 1 0 42").unwrap();
        assert_eq!((entry.parent, entry.own, entry.reaped), (4, 56, 15));
        assert!(parse("7 (cut) S 1 2").is_none());
    }

    #[test]
    fn what_children_used_counts_also_when_they_are_gone() {
        let mut shell = Command::new("sh")
            // A child that works and ends, then one that holds memory until it is told to end.
            .args([
                "-c",
                "dd if=/dev/zero of=/dev/null bs=1M count=20000 2>/dev/null; echo worked; read go",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut word = [0; 7];
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut word).unwrap();
        let used = used_by_descendants(std::process::id());
        assert!(
            used.cpu_usec > Some(0) && used.memory_bytes > Some(0),
            "{used:?}"
        );
        drop(shell.stdin.take());
        shell.wait().unwrap();
        let after = used_by_descendants(std::process::id());
        assert!(after.cpu_usec >= used.cpu_usec, "{after:?}");
    }
}
