//! Addresses that pass, and many that must not.

use proptest::prelude::*;

use super::*;

fn all() -> Protocols {
    "https,ssh,http,file".parse().unwrap()
}

fn parse(text: &str) -> Result<RepoUrl, UrlError> {
    RepoUrl::parse(text, &all())
}

#[test]
fn the_usual_forms_are_read() {
    for (given, shown) in [
        ("https://github.com/a/b", "https://github.com/a/b"),
        ("github.com/a/b", "https://github.com/a/b"),
        (
            "git.example.org:8443/a/b",
            "https://git.example.org:8443/a/b",
        ),
        (
            "HTTPS://GitHub.com:443/a/b.git",
            "https://github.com/a/b.git",
        ),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("git@host:/srv/b.git", "ssh://git@host/srv/b.git"),
        ("ssh://git@host:2222/a/b", "ssh://git@host:2222/a/b"),
        ("http://[::1]:3000/a", "http://[::1]:3000/a"),
        ("http://0x7f.1/a", "http://127.0.0.1/a"),
        ("https://host/a/../b", "https://host/b"),
        ("file:///srv/repo.git", "file:///srv/repo.git"),
        ("/srv/repo.git", "file:///srv/repo.git"),
    ] {
        assert_eq!(parse(given).unwrap().to_string(), shown, "{given}");
    }
}

#[test]
fn a_repository_is_below_its_forge_and_no_other() {
    for (repository, pages, path) in [
        (
            "https://github.com/a/b.git",
            "https://github.com",
            Some("a/b"),
        ),
        (
            "https://ann@dev.azure.com/acme/my%20shop/_git/web",
            "https://dev.azure.com/acme/",
            Some("my shop/_git/web"),
        ),
        ("http://[::1]:3000/a/b", "http://[::1]:3000", Some("a/b")),
        ("https://host/forge/a/b", "https://host/forge", Some("a/b")),
        ("https://host/forgery/a/b", "https://host/forge", None),
        ("https://host/forge/../a/b", "https://host/forge", None),
        ("http://github.com/a/b", "https://github.com", None),
        ("https://github.com:8443/a/b", "https://github.com", None),
        (
            "https://github.com.example.com/a/b",
            "https://github.com",
            None,
        ),
        (
            "https://example.com/github.com/a",
            "https://github.com",
            None,
        ),
        ("git@github.com:a/b", "https://github.com", None),
        ("file:///a/b", "https://github.com", None),
    ] {
        let below = parse(repository).unwrap();
        let below = below.path_below(&pages.parse().unwrap());
        assert_eq!(below.as_deref(), path, "{repository} below {pages}");
    }
}

#[test]
fn only_allowed_protocols_pass() {
    let default = Protocols::default();
    assert!(RepoUrl::parse("https://host/a", &default).is_ok());
    assert!(RepoUrl::parse("git@host:a", &default).is_ok());
    for text in [
        "http://host/a",
        "file:///srv/a",
        "/srv/a",
        "git://host/a",
        "ftp://host/a",
    ] {
        let refused = RepoUrl::parse(text, &default).unwrap_err();
        assert_eq!(refused.kind(), "git_protocol_not_allowed", "{text}");
    }
    let https_only = Protocols::new([Protocol::Https]);
    assert!(RepoUrl::parse("git@host:a", &https_only).is_err());
    assert!("https,gopher".parse::<Protocols>().is_err());
}

#[test]
fn tricks_are_refused() {
    for text in [
        "",
        "-",
        "--upload-pack=touch /tmp/x",
        "-oProxyCommand=x@host:a",
        "ext::sh -c id",
        "ext::sh",
        "fd::7",
        "https::https://host/a",
        "ssh://-oProxyCommand=x/a",
        "ssh://-l@host/a",
        "ssh://git:secret@host/a",
        "git@-host:a",
        "-git@host:a",
        "git@host:-a",
        "git@host:",
        "git@:a",
        "git@host",
        "host:path",
        "single",
        "./relative",
        "../relative",
        "~/home",
        "https://",
        "https://host",
        "https://host/",
        "https:///a",
        "https://host/a b",
        "https://host/a\nb",
        "https://host/a%0ab",
        "https://host/a%00",
        "https://host/a%zz",
        "https://user%0a@host/a",
        "https://host/a?x=1",
        "https://host/a#frag",
        "https://ho$t/a",
        "https://host:99999/a",
        "file://host/srv/a",
        "file:////host/a",
        "file:///",
        "C:\\repo",
        "https://host\\@evil/a",
    ] {
        assert!(parse(text).is_err(), "{text:?} became {:?}", parse(text));
    }
}

#[test]
fn credentials_are_kept_and_never_shown() {
    let url = parse("https://me:s3cret%21@host/a").unwrap();
    let credentials = url.credentials().unwrap();
    assert_eq!(
        (credentials.user.as_str(), credentials.password.as_str()),
        ("me", "s3cret!")
    );
    for shown in [
        format!("{url}"),
        format!("{url:?}"),
        format!("{credentials:?}"),
    ] {
        assert!(
            !shown.contains("s3cret") && !shown.contains("me:"),
            "{shown}"
        );
    }
    let token = parse("https://t0ken@host/a").unwrap();
    assert_eq!(token.to_string(), "https://host/a");
    assert_eq!(token.credentials().unwrap().user, "t0ken");
}

#[test]
fn relative_addresses_follow_their_parent() {
    let https = parse("https://me:pw@host/team/app.git").unwrap();
    let lib = https.join("../lib.git").unwrap();
    assert_eq!(lib.to_string(), "https://host/team/lib.git");
    assert!(lib.same_origin(&https) && lib.credentials().is_some());
    assert_eq!(
        https.join("./sub").unwrap().to_string(),
        "https://host/team/app.git/sub"
    );
    assert_eq!(
        https.join("../../x/y").unwrap().to_string(),
        "https://host/x/y"
    );
    assert!(https.join("../../../../x").is_err());
    assert!(https.join("../a\nb").is_err());
    assert!(https.join("../a?x").is_err());
    let scp = parse("git@host:team/app.git").unwrap();
    assert_eq!(scp.join("../lib").unwrap().to_string(), "git@host:team/lib");
    assert_eq!(scp.join("../../lib").unwrap().to_string(), "git@host:lib");
    assert!(scp.join("../../-lib").is_err());
}

/// Pieces that together make addresses and attacks on addresses.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        "[-:/@.%~\\\\ \n\\[\\]?#]{1,3}",
        proptest::sample::select(vec![
            "https://",
            "ssh://",
            "http://",
            "file://",
            "ext::",
            "git@",
            "-o",
            "host",
            "://",
            "::",
            "127.0.0.1",
            ":22",
            ".git",
            "%2d",
            "%0a",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_accepted_is_plain(pieces in proptest::collection::vec(piece(), 1..8)) {
        let text = pieces.concat();
        let allowed = Protocols::default();
        if let Ok(url) = RepoUrl::parse(&text, &allowed) {
            prop_assert!(allowed.contains(url.protocol()));
            let shown = url.to_string();
            prop_assert!(!shown.starts_with('-'));
            prop_assert!(!shown.contains(|c: char| c.is_control() || c.is_whitespace()));
            prop_assert!(!url.host().is_empty() && !url.host().starts_with('-'));
            prop_assert!(!url.user.as_deref().unwrap_or("x").starts_with('-'));
            prop_assert!(url.is_scp_like() || shown.starts_with("https://") || shown.starts_with("ssh://"));
            // What is shown is an address again, and the same one.
            let again = RepoUrl::parse(&shown, &allowed);
            prop_assert_eq!(again.unwrap(), url.with_credentials(None));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse(&text);
    }
}
