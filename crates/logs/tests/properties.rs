//! Whatever is done to a log, in whatever order, it reads like a plain list of lines.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness fails the test it serves"
)]

mod common;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use boatyard_logs::{Direction, Filter, LogConfig, LogError, LogLine, LogStore, Query};
use common::{BUILD, all, capped, new, newest, open, segments, small};
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(i64, String)>),
    /// Sends stored lines once more, with new ones behind them.
    Resend(Index, Vec<(i64, String)>),
    /// Sends lines with some missing before them.
    Skip(u64),
    Reopen,
    /// A crash in the middle of a write: the file ends in a piece of a record.
    Tear(Vec<u8>),
    /// A power failure: the end of the last file never reached the disk.
    Lose(Index),
    Read(Read),
}

#[derive(Debug, Clone)]
struct Read {
    start_ts: Option<i64>,
    end_ts: Option<i64>,
    limit: usize,
    backward: bool,
    filter: Option<(u8, char)>,
}

fn lines() -> impl Strategy<Value = Vec<(i64, String)>> {
    // Times that step back, and texts with all that the format has to escape.
    prop::collection::vec((0i64..50, "[abc\\\\\n\r\0é ]{0,24}"), 0..40)
}

fn read() -> impl Strategy<Value = Read> {
    let ts = || prop::option::of(-5i64..60);
    let filter = prop::option::of((0u8..4, prop::char::range('a', 'c')));
    (
        ts(),
        ts(),
        prop_oneof![0usize..20, Just(usize::MAX)],
        any::<bool>(),
        filter,
    )
        .prop_map(|(start_ts, end_ts, limit, backward, filter)| Read {
            start_ts,
            end_ts,
            limit,
            backward,
            filter,
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => lines().prop_map(Step::Append),
        2 => (any::<Index>(), lines()).prop_map(|(from, lines)| Step::Resend(from, lines)),
        1 => (1u64..u64::MAX).prop_map(Step::Skip),
        1 => Just(Step::Reopen),
        1 => prop::collection::vec(any::<u8>(), 1..80).prop_map(Step::Tear),
        1 => any::<Index>().prop_map(Step::Lose),
        4 => read().prop_map(Step::Read),
    ]
}

/// A log, and what it should say.
struct Run<'a> {
    dir: &'a Path,
    config: LogConfig,
    store: LogStore,
    model: Vec<LogLine>,
}

impl<'a> Run<'a> {
    fn new(dir: &'a Path, config: LogConfig) -> Self {
        Self {
            dir,
            store: open(dir, config.clone()),
            config,
            model: Vec::new(),
        }
    }

    fn reopen(&mut self) {
        self.store = open(self.dir, self.config.clone());
    }

    fn append(&mut self, from: usize, lines: Vec<(i64, String)>) {
        let next = self.model.len();
        let fresh = lines.into_iter().enumerate();
        let fresh = fresh.map(|(i, (ts, text))| LogLine {
            seq: (next + i) as u64,
            ts,
            text,
        });
        self.model.extend(fresh);
        let sent = new(self.model[from..].iter().cloned());
        assert_eq!(
            self.store
                .blocking()
                .append(BUILD, from as u64, sent)
                .unwrap(),
            self.model.len() as u64
        );
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Append(lines) => self.append(self.model.len(), lines),
            Step::Resend(from, lines) => self.append(from.index(self.model.len() + 1), lines),
            Step::Skip(by) => {
                let next = self.model.len() as u64;
                let first = next.saturating_add(by);
                let error = self
                    .store
                    .blocking()
                    .append(BUILD, first, common::fresh(0..2))
                    .unwrap_err();
                assert!(
                    matches!(error, LogError::Gap { expected, got } if expected == next && got == first)
                );
            }
            Step::Reopen => self.reopen(),
            Step::Tear(junk) => {
                if let Some(last) = self.last_segment() {
                    OpenOptions::new()
                        .append(true)
                        .open(last)
                        .unwrap()
                        .write_all(&junk)
                        .unwrap();
                }
                self.reopen();
            }
            Step::Lose(keep) => self.lose(keep),
            Step::Read(read) => self.check(&read),
        }
    }

    fn lose(&mut self, keep: Index) {
        if let Some(last) = self.last_segment() {
            let file = OpenOptions::new().write(true).open(last).unwrap();
            file.set_len(keep.index(file.metadata().unwrap().len() as usize + 1) as u64)
                .unwrap();
        }
        self.reopen();
        let next = self.store.blocking().status(BUILD).unwrap().next_seq as usize;
        assert!(next <= self.model.len());
        self.model.truncate(next);
        assert_eq!(all(&self.store, BUILD), self.model);
    }

    fn last_segment(&self) -> Option<std::path::PathBuf> {
        self.dir
            .join("live")
            .join(BUILD)
            .exists()
            .then(|| segments(self.dir, BUILD).pop())
            .flatten()
    }

    fn check(&self, read: &Read) {
        let found = self.store.blocking().read(BUILD, &read.query()).unwrap();
        let wanted = self.model.iter().filter(|line| read.wants(line)).cloned();
        let wanted: Vec<_> = match read.backward {
            true => wanted.rev().take(read.limit).collect(),
            false => wanted.take(read.limit).collect(),
        };
        assert_eq!(found, wanted, "{read:?}");
    }
}

impl Read {
    fn query(&self) -> Query {
        Query {
            start_ts: self.start_ts,
            end_ts: self.end_ts,
            limit: self.limit,
            direction: if self.backward {
                Direction::Backward
            } else {
                Direction::Forward
            },
            filter: self.filter.map(|(kind, c)| match kind {
                0 => Filter::TextIncludes(c.into()),
                1 => Filter::TextNotIncludes(c.into()),
                2 => Filter::regex_includes(&format!("{c}+[^a]?$")).unwrap(),
                _ => Filter::regex_not_includes(&format!("^{c}")).unwrap(),
            }),
        }
    }

    /// The same conditions, said plainly.
    fn wants(&self, line: &LogLine) -> bool {
        let text = &line.text;
        self.start_ts.is_none_or(|start| line.ts >= start)
            && self.end_ts.is_none_or(|end| line.ts <= end)
            && self.filter.is_none_or(|(kind, c)| match kind {
                0 => text.contains(c),
                1 => !text.contains(c),
                2 => {
                    let stem = text.chars().rev().skip(1).collect::<Vec<_>>();
                    text.ends_with(c) || (stem.first() == Some(&c) && !text.ends_with('a'))
                }
                _ => !text.starts_with(c),
            })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_log_reads_like_a_list_live_and_sealed(
        steps in prop::collection::vec(step(), 1..25),
        reads in prop::collection::vec(read(), 8),
        from in any::<Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut run = Run::new(dir.path(), small());
        steps.into_iter().for_each(|step| run.step(step));
        reads.iter().for_each(|read| run.check(read));

        run.store.blocking().seal(BUILD).unwrap();
        reads.iter().for_each(|read| run.check(read));
        run.reopen();
        reads.iter().for_each(|read| run.check(read));

        let from = from.index(run.model.len() + 1);
        let rest = run.store.blocking().read_from(BUILD, from as u64, 7).unwrap();
        prop_assert_eq!(&rest[..], &run.model[from..run.model.len().min(from + 7)]);

        // Resending is fine, new lines are not.
        run.append(from, Vec::new());
        let next = run.model.len() as u64;
        let error = run.store.blocking().append(BUILD, next, common::fresh(0..1)).unwrap_err();
        assert!(matches!(error, LogError::Sealed { next_seq } if next_seq == next));
    }

    #[test]
    fn a_log_past_its_cap_keeps_head_and_tail(
        batches in prop::collection::vec((lines(), any::<bool>()), 1..60),
        cap in 4096u64..12_000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut run = Run::new(dir.path(), capped(cap));
        for (lines, reopen) in batches {
            run.append(run.model.len(), lines);
            prop_assert!(run.store.blocking().size(BUILD).unwrap() <= cap);
            if reopen {
                run.reopen();
            }
        }
        let live = all(&run.store, BUILD);
        check_cut(&live, &run.model, cap);
        let mut newest_first = run.store.blocking().read(BUILD, &newest(usize::MAX)).unwrap();
        newest_first.reverse();
        prop_assert_eq!(&newest_first, &live);
        run.store.blocking().seal(BUILD).unwrap();
        prop_assert_eq!(&all(&run.store, BUILD), &live);
        let next = run.store.blocking().status(BUILD).unwrap().next_seq;
        prop_assert_eq!(next, run.model.len() as u64);
    }
}

/// The lines are the model's but for one hole in the middle, and the marker says how large it is.
fn check_cut(lines: &[LogLine], model: &[LogLine], cap: u64) {
    let Some(at) = lines
        .iter()
        .position(|line| line.text.starts_with("[boatyard]"))
    else {
        assert_eq!(lines, model);
        return;
    };
    let (head, marker, tail) = (&lines[..at], &lines[at], &lines[at + 1..]);
    assert_eq!(head, &model[..at]);
    let resumes = tail[0].seq as usize;
    assert_eq!(tail, &model[resumes..]);
    assert_eq!(marker.seq, tail[0].seq - 1);
    let bytes: usize = model[at..resumes].iter().map(|line| line.text.len()).sum();
    let says = format!(
        "[boatyard] {} lines ({bytes} bytes) were cut here",
        resumes - at
    );
    assert_eq!(marker.text, says);
    // At most a segment is missing on each side of what the cap allows.
    let stored: usize = head
        .iter()
        .chain(tail)
        .map(|line| line.text.len() + 14)
        .sum();
    assert!(stored as u64 > cap / 4, "{stored} bytes of {cap}");
}
