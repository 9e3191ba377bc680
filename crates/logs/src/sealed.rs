//! Reading a sealed log: the index once, and then only the frames that are asked for.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use zeekstd::SeekTable;
use zstd::bulk::Decompressor;

use crate::block::{self, Block};
use crate::error::{At, LogError, Result};
use crate::query::Window;
use crate::seal::{INDEX_FILE, INDEX_VERSION, Index, LOG_FILE};

/// A sealed log, open for reading.
pub(crate) struct SealedLog {
    path: PathBuf,
    index: Index,
    file: File,
    table: SeekTable,
    decompressor: Decompressor<'static>,
}

impl SealedLog {
    /// Opens the sealed log in a folder; `None` where there is none.
    pub fn open(dir: &Path) -> Result<Option<Self>> {
        let Some(index) = read_index(&dir.join(INDEX_FILE))? else {
            return Ok(None);
        };
        let path = dir.join(LOG_FILE);
        let mut file = match File::open(&path) {
            // Deleted since the index was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.at(&path)?,
        };
        let table =
            SeekTable::from_seekable(&mut file).map_err(|error| LogError::damaged(&path, error))?;
        let decompressor = Decompressor::new().at(&path)?;
        Ok(Some(Self {
            path,
            index,
            file,
            table,
            decompressor,
        }))
    }

    /// The seq after the last line.
    pub fn next_seq(&self) -> u64 {
        self.index.next_seq
    }

    /// The compressed file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first block with a line at `seq` or after it that may lie in the window.
    pub fn at_or_after(&self, seq: u64, window: &Window) -> Option<usize> {
        block::at_or_after(&self.index.blocks, seq, window)
    }

    /// The last block with a line before `seq` that may lie in the window.
    pub fn before(&self, seq: u64, window: &Window) -> Option<usize> {
        block::before(&self.index.blocks, seq, window)
    }

    /// A block and its records.
    pub fn load(&mut self, i: usize) -> Result<(Block, Vec<u8>)> {
        let block = self.index.blocks[i];
        let (offset, compressed) = self
            .frame(i, &block)
            .map_err(|what| LogError::damaged(&self.path, what))?;
        let mut frame = vec![0; compressed];
        self.file.read_exact_at(&mut frame, offset).at(&self.path)?;
        let records = self
            .decompressor
            .decompress(&frame, block.bytes as usize)
            .map_err(|error| LogError::damaged(&self.path, error))?;
        Ok((block, records))
    }

    /// Where a frame is in the file, checked against the file's size before memory is taken for it.
    fn frame(&self, i: usize, block: &Block) -> Result<(u64, usize), String> {
        let frame = u32::try_from(i).map_err(|error| error.to_string())?;
        let table = |result: zeekstd::Result<u64>| result.map_err(|error| error.to_string());
        let offset = table(self.table.frame_start_comp(frame))?;
        let compressed = table(self.table.frame_size_comp(frame))?;
        let length = self
            .file
            .metadata()
            .map_err(|error| error.to_string())?
            .len();
        if offset + compressed > length
            || table(self.table.frame_size_decomp(frame))? != block.bytes
        {
            return Err(format!("frame {i} is not where the index says"));
        }
        Ok((offset, compressed as usize))
    }
}

fn read_index(path: &Path) -> Result<Option<Index>> {
    let json = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        json => json.at(path)?,
    };
    let index: Index =
        serde_json::from_slice(&json).map_err(|error| LogError::damaged(path, error))?;
    if index.version != INDEX_VERSION {
        return Err(LogError::damaged(
            path,
            format!("version {} is unknown", index.version),
        ));
    }
    Ok(Some(index))
}

/// What a sealed log takes on disk, in bytes, with its next seq; `None` where there is none.
pub(crate) fn summary(dir: &Path) -> Result<Option<(u64, u64)>> {
    let Some(index) = read_index(&dir.join(INDEX_FILE))? else {
        return Ok(None);
    };
    let mut bytes = 0;
    for name in [LOG_FILE, INDEX_FILE] {
        let path = dir.join(name);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => bytes += metadata.at(&path)?.len(),
        }
    }
    Ok(Some((index.next_seq, bytes)))
}
