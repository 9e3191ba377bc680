//! How large a log, its files and its lines may grow, and when they are forced to disk.

/// The settings of a [`LogStore`](crate::LogStore).
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// The most that one build's log may take on disk while it is live, in bytes. A log that passes it keeps its
    /// first quarter and its tail. At least 4 KiB, which is used where less is given.
    pub max_log_bytes: u64,
    /// The size at which a new segment file is begun, in bytes. Never more than an eighth of `max_log_bytes`,
    /// which is used where more is given: the tail is cut a segment at a time.
    pub segment_bytes: u64,
    /// The longest line, in bytes; a longer one keeps its beginning and says how much was cut. Never more than a
    /// quarter of a segment, which is used where more is given.
    pub max_line_bytes: usize,
    /// When appended lines are forced to the disk.
    pub sync: SyncPolicy,
}

/// When appended lines are forced to the disk. They are in the file, and so outlive the server's process, as soon
/// as they are acknowledged; this is about a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncPolicy {
    /// Once, when the log is sealed.
    #[default]
    AtSeal,
    /// After each segment is full, and when the log is sealed.
    EverySegment,
    /// Before each append is acknowledged.
    EveryAppend,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            max_log_bytes: 64 << 20,
            segment_bytes: 1 << 20,
            max_line_bytes: 16 << 10,
            sync: SyncPolicy::AtSeal,
        }
    }
}

const LEAST_LOG_BYTES: u64 = 4 << 10;
const LARGEST_BLOCK_BYTES: u64 = 64 << 10;

/// The settings as they are applied, made to fit each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub log_bytes: u64,
    pub head_bytes: u64,
    pub segment_bytes: u64,
    pub block_bytes: u64,
    pub frame_bytes: u64,
    pub line_bytes: usize,
    pub sync: SyncPolicy,
}

impl From<&LogConfig> for Limits {
    fn from(config: &LogConfig) -> Self {
        let log_bytes = config.max_log_bytes.max(LEAST_LOG_BYTES);
        let segment_bytes = config
            .segment_bytes
            .clamp(LEAST_LOG_BYTES / 8, log_bytes / 8);
        let line_limit = usize::try_from(segment_bytes / 4).unwrap_or(usize::MAX);
        let block_bytes = LARGEST_BLOCK_BYTES.min(segment_bytes / 4);
        Self {
            log_bytes,
            head_bytes: log_bytes / 4,
            segment_bytes,
            block_bytes,
            frame_bytes: block_bytes * 4,
            line_bytes: config
                .max_line_bytes
                .clamp(crate::line::LEAST_LINE_BYTES, line_limit),
            sync: config.sync,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_do_not_fit_each_other_are_made_to_fit() {
        let limits = Limits::from(&LogConfig {
            max_log_bytes: 0,
            segment_bytes: u64::MAX,
            max_line_bytes: usize::MAX,
            sync: SyncPolicy::AtSeal,
        });
        assert_eq!(limits.log_bytes, 4096);
        assert_eq!(limits.segment_bytes, 512);
        assert_eq!(limits.line_bytes, 128);
        assert_eq!(limits.block_bytes, 128);
    }
}
