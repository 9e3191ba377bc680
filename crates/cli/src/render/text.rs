//! Makes text from elsewhere safe to print: a build's log, a branch's name or a server's message
//! must not be able to move the cursor, rename the window or answer for the person.

use crate::console::Look;
use std::borrow::Cow;

/// Text without any control character, on one line.
pub(crate) fn plain(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for part in Parts(text) {
        match part {
            Part::Text(text) => {
                clean.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
            }
            Part::Colour(_) | Part::Other => {}
        }
    }
    clean
}

/// A log line as this console may show it. On a terminal only text, tabs and colours are left; a
/// pipe gets the line as it was written.
pub(crate) fn log_text(line: &str, look: Look) -> Cow<'_, str> {
    if !look.out_is_terminal {
        return Cow::Borrowed(line);
    }
    let mut coloured = false;
    let mut clean = String::with_capacity(line.len());
    // Progress bars rewrite their line; only its last state is of interest.
    let line = line.trim_end_matches('\r');
    let line = line.rsplit_once('\r').map_or(line, |(_, last)| last);
    for part in Parts(line) {
        match part {
            Part::Text(text) => {
                clean.extend(text.chars().filter(|c| *c == '\t' || !c.is_control()))
            }
            Part::Colour(code) if look.colour => {
                coloured = true;
                clean.push_str(code);
            }
            Part::Colour(_) | Part::Other => {}
        }
    }
    if coloured {
        clean.push_str("\u{1b}[0m");
    }
    Cow::Owned(clean)
}

enum Part<'a> {
    /// Anything but escape sequences.
    Text(&'a str),
    /// A sequence that only sets colours and the like.
    Colour(&'a str),
    /// Any other sequence.
    Other,
}

/// Splits text at its escape sequences.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let length = match self.0.find('\u{1b}') {
            Some(0) => sequence(self.0),
            Some(at) => at,
            None => self.0.len(),
        };
        let (part, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(match part.strip_prefix("\u{1b}[") {
            Some(body) if is_colour(body) => Part::Colour(part),
            _ if part.starts_with('\u{1b}') => Part::Other,
            _ => Part::Text(part),
        })
    }
}

fn is_colour(body: &str) -> bool {
    body.strip_suffix('m').is_some_and(|codes| {
        codes
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ';' | ':'))
    })
}

/// Length in bytes of the escape sequence at the start of the text.
///
/// Source: ECMA-48, 5.3 to 5.6: CSI sequences end with a byte from @ to ~, control strings with
/// ST (or BEL, as terminals accept).
fn sequence(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    let after = |(at, c): (usize, char)| at + c.len_utf8();
    match chars.next() {
        Some((_, '[')) => chars.find(|(_, c)| matches!(c, '@'..='~')).map(after),
        Some((_, ']' | 'P' | 'X' | '^' | '_')) => {
            let mut escaped = false;
            let end = chars.find(|(_, c)| {
                let over = *c == '\u{7}' || (escaped && *c == '\\');
                escaped = *c == '\u{1b}';
                over
            });
            end.map(after)
        }
        Some(second) => Some(after(second)),
        None => None,
    }
    .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Look = Look {
        out_is_terminal: true,
        err_is_terminal: true,
        in_is_terminal: true,
        colour: true,
        width: None,
    };

    #[test]
    fn a_log_keeps_its_colours_and_loses_its_tricks() {
        let shown = |line: &str| log_text(line, TERMINAL).into_owned();
        assert_eq!(
            shown("\u{1b}[31mred\u{1b}[0m"),
            "\u{1b}[31mred\u{1b}[0m\u{1b}[0m"
        );
        assert_eq!(shown("\u{1b}]0;owned\u{7}a\u{1b}[2Jb\u{8}c\td"), "abc\td");
        assert_eq!(shown("\u{1b}]0;title\u{1b}\\x"), "x");
        assert_eq!(shown("10%\r50%\r100%\r"), "100%");
        assert_eq!(shown("cut\u{1b}[3"), "cut");
        assert_eq!(shown("cut\u{1b}"), "cut");
        assert_eq!(
            log_text(
                "\u{1b}[31mred",
                Look {
                    colour: false,
                    ..TERMINAL
                }
            ),
            "red"
        );
        assert_eq!(log_text("\u{1b}[2J", Look::default()), "\u{1b}[2J");
    }

    #[test]
    fn cells_stay_on_their_line() {
        assert_eq!(
            plain("step 2\nfailed: \u{1b}[1mboom\u{1b}[0m\u{7}"),
            "step 2 failed: boom "
        );
    }

    proptest::proptest! {
        #[test]
        fn nothing_controls_the_terminal(line in proptest::string::string_regex("[\u{1b}\\[\\]0-9;mJaä\u{7}\r\n\t\\\\]{0,40}").unwrap()) {
            proptest::prop_assert!(!plain(&line).chars().any(char::is_control));
            let look = Look { colour: false, ..TERMINAL };
            proptest::prop_assert!(!log_text(&line, look).chars().any(|c| c.is_control() && c != '\t'));
        }
    }
}
