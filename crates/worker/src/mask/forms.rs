//! The forms in which a secret may turn up in a line: as it is, line by line, in base64, in a URL,
//! in JSON.

use std::collections::BTreeSet;

use base64::Engine;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Secrets with fewer bytes are not masked: they are in every other word.
pub(super) const SHORTEST: usize = 4;
/// Of a text with several lines, lines with fewer bytes are what any text has.
const SHORTEST_LINE: usize = 8;
/// Secrets with fewer bytes are masked as they are only: their codes are in other words, too. So are they
/// themselves when they are letters: then they are masked where they stand alone.
pub(super) const SHORTEST_CODED: usize = 6;

/// What RFC 3986 leaves as it is.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
/// What JavaScript's `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &STRICT
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Which lines of a secret with several are masked by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// Every one that says something: the secret is nothing but secret.
    All,
    /// Long ones, and without any, all: the secret may be a text with more than secrets in it.
    Long,
}

/// The forms of a secret, each in one line; with `in_code`, those in code, too.
pub(super) fn of(secret: &[u8], lines: Lines, in_code: bool) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    let text = String::from_utf8_lossy(secret);
    let trimmed = text.trim();
    if trimmed.lines().nth(1).is_some() {
        for line in telling(trimmed, lines) {
            forms.insert(line.to_owned());
            if in_code {
                coded(line.as_bytes(), line, &mut forms);
            }
        }
    } else if trimmed.len() >= SHORTEST {
        forms.insert(trimmed.to_owned());
    }
    if in_code {
        coded(secret, &text, &mut forms);
        coded(trimmed.as_bytes(), trimmed, &mut forms);
    }
    forms
}

/// The lines of a text that give it away.
fn telling(text: &str, lines: Lines) -> impl Iterator<Item = &str> {
    let is_long = |line: &str| line.len() >= SHORTEST_LINE;
    let all = || text.lines().map(str::trim);
    let short_too = lines == Lines::All || !all().any(is_long);
    let says_something =
        |line: &str| line.len() >= SHORTEST && line.contains(char::is_alphanumeric);
    all().filter(move |line| is_long(line) || short_too && says_something(line))
}

fn coded(bytes: &[u8], text: &str, forms: &mut BTreeSet<String>) {
    if bytes.len() < SHORTEST_CODED {
        return;
    }
    for alphabet in [STANDARD, URL_SAFE] {
        forms.extend((0..3).map(|before| base64_behind(before, bytes, &alphabet)));
    }
    let escaped = [STRICT, COMPONENT].map(|set| utf8_percent_encode(text, set).to_string());
    forms.extend(escaped.iter().map(|text| lower_escapes(text)));
    forms.insert(url::form_urlencoded::byte_serialize(bytes).collect());
    forms.extend(escaped);
    let json = serde_json::Value::from(text).to_string();
    forms.insert(json.trim_matches('"').to_owned());
}

/// What a secret becomes in base64 with so many bytes before it and any behind it.
fn base64_behind(before: usize, secret: &[u8], alphabet: &Alphabet) -> String {
    let engine = GeneralPurpose::new(alphabet, NO_PAD);
    let whole = engine.encode([&[0; 2][..before], secret].concat());
    // A letter holds six bits: those that hold bits of what is before or behind may be any.
    let first = (before * 8).div_ceil(6);
    let last = (before + secret.len()) * 8 / 6;
    whole[first..last].to_owned()
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut digits = 0;
    let lower = |letter: char| {
        if letter == '%' {
            digits = 2;
            return letter;
        }
        if digits == 0 {
            return letter;
        }
        digits -= 1;
        letter.to_ascii_lowercase()
    };
    text.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_secret() {
        let forms = of(b"pa/ss word!\n", Lines::Long, true);
        for form in [
            "pa/ss word!",
            "cGEvc3Mgd29yZCE",
            "pa%2Fss%20word%21",
            "pa%2fss%20word!",
            "pa%2Fss+word%21",
        ] {
            assert!(
                forms.contains(form) || forms.iter().any(|other| other.starts_with(form)),
                "{form}: {forms:?}"
            );
        }
        for lines in [Lines::All, Lines::Long] {
            assert!(of(b"abc", lines, true).is_empty() && of(b" \n ", lines, true).is_empty());
            assert_eq!(of(b"abcd", lines, true).len(), 1);
        }
    }

    #[test]
    fn lines_that_any_text_has_are_left() {
        for lines in [Lines::All, Lines::Long] {
            let forms = of(b"{\n  \"private\": \"hush-hush\"\n----\n}\n", lines, true);
            assert!(forms.contains("\"private\": \"hush-hush\""));
            assert!(!["{", "}", "----"].iter().any(|line| forms.contains(*line)));
        }
    }

    #[test]
    fn short_lines_are_secret_where_nothing_else_is() {
        let plain = |secret: &str, lines| of(secret.as_bytes(), lines, false);
        let both = ["admin", "hunter2"].map(str::to_owned);
        for lines in [Lines::All, Lines::Long] {
            let found = plain("admin\r\nhunter2\nabc\n", lines);
            assert_eq!(found, both.clone().into(), "{lines:?}");
        }
        let text = "hunter2\nuser: someone\n";
        assert!(plain(text, Lines::All).contains("hunter2"));
        assert_eq!(
            plain(text, Lines::Long),
            ["user: someone".to_owned()].into()
        );
    }
}
