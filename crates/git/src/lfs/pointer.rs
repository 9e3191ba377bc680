//! The small files that Git LFS leaves in a commit in place of the large ones.
//!
//! Source: the Git LFS specification, `docs/spec.md`, "The Pointer".

/// A pointer is smaller than this, in bytes.
pub(super) const MAX_BYTES: u64 = 1024;
/// The first line of a pointer, in its present form and the one before.
const VERSIONS: [&str; 2] = [
    "version https://git-lfs.github.com/spec/v1",
    "version https://hawser.github.com/spec/v1",
];

/// What a pointer points to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Object {
    /// The SHA-256 of the content: 64 lower-case hex digits.
    pub(super) oid: String,
    /// Its length in bytes.
    pub(super) size: u64,
}

/// Reads a pointer; `None` for any other file.
pub(super) fn parse(text: &str) -> Option<Object> {
    let mut lines = text.lines();
    if !VERSIONS.contains(&lines.next()?) {
        return None;
    }
    let (mut oid, mut size) = (None, None);
    for line in lines {
        match line.split_once(' ')? {
            ("oid", value) => oid = value.strip_prefix("sha256:").filter(|oid| is_oid(oid)),
            ("size", value) => size = value.parse().ok(),
            _ => {}
        }
    }
    let oid = oid?.to_owned();
    Some(Object { oid, size: size? })
}

/// It becomes a file's name.
fn is_oid(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OID: &str = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";

    #[test]
    fn a_pointer_is_read_and_nothing_else() {
        let text = format!(
            "{}\next-0-x sha256:y\noid sha256:{OID}\nsize 12345\n",
            VERSIONS[0]
        );
        let object = parse(&text).unwrap();
        assert_eq!((object.oid.as_str(), object.size), (OID, 12345));
        for bad in [
            String::new(),
            "a file\n".to_owned(),
            format!("{}\nsize 1\n", VERSIONS[0]),
            format!("{}\noid sha256:../../etc/passwd\nsize 1\n", VERSIONS[0]),
            format!("{}\noid sha256:{OID}\nsize -1\n", VERSIONS[0]),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = parse(&text);
            let _ = parse(&format!("{}\n{text}", VERSIONS[0]));
        }
    }
}
