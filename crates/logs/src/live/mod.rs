//! The log of a running build: segments that are written in order, and their index in memory.

mod append;
mod seek;
mod segment;

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Limits;
use crate::error::{At, Result};
use segment::{Name, Segment};

pub(crate) use append::write_at;
pub(crate) use seek::Piece;

/// A live log. It holds no file open: an append opens its segment, so that any number of logs may be live.
#[derive(Debug)]
pub(crate) struct LiveLog {
    dir: PathBuf,
    limits: Limits,
    segments: Vec<Segment>,
    /// Set while the log is being sealed: it takes no new lines.
    pub sealing: bool,
}

impl LiveLog {
    /// Reads what is on disk; a folder that isn't there is an empty log.
    pub fn open(dir: PathBuf, limits: Limits) -> Result<Self> {
        let mut segments: Vec<Segment> = Vec::new();
        for name in segment_names(&dir)? {
            let next_seq = segments.last().map_or(0, Segment::next_seq);
            // Two segments with the same line can't come from here; the earlier one counts.
            if name.first_seq >= next_seq {
                segments.extend(Segment::recover(&dir, name, limits.block_bytes)?);
            }
        }
        if let Some(last) = segments.last() {
            cut_torn_tail(&last.name.path(&dir), last.bytes)?;
        }
        Ok(Self {
            dir,
            limits,
            segments,
            sealing: false,
        })
    }

    /// The folder that it is in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The seq of the line that comes next.
    pub fn next_seq(&self) -> u64 {
        self.segments.last().map_or(0, Segment::next_seq)
    }

    /// What the log takes on disk, in bytes.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    fn text_bytes(&self) -> u64 {
        self.segments.last().map_or(0, Segment::text_end)
    }
}

fn segment_names(dir: &Path) -> Result<Vec<Name>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at(dir)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.at(dir)?.file_name().to_str().and_then(Name::parse));
    }
    names.sort_unstable();
    Ok(names)
}

fn cut_torn_tail(path: &Path, whole: u64) -> Result<()> {
    let file = OpenOptions::new().write(true).open(path).at(path)?;
    if file.metadata().at(path)?.len() != whole {
        file.set_len(whole).at(path)?;
    }
    Ok(())
}
