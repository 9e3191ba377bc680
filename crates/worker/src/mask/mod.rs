//! Keeping secrets out of what leaves the worker: the lines of the log, and how a build ended.
//!
//! A line is masked whole. Long secrets are looked for piece by piece, so that programs that wrap
//! what they print (`base64` does, at 76 letters) hide nothing by it.

mod forms;
mod secrets;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use forms::Lines;

pub(crate) use secrets::{mounts_of, says_secret, secrets_of};

/// What stands in a secret's place.
const MASK: &str = "***";
/// Forms with more bytes are looked for in pieces.
const WHOLE: usize = 64;
/// How long a piece is, in bytes, and how far the next one begins behind it.
const PIECE: usize = 24;
const STRIDE: usize = 8;
/// How much of all secrets is looked for in code, in bytes: it takes the hundredfold of memory. Of
/// larger ones, lines are looked for as they are.
const CODED: usize = 64 * 1024;

/// Knows secrets in all their forms.
#[derive(Default)]
pub(crate) struct Mask {
    /// `None` when there are no secrets, or they are too many to be known.
    known: Option<Known>,
}

struct Known {
    search: AhoCorasick,
    /// The patterns from here on are pieces.
    pieces: usize,
}

impl Mask {
    /// A mask for secret mounts and other secrets.
    pub(crate) fn new<'a>(
        mounts: impl IntoIterator<Item = Cow<'a, [u8]>>,
        others: impl IntoIterator<Item = Cow<'a, [u8]>>,
    ) -> Mask {
        let mounts = mounts.into_iter().map(|secret| (secret, Lines::All));
        let others = others.into_iter().map(|secret| (secret, Lines::Long));
        let mut secrets: Vec<_> = mounts.chain(others).collect();
        // Passwords and keys are small.
        secrets.sort_by_key(|(secret, _)| secret.len());
        let (mut whole, mut pieces) = (BTreeSet::new(), BTreeSet::new());
        let mut bytes = 0;
        for (secret, lines) in secrets {
            bytes += secret.len();
            for form in forms::of(&secret, lines, bytes <= CODED) {
                if form.len() <= WHOLE {
                    whole.insert(form.into_bytes());
                } else {
                    pieces.extend(cut(form.as_bytes()));
                }
            }
        }
        if whole.is_empty() && pieces.is_empty() {
            return Mask::default();
        }
        let first_piece = whole.len();
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(whole.iter().chain(&pieces));
        match search {
            Ok(search) => Mask {
                known: Some(Known {
                    search,
                    pieces: first_piece,
                }),
            },
            // Only for more patterns than there are numbers for; a request is smaller by far.
            Err(error) => {
                tracing::error!(%error, "secrets cannot be masked");
                Mask::default()
            }
        }
    }

    /// The text without the secrets.
    pub(crate) fn mask(&self, text: String) -> String {
        let secret = self.secret(text.as_bytes());
        if secret.is_empty() {
            return text;
        }
        let mut masked = String::with_capacity(text.len());
        let mut from = 0;
        for range in secret {
            masked += &text[from..range.start];
            masked += MASK;
            from = range.end;
        }
        masked + &text[from..]
    }

    /// Where text that goes on may be cut so that no secret is: at `at`, or some bytes before. `text`
    /// has [`Mask::margin`] bytes more, where there are more.
    pub(crate) fn cut(&self, text: &[u8], at: usize) -> usize {
        let around = at.saturating_sub(self.margin());
        let near = self.ranges(&text[around..]);
        let split = near
            .into_iter()
            .map(|range| range.start + around..range.end + around)
            .find(|range| range.start < at && at < range.end);
        // A secret that fills what is before the cut all along cannot be kept in one.
        split.map_or(at, |range| if range.start == 0 { at } else { range.start })
    }

    /// How many bytes behind a cut have to be known.
    pub(crate) fn margin(&self) -> usize {
        if self.known.is_some() { WHOLE } else { 0 }
    }

    /// The parts that are secret, in order and apart from each other.
    fn secret(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut ranges = self.ranges(text);
        ranges.sort_by_key(|range| range.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for range in ranges {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        apart
    }

    fn ranges(&self, text: &[u8]) -> Vec<Range<usize>> {
        let Some(known) = &self.known else {
            return Vec::new();
        };
        let found = known.search.find_overlapping_iter(text);
        found
            .filter(|found| !is_in_a_word(text, &found.range()))
            .map(|found| {
                if found.pattern().as_usize() < known.pieces {
                    found.range()
                } else {
                    word(text, found.range())
                }
            })
            .collect()
    }
}

/// What it knows is what nobody should.
impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mask(…)")
    }
}

/// The pieces of a long form, the last one at its end.
fn cut(form: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let last = form.len() - PIECE;
    let starts = (0..last).step_by(STRIDE).chain([last]);
    starts.map(|start| form[start..start + PIECE].to_vec())
}

/// Whether what is found is a few letters inside a longer word: a secret `test` is in every `latest`, and
/// `la***` would tell what it is.
fn is_in_a_word(text: &[u8], found: &Range<usize>) -> bool {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let before = found.start.checked_sub(1).and_then(|at| text.get(at));
    found.len() < forms::SHORTEST_CODED
        && (is_letter(before) || is_letter(text.get(found.end)))
        && text[found.clone()].iter().all(u8::is_ascii_alphabetic)
}

/// What is found of a long secret, with what it hangs together with on both sides.
fn word(text: &[u8], range: Range<usize>) -> Range<usize> {
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    let start = text[..range.start].iter().rposition(blank);
    let end = text[range.end..].iter().position(blank);
    start.map_or(0, |blank| blank + 1)..end.map_or(text.len(), |blank| range.end + blank)
}

#[cfg(test)]
mod tests;
