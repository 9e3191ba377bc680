//! Writing lines to a live log.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::LiveLog;
use super::segment::{Name, Segment};
use crate::block::Mark;
use crate::config::SyncPolicy;
use crate::error::{At, LogError, Result};
use crate::files::sync_dir;
use crate::line::LogLine;
use crate::record;

impl LiveLog {
    /// Writes the lines that aren't stored yet. An error may leave the first of them stored: `next_seq` tells.
    ///
    /// # Errors
    /// [`LogError::Gap`], [`LogError::Sealed`], [`LogError::NoSpace`], [`LogError::Io`].
    pub fn append(&mut self, first_seq: u64, lines: &[LogLine]) -> Result<()> {
        let expected = self.next_seq();
        if first_seq > expected {
            return Err(LogError::Gap {
                expected,
                got: first_seq,
            });
        }
        let stored = usize::try_from(expected - first_seq).unwrap_or(usize::MAX);
        let Some(fresh) = lines.get(stored..).filter(|lines| !lines.is_empty()) else {
            return Ok(());
        };
        if self.sealing {
            return Err(LogError::Sealed { next_seq: expected });
        }
        let (data, marks) = encode(fresh);
        self.write_records(&data, &marks)
    }

    /// Writes records, as many at a time as the segment takes.
    fn write_records(&mut self, mut data: &[u8], mut marks: &[Mark]) -> Result<()> {
        while !marks.is_empty() {
            let mut room = self.room();
            let fresh = marks[0].bytes > room;
            if fresh {
                self.finish_segment()?;
                room = self.limits.segment_bytes.max(marks[0].bytes);
            }
            let (mut count, mut bytes) = (0, 0);
            while let Some(mark) = marks.get(count).filter(|mark| bytes + mark.bytes <= room) {
                bytes += mark.bytes;
                count += 1;
            }
            let (now, later) = data.split_at(bytes as usize);
            self.write(now, &marks[..count], fresh)?;
            (data, marks) = (later, &marks[count..]);
        }
        Ok(())
    }

    /// How many bytes the last segment still takes.
    fn room(&self) -> u64 {
        self.segments.last().map_or(0, |last| {
            self.limits.segment_bytes.saturating_sub(last.bytes)
        })
    }

    /// One write, to the last segment or to a fresh one; the index follows the file.
    fn write(&mut self, data: &[u8], marks: &[Mark], fresh: bool) -> Result<()> {
        self.cut_middle(data.len() as u64)?;
        let new = Name {
            first_seq: self.next_seq(),
            text_offset: self.text_bytes(),
        };
        let (name, offset) = match self.segments.last() {
            Some(last) if !fresh => (last.name, last.bytes),
            _ => (new, 0),
        };
        if fresh {
            fs::create_dir_all(&self.dir).at(&self.dir)?;
        }
        let path = name.path(&self.dir);
        let file = write_at(&path, data, offset)?;
        if self.limits.sync == SyncPolicy::EveryAppend {
            file.sync_data().at(&path)?;
            if fresh {
                self.sync_folder()?;
            }
        }
        if fresh {
            self.segments.push(Segment::new(name));
        }
        if let Some(last) = self.segments.last_mut() {
            marks
                .iter()
                .for_each(|mark| last.push(mark, self.limits.block_bytes));
        }
        Ok(())
    }

    /// Makes the last segment durable before a new one is begun, where that is asked for.
    fn finish_segment(&self) -> Result<()> {
        match self.segments.last() {
            Some(last) if self.limits.sync == SyncPolicy::EverySegment => {
                let path = last.name.path(&self.dir);
                File::open(&path)
                    .and_then(|file| file.sync_data())
                    .at(&path)?;
                self.sync_folder()
            }
            _ => Ok(()),
        }
    }

    fn sync_folder(&self) -> Result<()> {
        sync_dir(&self.dir)?;
        self.dir.parent().map_or(Ok(()), sync_dir)
    }

    /// Removes segments after the head, oldest first, until `more` bytes fit under the cap.
    fn cut_middle(&mut self, more: u64) -> Result<()> {
        if self.bytes() + more <= self.limits.log_bytes {
            return Ok(());
        }
        let head = self.head();
        while self.bytes() + more > self.limits.log_bytes && head + 1 < self.segments.len() {
            let path = self.segments[head].name.path(&self.dir);
            match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.at(&path)?,
            }
            self.segments.remove(head);
        }
        Ok(())
    }

    /// How many segments at the beginning are kept: those before the first hole, up to the head's share.
    fn head(&self) -> usize {
        let (mut next_seq, mut bytes) = (0, 0);
        let belongs = |segment: &&Segment| {
            let follows = segment.name.first_seq == next_seq;
            (next_seq, bytes) = (segment.next_seq(), bytes + segment.bytes);
            follows && bytes <= self.limits.head_bytes
        };
        self.segments.iter().take_while(belongs).count()
    }
}

fn encode(lines: &[LogLine]) -> (Vec<u8>, Vec<Mark>) {
    let mut data = Vec::with_capacity(lines.iter().map(|line| line.text.len() + 48).sum());
    let mark = |line: &LogLine| {
        let start = data.len();
        record::encode(&mut data, line.seq, line.ts, &line.text);
        let bytes = (data.len() - start) as u64;
        Mark {
            seq: line.seq,
            ts: line.ts,
            bytes,
            text_bytes: line.text.len() as u64,
        }
    };
    let marks = lines.iter().map(mark).collect();
    (data, marks)
}

/// Writes at the end of the records that are known to be whole. A write that fails is taken back; where even that
/// fails, what it left is past the end that the index knows, and the next write cuts it off.
pub(crate) fn write_at(path: &Path, data: &[u8], offset: u64) -> Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(offset == 0)
        .truncate(false)
        .open(path)
        .at(path)?;
    if file.metadata().at(path)?.len() != offset {
        file.set_len(offset).at(path)?;
    }
    if let Err(error) = file.write_all_at(data, offset) {
        let _ = if offset == 0 {
            fs::remove_file(path)
        } else {
            file.set_len(offset)
        };
        return Err(error).at(path);
    }
    Ok(file)
}
