//! The forms in which a secret may turn up in a line: as it is, line by line, in base64, in a URL,
//! in JSON.

use std::collections::BTreeSet;

use base64::Engine;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Secrets with fewer bytes are not masked: they are in every other word.
pub(super) const SHORTEST: usize = 4;
/// Of a secret with several lines, lines with fewer bytes are not masked by themselves: they are
/// what any text has.
const SHORTEST_LINE: usize = 8;
/// Secrets with fewer bytes are masked as they are only: their codes are in other words, too.
const SHORTEST_CODED: usize = 6;

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

/// The forms of a secret, each in one line; with `in_code`, those in code, too.
pub(super) fn of(secret: &[u8], in_code: bool) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    let text = String::from_utf8_lossy(secret);
    let trimmed = text.trim();
    let mut lines = trimmed.lines();
    if trimmed.len() >= SHORTEST && lines.by_ref().take(2).count() == 1 {
        forms.insert(trimmed.to_owned());
    }
    if trimmed.lines().nth(1).is_some() {
        let lines = trimmed.lines().map(str::trim);
        for line in lines.filter(|line| line.len() >= SHORTEST_LINE) {
            forms.insert(line.to_owned());
            if in_code {
                coded(line.as_bytes(), line, &mut forms);
            }
        }
    }
    if in_code {
        coded(secret, &text, &mut forms);
        coded(trimmed.as_bytes(), trimmed, &mut forms);
    }
    forms
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
        let forms = of(b"pa/ss word!\n", true);
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
        assert!(of(b"abc", true).is_empty() && of(b" \n ", true).is_empty());
        assert_eq!(of(b"abcd", true).len(), 1);
    }

    #[test]
    fn lines_that_any_text_has_are_left() {
        let forms = of(b"{\n  \"private\": \"hush-hush\"\n}\n", true);
        assert!(forms.contains("\"private\": \"hush-hush\""));
        assert!(!forms.contains("{") && !forms.contains("}"));
    }
}
