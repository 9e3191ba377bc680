//! Names of repositories and tags, and what a path under `/v2/` asks for. Names hold slashes, so
//! a path is read from its end.
//!
//! Source of the grammar: OCI distribution specification, "Pulling manifests".

/// Longest name: what fits a host and 255 characters in other implementations.
const LONGEST_NAME: usize = 200;

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    Uploads,
    Upload(&'a str),
    Blob(&'a str),
    Manifest(&'a str),
    Tags,
    Referrers(&'a str),
}

/// Reads `NAME/blobs/…`, `NAME/manifests/…` and so on.
pub(crate) fn parse(path: &str) -> Option<(&str, Target<'_>)> {
    if let Some(name) = path.strip_suffix("/tags/list") {
        return Some((name, Target::Tags));
    }
    if let Some(name) = path
        .strip_suffix("/blobs/uploads/")
        .or(path.strip_suffix("/blobs/uploads"))
    {
        return Some((name, Target::Uploads));
    }
    let (front, last) = path.rsplit_once('/')?;
    if let Some(name) = front.strip_suffix("/blobs/uploads") {
        return Some((name, Target::Upload(last)));
    }
    let (name, kind) = front.rsplit_once('/')?;
    match kind {
        "blobs" => Some((name, Target::Blob(last))),
        "manifests" => Some((name, Target::Manifest(last))),
        "referrers" => Some((name, Target::Referrers(last))),
        _ => None,
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` joined by slashes.
pub(crate) fn is_repository(name: &str) -> bool {
    name.len() <= LONGEST_NAME && name.split('/').all(is_component)
}

fn is_component(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = text.split(letter).filter(|separator| !separator.is_empty());
    text.starts_with(letter)
        && text.ends_with(letter)
        && separators
            .into_iter()
            .all(|s| matches!(s, "." | "_" | "__") || s.chars().all(|c| c == '-'))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
pub(crate) fn is_tag(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=128).contains(&text.len())
        && text.starts_with(first)
        && text.chars().all(|c| first(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_from_their_end() {
        assert_eq!(parse("a/b/tags/list"), Some(("a/b", Target::Tags)));
        assert_eq!(parse("a/b/blobs/uploads/"), Some(("a/b", Target::Uploads)));
        assert_eq!(
            parse("a/b/blobs/uploads/x"),
            Some(("a/b", Target::Upload("x")))
        );
        assert_eq!(
            parse("a/manifests/b/manifests/v1"),
            Some(("a/manifests/b", Target::Manifest("v1")))
        );
        assert_eq!(
            parse("a/blobs/sha256:1"),
            Some(("a", Target::Blob("sha256:1")))
        );
        assert_eq!(parse("a/other/x"), None);
        assert_eq!(parse("manifests/x"), None);
    }

    #[test]
    fn names_follow_the_grammar() {
        for good in ["shop/web", "a", "a.b/c_d/e__f/g---h", "0/1"] {
            assert!(is_repository(good), "{good}");
        }
        for bad in [
            "", "/a", "a/", "a//b", "A/b", "a/..", "../a", "a/.b", "a___b", "a.-b", "a b", "ä",
        ] {
            assert!(!is_repository(bad), "{bad}");
        }
        assert!(is_tag("v1.0_x-y") && is_tag("_") && is_tag(&"a".repeat(128)));
        for bad in ["", ".a", "-a", "a/b", "a b", &"a".repeat(129)] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}
