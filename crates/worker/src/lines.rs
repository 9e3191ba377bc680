//! From a stream of bytes to log lines. Programs write what they like: progress bars that return
//! to the line's start, bytes that are no text, a megabyte without a line end.

use std::sync::Arc;

use crate::mask::Mask;

/// Longest line in bytes; what is longer goes on in the next line.
pub(crate) const MAX_LINE: usize = 16 * 1024;

/// Cuts a stream into lines at `\n` and `\r`.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    rest: Vec<u8>,
    /// The last byte was `\r`: a `\n` right after it belongs to the same line end.
    after_return: bool,
    /// What is not cut in the middle.
    mask: Arc<Mask>,
}

impl Splitter {
    /// One that cuts no long line where the mask would not know a secret any more.
    pub(crate) fn new(mask: Arc<Mask>) -> Splitter {
        Splitter {
            mask,
            ..Splitter::default()
        }
    }

    /// Takes the next bytes and gives out each line that they end.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(String)) {
        while let Some((&first, tail)) = bytes.split_first() {
            if std::mem::take(&mut self.after_return) && first == b'\n' {
                bytes = tail;
                continue;
            }
            let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let room = MAX_LINE + self.mask.margin() - self.rest.len();
            match end {
                Some(end) if end <= room => {
                    self.rest.extend_from_slice(&bytes[..end]);
                    let returns = bytes[end] == b'\r';
                    // A return at a line's start draws nothing: progress bars begin with one.
                    if !returns || !self.rest.is_empty() {
                        self.after_return = returns;
                        self.give_out(&mut each);
                    }
                    bytes = &bytes[end + 1..];
                }
                _ if bytes.len() <= room && end.is_none() => {
                    self.rest.extend_from_slice(bytes);
                    break;
                }
                _ => {
                    self.rest.extend_from_slice(&bytes[..room]);
                    bytes = &bytes[room..];
                    self.give_out_first(&mut each);
                }
            }
        }
    }

    /// Gives out what is left when the stream has ended without a line end.
    pub(crate) fn finish(&mut self, mut each: impl FnMut(String)) {
        if !self.rest.is_empty() {
            self.give_out(&mut each);
        }
    }

    /// Gives out the line, in parts where it is long.
    fn give_out(&mut self, each: &mut impl FnMut(String)) {
        while self.rest.len() > MAX_LINE {
            self.give_out_first(each);
        }
        each(self.take());
    }

    /// Gives out as much of a long line as a line may have.
    fn give_out_first(&mut self, each: &mut impl FnMut(String)) {
        let end = self.mask.cut(&self.rest, MAX_LINE.min(self.rest.len()));
        let end = end - unfinished_char(&self.rest[..end]);
        let carry = self.rest.split_off(end);
        each(self.take());
        self.rest = carry;
    }

    fn take(&mut self) -> String {
        let line = String::from_utf8_lossy(&self.rest).into_owned();
        self.rest.clear();
        line
    }
}

/// How many bytes at the end begin a character that is not complete.
fn unfinished_char(bytes: &[u8]) -> usize {
    for back in 1..=3.min(bytes.len()) {
        let byte = bytes[bytes.len() - back];
        let needs = match byte {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            0x80..=0xBF => continue,
            _ => return 0,
        };
        return if needs > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<String> {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, |line| lines.push(line));
        }
        splitter.finish(|line| lines.push(line));
        lines
    }

    #[test]
    fn line_ends_of_every_kind() {
        assert_eq!(
            split(&[b"a\nb\r\nc\r", b"\nd\re"]),
            ["a", "b", "c", "d", "e"]
        );
        assert_eq!(split(&[b"\n\n", b"x"]), ["", "", "x"]);
        assert_eq!(split(&[b"\r 50%\r100%\r\n\r\n"]), [" 50%", "100%", ""]);
        assert_eq!(split(&[b"\x1b[31mred\x1b[0m\n"]), ["\x1b[31mred\x1b[0m"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_split_text_is_not() {
        assert_eq!(split(&[b"a\xffb\n"]), ["a\u{fffd}b"]);
        assert_eq!(
            split(&["ü".as_bytes().get(..1).unwrap(), &"ü".as_bytes()[1..]]),
            ["ü"]
        );
    }

    #[test]
    fn a_long_line_goes_on_in_the_next_and_no_character_breaks() {
        let text = format!("a{}", "ü".repeat(20_000));
        let lines = split(&[text.as_bytes()]);
        assert!(lines.len() >= 3 && lines.iter().all(|line| line.len() <= MAX_LINE));
        assert_eq!(lines.concat(), text);
    }

    #[test]
    fn a_secret_is_not_cut_in_two() {
        let mask = Arc::new(Mask::new([], [b"hunter22".as_slice().into()]));
        for before in MAX_LINE - 10..MAX_LINE + 2 {
            let text = format!("{}hunter22{}", "-".repeat(before), "-".repeat(MAX_LINE));
            let mut splitter = Splitter::new(Arc::clone(&mask));
            let mut lines = Vec::new();
            splitter.feed(text.as_bytes(), |line| lines.push(line));
            splitter.finish(|line| lines.push(line));
            assert!(lines.iter().all(|line| line.len() <= MAX_LINE), "{before}");
            assert!(
                lines.iter().any(|line| line.contains("hunter22")),
                "{before}"
            );
            assert_eq!(lines.concat(), text);
        }
    }

    proptest! {
        #[test]
        fn how_the_bytes_arrive_does_not_matter(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
            cut in 0usize..200,
        ) {
            let cut = cut.min(bytes.len());
            prop_assert_eq!(split(&[&bytes]), split(&[&bytes[..cut], &bytes[cut..]]));
        }
    }
}
