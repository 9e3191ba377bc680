//! What a build printed, kept as an append-only sequence of lines: append, seek, filter, follow.
//!
//! A log is never a set of database rows: it is written once, in order, and then mostly read at its end.
//! Files do that with no upkeep, and deleting a log is an unlink.
//!
//! # On disk
//!
//! ```text
//! live/<build>/<first seq>-<text offset>.log   a running build: segments of records
//! live/<build>/samples                         … and what is measured of it
//! sealed/<hh>/<build>/log.zst                  a concluded build: the records, seekable zstd
//! sealed/<hh>/<build>/index.json               … and where to find what in them
//! sealed/<hh>/<build>/samples.zst              … and what was measured, where anything was
//! tmp/<build>/                                 a seal in progress; emptied at open
//! trash/…                                      deleted, not yet unlinked; emptied at open
//! ```
//!
//! `<build>` is the build's uuid and `<hh>` its last two hex digits: a uuid v7 starts with the time, so only its
//! end spreads evenly.
//!
//! **A record** is one line of text: eight hex digits of CRC-32, the line's seq, its time in microseconds since
//! 1970, and its text with `\` written as `\\` and a line feed as `\n`:
//!
//! ```text
//! 5c1ee20b 41 1764000000000000 Step 3/7 : RUN make
//! ```
//!
//! The checksum covers all that follows it up to the line feed. A record that lacks its line feed or fails its
//! checksum is torn: the segment ends before it, and the next open cuts the file there. Records are readable, so
//! `zstd -dc log.zst` shows the log on a machine where nothing else works.
//!
//! **A segment** is named by the seq of its first line and by how many bytes of text came before it. The index of a
//! live log is kept in memory, and rebuilt by one pass over the segments after a restart. A hole between two
//! segments (the middle of a log that passed its cap, or a segment lost in a power failure) shows from the names
//! alone, so that no other file has to agree with them; it is read as one marker line, which takes the place of the
//! last line that is missing.
//!
//! **Sealing** writes the files of the sealed log to `tmp/<build>/`, syncs them, renames the folder into `sealed/`,
//! and then removes the segments. The rename decides: before it the segments are the log, after it the sealed
//! folder is, even where segments are left over.
//!
//! **`log.zst`** is one zstd frame (with checksum) per block of about 256 KiB of records, then the seek table of the
//! zstd seekable format. **`index.json`** holds for each block its offset and length in the uncompressed records,
//! its first and last seq, and its earliest and latest time.

mod block;
mod blocking;
mod config;
mod entries;
mod error;
mod files;
mod filter;
mod follow;
mod key;
mod line;
mod live;
mod query;
mod recent;
mod record;
mod samples;
mod scan;
mod seal;
mod sealed;
mod source;
mod store;

pub use blocking::{BlockingLogStore, LogStatus};
pub use config::{LogConfig, SyncPolicy};
pub use error::{LogError, Result};
pub use filter::{Filter, Pattern};
pub use follow::{FollowFrom, Follower};
pub use line::{LogLine, NewLine};
pub use query::{Direction, Query};
pub use store::LogStore;
