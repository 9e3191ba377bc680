use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

use super::*;

fn mask(secrets: &[&str]) -> Mask {
    Mask::new([], bytes(secrets))
}

fn bytes<'a>(secrets: &[&'a str]) -> impl Iterator<Item = Cow<'a, [u8]>> {
    secrets
        .iter()
        .map(|secret| Cow::Borrowed(secret.as_bytes()))
}

fn masked(secrets: &[&str], text: &str) -> String {
    mask(secrets).mask(text.to_owned())
}

#[test]
fn a_line_is_told_without_its_secrets() {
    let secrets = ["hunter22", "hunter", "s3cr\u{e9}t!"];
    assert_eq!(
        masked(&secrets, "user hunter22 and hunter"),
        "user *** and ***"
    );
    assert_eq!(
        masked(&secrets, "caf\u{e9} s3cr\u{e9}t!\u{e9}"),
        "caf\u{e9} ***\u{e9}"
    );
    assert_eq!(masked(&secrets, "nothing to hide"), "nothing to hide");
    assert_eq!(masked(&[], "nothing to hide"), "nothing to hide");
    assert_eq!(masked(&["abc"], "abc is too short"), "abc is too short");
}

#[test]
fn a_short_word_is_no_secret_inside_others() {
    let text = "latest tests: a test, PASS=test -ptest test";
    let told = "latest tests: a ***, PASS=*** -ptest ***";
    assert_eq!(masked(&["test"], text), told);
    assert_eq!(masked(&["t3st"], "lat3st"), "la***");
    assert_eq!(masked(&["tester"], "testers"), "***s");
}

#[test]
fn each_line_of_a_key_is_a_secret() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\r\nhkiG9w0BAQEFAASC\n-----END KEY-----\n";
    assert_eq!(masked(&[key], "> MIIEvQIBADANBgkq"), "> ***");
    assert_eq!(masked(&[key], "hkiG9w0BAQEFAASC"), "***");
    let json = serde_json::json!({"key": key}).to_string();
    assert!(!masked(&[key], &json).contains("hkiG"));
}

#[test]
fn a_mount_of_short_lines_is_masked_line_by_line() {
    let mount = "admin\nhunter2\nat the example's\n";
    let mask = Mask::new(bytes(&[mount]), []);
    for line in ["admin", "hunter2", "at the example's"] {
        assert_eq!(mask.mask(format!("> {line}")), "> ***");
    }
}

#[test]
fn wrapped_base64_is_masked_on_each_line() {
    let secret: String = (0..300)
        .map(|n| char::from(b'!' + (n * 7 % 90) as u8))
        .collect();
    for before in ["", "x", "xy", "user:"] {
        let coded = STANDARD.encode(format!("{before}{secret}{secret}"));
        let (lines, _) = coded.as_bytes().as_chunks::<76>();
        for line in &lines[1..lines.len() - 1] {
            let line = std::str::from_utf8(line).unwrap();
            assert_eq!(masked(&[&secret], line), "***", "{before}");
        }
    }
}

#[test]
fn a_cut_goes_around_a_secret() {
    let mask = mask(&["hunter22"]);
    let text = b"aaaaaaaahunter22bbbbbbbb";
    assert_eq!(mask.cut(text, 8), 8);
    assert_eq!(mask.cut(text, 12), 8);
    assert_eq!(mask.cut(text, 16), 16);
    assert_eq!(Mask::default().cut(text, 12), 12);
}

proptest! {
    #[test]
    fn no_form_of_a_secret_stays(
        secret in "[!-~]{6,200}",
        before in "[ -~]{0,7}",
        after in "[ -~]{0,7}",
    ) {
        let whole = format!("{before}{secret}{after}");
        let plain = masked(&[&secret], &whole);
        prop_assert!(!plain.contains(&secret), "{}", plain);
        let url = url::form_urlencoded::byte_serialize(whole.as_bytes()).collect::<String>();
        let bare = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
        prop_assert!(!masked(&[&secret], &url).contains(&bare));
        for engine in [STANDARD, URL_SAFE] {
            let coded = engine.encode(&whole);
            let left = masked(&[&secret], &coded);
            prop_assert!(left.contains(MASK), "{}", left);
            // Letters that were left are in front, behind, or hold bits of a neighbour.
            prop_assert!(left.len() <= before.len() * 2 + after.len() * 2 + 12, "{}", left);
        }
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is(text in "[a-y ]{0,200}") {
        prop_assert_eq!(masked(&["zzzzzzzz"], &text), text);
    }
}
