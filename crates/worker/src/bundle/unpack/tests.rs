//! What archives hold that people make, and what those hold that are made to do harm.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ::tar::{Builder, EntryType, Header};
use ::zip::ZipWriter;
use ::zip::write::SimpleFileOptions;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

/// Unpacks these bytes; the folder they were unpacked into lies in the one returned.
fn unpacked(bytes: &[u8], budget: u64) -> (tempfile::TempDir, Result<(), UnpackError>) {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("archive");
    fs::write(&archive, bytes).unwrap();
    let into = dir.path().join("into");
    let plan = Plan {
        archive,
        into,
        budget,
    };
    let outcome = unpack(&plan);
    (dir, outcome)
}

const MB: u64 = 1 << 20;

/// An entry of a tar archive: name, kind, content or target.
type Entry<'a> = (&'a str, EntryType, &'a str);

/// A tar archive whose names are taken as they are.
fn tar_of(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, text) in entries {
        let mut header = Header::new_gnu();
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        let is_link = kind.is_symlink() || kind.is_hard_link();
        if is_link {
            old.linkname[..text.len()].copy_from_slice(text.as_bytes());
        }
        let content = if is_link { "" } else { text };
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o6755);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip_of(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, mode, content) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        if mode & 0o170_000 == 0o120_000 {
            let target = std::str::from_utf8(content).unwrap();
            zip.add_symlink(*name, target, options).unwrap();
        } else {
            zip.start_file(*name, options).unwrap();
            zip.write_all(content).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

fn refusal(bytes: &[u8]) -> String {
    match unpacked(bytes, MB).1 {
        Err(UnpackError::Invalid(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn everyday_archives_come_out_as_they_went_in() {
    use EntryType as Kind;
    let tar = tar_of(&[
        ("./", Kind::Directory, ""),
        ("./app/run.sh", Kind::Regular, "echo hello\n"),
        ("app/again", Kind::Link, "app/run.sh"),
        ("app/up", Kind::Symlink, "../README"),
        ("README", Kind::Regular, "first"),
        ("README", Kind::Regular, "second"),
    ]);
    for bytes in [tar.clone(), gzipped(&tar)] {
        let (dir, outcome) = unpacked(&bytes, MB);
        outcome.unwrap();
        let into = dir.path().join("into");
        let read = |name: &str| fs::read_to_string(into.join(name)).unwrap();
        assert_eq!(read("app/again"), "echo hello\n");
        assert_eq!(read("app/up"), "second");
        assert_eq!(mode(&into.join("app/run.sh")), 0o755, "no setuid bit");
        assert_eq!(mode(&into.join("app")), 0o755);
    }
    let zip = zip_of(&[
        ("app/run.sh", 0o100_755, b"echo hello\n"),
        ("app/link", 0o120_777, b"run.sh"),
        ("README", 0o100_600, b"read"),
    ]);
    let (dir, outcome) = unpacked(&zip, MB);
    outcome.unwrap();
    let into = dir.path().join("into");
    let through = fs::read_to_string(into.join("app/link")).unwrap();
    assert_eq!(through, "echo hello\n");
    assert_eq!(mode(&into.join("README")), 0o644);
}

#[test]
fn what_leads_out_is_refused_by_name() {
    use EntryType as Kind;
    let hostile: [&[Entry<'_>]; 10] = [
        &[("../evil", Kind::Regular, "x")],
        &[("a/../../evil", Kind::Regular, "x")],
        &[("/etc/evil", Kind::Regular, "x")],
        &[("evil", Kind::Symlink, "/etc/passwd")],
        &[("a/evil", Kind::Symlink, "../../x")],
        // Down through a link and up again: further up than it looks.
        &[
            ("a/b", Kind::Symlink, ".."),
            ("evil", Kind::Symlink, "a/b/.."),
        ],
        &[("evil", Kind::Link, "../../etc/passwd")],
        &[("a", Kind::Symlink, "b"), ("evil", Kind::Link, "a/x")],
        &[("evil", Kind::Symlink, ""), ("x", Kind::Regular, "x")],
        &[("evil", Kind::Link, "not-there")],
    ];
    for entries in hostile {
        let why = refusal(&tar_of(entries));
        assert!(why.contains("leads out"), "{entries:?}: {why}");
    }
    let through = [("a", Kind::Symlink, "."), ("a/x", Kind::Regular, "x")];
    assert!(refusal(&tar_of(&through)).contains("something else"));
    for kind in [Kind::Char, Kind::Block, Kind::Fifo] {
        let why = refusal(&tar_of(&[("dev", kind, "")]));
        assert!(why.contains("`dev` is no file"), "{why}");
    }
    let zips: [&[(&str, u32, &[u8])]; 3] = [
        &[("../evil", 0o100_644, b"x")],
        &[("/etc/evil", 0o100_644, b"x")],
        &[("evil", 0o120_777, b"../x")],
    ];
    for entries in zips {
        let why = refusal(&zip_of(entries));
        assert!(why.contains("leads out"), "{entries:?}: {why}");
    }
}

#[test]
fn nothing_is_written_beyond_the_budget() {
    let zeros = vec![0; 64 << 20];
    let text = std::str::from_utf8(&zeros).unwrap();
    let tar = gzipped(&tar_of(&[("bomb", EntryType::Regular, text)]));
    let zip = zip_of(&[("bomb", 0o100_644, &zeros)]);
    for bomb in [tar, zip] {
        assert!((bomb.len() as u64) < MB, "a bomb is small");
        let (dir, outcome) = unpacked(&bomb, MB);
        assert_eq!(outcome, Err(UnpackError::TooLarge));
        let size = fs::metadata(dir.path().join("into/bomb")).unwrap().len();
        assert!(size <= MB, "{size}");
    }
    let names: Vec<String> = (0..300).map(|n| format!("empty-{n}")).collect();
    let files: Vec<Entry<'_>> = names
        .iter()
        .map(|name| (name.as_str(), EntryType::Regular, ""))
        .collect();
    let (_dir, outcome) = unpacked(&tar_of(&files), MB);
    assert_eq!(outcome, Err(UnpackError::TooLarge), "files that are empty");
}

#[test]
fn what_is_broken_or_no_archive_says_so() {
    let tar = tar_of(&[("a", EntryType::Regular, &"x".repeat(5000))]);
    let zip = zip_of(&[("a", 0o100_644, b"xxxxxxxxxxxxxxxxxxxxxxxx")]);
    for (bytes, why) in [
        (b"<html>404</html>".to_vec(), "not a tar, tar.gz or zip"),
        (Vec::new(), "not a tar, tar.gz or zip"),
        (gzipped(b"just text"), "broken"),
        (gzipped(&vec![0; 1024]), "nothing in it"),
        (tar[..3000].to_vec(), "ends too early"),
        (gzipped(&tar)[..40].to_vec(), "broken"),
        (zip[..zip.len() - 10].to_vec(), "broken"),
    ] {
        let said = refusal(&bytes);
        assert!(said.contains(why), "{said}");
    }
}

/// Targets that go up, down, and through links that there may be.
fn target() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec!["..", ".", "a", "b", "b/a"]);
    prop::collection::vec(parts, 1..4).prop_map(|parts| parts.join("/"))
}

/// Links, first the folders they may be in.
fn links() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let names = prop::sample::select(vec!["a", "b/a", "b/c", "b/d/a", "c"]);
    prop::collection::vec((names, target()), 2..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Whatever links an archive makes, in whatever order, none of them ends outside.
    #[test]
    fn links_never_end_outside(links in links()) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("into");
        std::fs::create_dir(&root).unwrap();
        let mut tree = Tree::new(&root, MB);
        for (name, target) in &links {
            // What is refused here would end the unpacking; the others are what it would leave.
            let _ = tree.symlink(name.as_bytes(), target.as_bytes());
        }
        let root = root.canonicalize().unwrap();
        for (name, _) in &links {
            if let Ok(real) = root.join(name).canonicalize() {
                prop_assert!(real.starts_with(&root), "{name} is {}", real.display());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        for head in [&b""[..], b"PK\x03\x04", b"\x1f\x8b\x08"] {
            let _ = unpacked(&[head, &bytes].concat(), MB);
        }
    }
}
