//! Writing a sealed log: compressed, indexed, and on the disk for good.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeekstd::SeekTable;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use crate::block::{Block, Mark};
use crate::error::{At, LogError, Result};
use crate::live::Piece;
use crate::record;

pub(crate) const LOG_FILE: &str = "log.zst";
pub(crate) const INDEX_FILE: &str = "index.json";

/// The only layout of [`Index`] there has been.
pub(crate) const INDEX_VERSION: u32 = 1;

/// What `index.json` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Index {
    pub version: u32,
    /// The seq after the last line.
    pub next_seq: u64,
    /// One block for each frame, in order.
    pub blocks: Vec<Block>,
}

/// Writes a sealed log into an empty folder.
///
/// # Errors
/// [`LogError::NoSpace`], [`LogError::Io`]; the folder is then of no use.
pub(crate) fn write(dir: &Path, pieces: Vec<Piece>, next_seq: u64, frame_bytes: u64) -> Result<()> {
    let mut frames = Frames::create(dir.join(LOG_FILE), frame_bytes)?;
    for piece in pieces {
        match piece {
            Piece::Block(block, path) => frames.push(read_block(&path, &block)?, &block)?,
            Piece::Cut(cut) => {
                let line = cut.line(cut.last_seq);
                let mut bytes = Vec::new();
                record::encode(&mut bytes, line.seq, line.ts, &line.text);
                let mark = Mark {
                    seq: line.seq,
                    ts: line.ts,
                    bytes: bytes.len() as u64,
                    text_bytes: 0,
                };
                frames.push(bytes, &Block::new(0, &mark))?;
            }
        }
    }
    let blocks = frames.finish()?;
    write_index(
        &dir.join(INDEX_FILE),
        &Index {
            version: INDEX_VERSION,
            next_seq,
            blocks,
        },
    )
}

/// Reads a block from a segment's file.
pub(crate) fn read_block(path: &Path, block: &Block) -> Result<Vec<u8>> {
    use std::os::unix::fs::FileExt as _;
    let mut bytes = vec![0; block.bytes as usize];
    let file = File::open(path).at(path)?;
    file.read_exact_at(&mut bytes, block.offset).at(path)?;
    Ok(bytes)
}

fn write_index(path: &Path, index: &Index) -> Result<()> {
    let json = serde_json::to_vec(index).map_err(|error| LogError::damaged(path, error))?;
    let mut file = File::create_new(path).at(path)?;
    file.write_all(&json)
        .and_then(|()| file.sync_all())
        .at(path)
}

/// The file of compressed frames while it is written.
struct Frames {
    path: PathBuf,
    file: File,
    compressor: Compressor<'static>,
    table: SeekTable,
    frame_bytes: u64,
    /// The records of the frame to come, and their place.
    pending: Option<(Block, Vec<u8>)>,
    blocks: Vec<Block>,
}

impl Frames {
    fn create(path: PathBuf, frame_bytes: u64) -> Result<Self> {
        let file = File::create_new(&path).at(&path)?;
        let mut compressor = Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL).at(&path)?;
        compressor
            .set_parameter(CParameter::ChecksumFlag(true))
            .at(&path)?;
        let table = SeekTable::new();
        Ok(Self {
            path,
            file,
            compressor,
            table,
            frame_bytes,
            pending: None,
            blocks: Vec::new(),
        })
    }

    fn push(&mut self, records: Vec<u8>, block: &Block) -> Result<()> {
        match &mut self.pending {
            Some((frame, bytes)) if frame.bytes + block.bytes <= self.frame_bytes => {
                frame.join(block);
                bytes.extend_from_slice(&records);
                Ok(())
            }
            _ => {
                self.flush()?;
                let offset = self.table.size_decomp();
                self.pending = Some((Block { offset, ..*block }, records));
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Result<()> {
        if let Some((block, bytes)) = self.pending.take() {
            self.frame(&bytes)?;
            self.blocks.push(block);
        }
        Ok(())
    }

    fn frame(&mut self, records: &[u8]) -> Result<()> {
        let frame = self.compressor.compress(records).at(&self.path)?;
        self.file.write_all(&frame).at(&self.path)?;
        // A frame is 256 KiB of records, or one line that is longer.
        self.table
            .log_frame(frame.len() as u32, records.len() as u32)
            .map_err(|error| LogError::damaged(&self.path, error))
    }

    fn finish(mut self) -> Result<Vec<Block>> {
        self.flush()?;
        if self.blocks.is_empty() {
            // An empty log is an empty frame, for zstd refuses a file without any.
            self.frame(&[])?;
        }
        let mut table = Vec::new();
        self.table
            .into_serializer()
            .read_to_end(&mut table)
            .at(&self.path)?;
        self.file
            .write_all(&table)
            .and_then(|()| self.file.sync_all())
            .at(&self.path)?;
        Ok(self.blocks)
    }
}
