//! One line as it is stored: readable, and torn ones can be told.

use std::borrow::Cow;
use std::io::Write as _;

use memchr::{memchr, memchr2};

use crate::line::LogLine;

/// A stored line, read in place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub seq: u64,
    pub ts: i64,
    pub text: Cow<'a, str>,
}

impl Record<'_> {
    /// The line on its own.
    pub fn into_line(self) -> LogLine {
        LogLine {
            seq: self.seq,
            ts: self.ts,
            text: self.text.into_owned(),
        }
    }
}

const CHECKSUM: usize = 9;

/// Adds a line's record to `out`.
pub(crate) fn encode(out: &mut Vec<u8>, seq: u64, ts: i64, text: &str) {
    let start = out.len();
    out.extend_from_slice(b"00000000 ");
    // Writing to memory does not fail.
    let _ = write!(out, "{seq} {ts} ");
    let mut rest = text.as_bytes();
    while let Some(at) = memchr2(b'\\', b'\n', rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(if rest[at] == b'\n' { b"\\n" } else { b"\\\\" });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    let checksum = format!("{:08x}", crc32fast::hash(&out[start + CHECKSUM..]));
    out[start..start + 8].copy_from_slice(checksum.as_bytes());
    out.push(b'\n');
}

/// Reads a record without its line feed; `None` when it isn't what was written.
fn decode(record: &[u8]) -> Option<Record<'_>> {
    let (checksum, body) = record.split_at_checked(CHECKSUM)?;
    let checksum = std::str::from_utf8(checksum).ok()?.strip_suffix(' ')?;
    if u32::from_str_radix(checksum, 16).ok()? != crc32fast::hash(body) {
        return None;
    }
    let mut parts = std::str::from_utf8(body).ok()?.splitn(3, ' ');
    let seq = parts.next()?.parse().ok()?;
    let ts = parts.next()?.parse().ok()?;
    Some(Record {
        seq,
        ts,
        text: unescape(parts.next()?)?,
    })
}

fn unescape(stored: &str) -> Option<Cow<'_, str>> {
    let Some(first) = memchr(b'\\', stored.as_bytes()) else {
        return Some(Cow::Borrowed(stored));
    };
    let mut text = String::with_capacity(stored.len());
    text.push_str(&stored[..first]);
    let mut rest = &stored[first..];
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        text.push(match rest.as_bytes().get(at + 1)? {
            b'n' => '\n',
            b'\\' => '\\',
            _ => return None,
        });
        rest = &rest[at + 2..];
    }
    text.push_str(rest);
    Some(Cow::Owned(text))
}

/// The records at the start of some bytes, up to the first that is torn.
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    read: usize,
}

impl<'a> Records<'a> {
    /// Reads records from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, read: 0 }
    }

    /// How many bytes the whole records so far took.
    pub fn read(&self) -> usize {
        self.read
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let rest = &self.bytes[self.read..];
        let end = memchr(b'\n', rest)?;
        let record = decode(&rest[..end])?;
        self.read += end + 1;
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_comes_back(seq: u64, ts: i64, text in any::<String>()) {
            let mut bytes = Vec::new();
            encode(&mut bytes, seq, ts, &text);
            let mut records = Records::new(&bytes);
            prop_assert_eq!(records.next(), Some(Record { seq, ts, text: text.into() }));
            prop_assert_eq!(records.read(), bytes.len());
        }

        #[test]
        fn a_torn_record_is_told(text in "[a-z\\\\\n\0]{0,40}", cut in 1usize..20) {
            let mut bytes = Vec::new();
            encode(&mut bytes, 0, 1, "whole");
            let whole = bytes.len();
            encode(&mut bytes, 1, 2, &text);
            let torn = bytes.len() - cut.min(bytes.len() - whole);
            let mut records = Records::new(&bytes[..torn]);
            prop_assert_eq!(records.by_ref().count(), 1);
            prop_assert_eq!(records.read(), whole);
        }

        #[test]
        fn hostile_bytes_are_no_record(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(Records::new(&bytes).count(), 0);
        }
    }

    #[test]
    fn a_flipped_bit_is_told() {
        let mut bytes = Vec::new();
        encode(
            &mut bytes,
            7,
            1_764_000_000_000_000,
            "line\nwith \\ all \0 kinds",
        );
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x01;
            assert_eq!(Records::new(&flipped).count(), 0, "byte {at}");
        }
    }
}
