//! What builds by which rules.

use super::*;
use proptest::prelude::*;

fn list(rules: &[&str]) -> Option<Vec<String>> {
    Some(rules.iter().map(|rule| (*rule).to_owned()).collect())
}

fn judge(rules: BuildRules) -> Judge {
    Judge::new(&rules).unwrap()
}

#[test]
fn without_rules_every_branch_builds_and_no_pull_request_does_so_twice() {
    let judge = judge(BuildRules::default());
    assert!(judge.builds_branch("main") && judge.builds_branch("feature/x"));
    assert!(!judge.asks_for_pull_requests());
    assert!(!judge.builds_pull_request("main"));
}

#[test]
fn rules_name_what_builds() {
    let branches = judge(BuildRules {
        branch_restrictions: list(&["main", "release/*"]),
        ..BuildRules::default()
    });
    for (branch, builds) in [
        ("main", true),
        ("release/1.0", true),
        ("release/1/x", true),
        ("Main", false),
        ("mainline", false),
        ("feature/main", false),
    ] {
        assert_eq!(branches.builds_branch(branch), builds, "{branch}");
    }
    assert!(!branches.builds_pull_request("feature/x"));

    let pulls = judge(BuildRules {
        pr_restrictions: list(&["feature/*"]),
        ..BuildRules::default()
    });
    assert!(pulls.asks_for_pull_requests() && !pulls.builds_branch("feature/x"));
    assert!(pulls.builds_pull_request("feature/x") && !pulls.builds_pull_request("main"));

    let nothing = judge(BuildRules {
        branch_restrictions: list(&[]),
        ..BuildRules::default()
    });
    assert!(!nothing.builds_branch("main"));
}

#[test]
fn a_pull_request_from_a_branch_that_builds_does_not_build_again() {
    let both = judge(BuildRules {
        branch_restrictions: list(&["main", "feature/*"]),
        pr_restrictions: list(&["*"]),
        ..BuildRules::default()
    });
    assert!(both.builds_branch("feature/x") && !both.builds_pull_request("feature/x"));
    assert!(!both.builds_branch("fix") && both.builds_pull_request("fix"));
}

fn paths(rules: &[&str], allow: bool) -> Judge {
    judge(BuildRules {
        path_ignore_rules: list(rules),
        is_allow_list: Some(allow),
        ..BuildRules::default()
    })
}

#[test]
fn what_is_ignored_alone_builds_nothing() {
    let judge = paths(&["*.md", "docs/", "!docs/build.sh", "/tools"], false);
    assert!(judge.asks_for_paths());
    for (changed, builds) in [
        (&["README.md"][..], false),
        (&["a/b/NOTES.md", "docs/guide/x.png"], false),
        (&["docs/build.sh"], true),
        (&["tools/x"], false),
        (&["a/tools/x"], true),
        (&["README.md", "src/main.rs"], true),
        (&[], false),
    ] {
        assert_eq!(judge.builds_paths(changed), builds, "{changed:?}");
    }
}

#[test]
fn an_allow_list_says_what_builds() {
    let judge = paths(&["/web/", "*.proto"], true);
    for (changed, builds) in [
        (&["web/src/x.ts"][..], true),
        (&["api/x.proto", "README.md"], true),
        (&["api/x.rs", "lib/web/x"], false),
    ] {
        assert_eq!(judge.builds_paths(changed), builds, "{changed:?}");
    }
    // A list without rules lists nothing, and holds nothing back.
    for nothing in [&[][..], &["# a remark", ""]] {
        let judge = paths(nothing, true);
        assert!(!judge.asks_for_paths() && judge.builds_paths(["x"]));
    }
}

#[test]
fn names_that_nobody_could_check_out_are_judged_like_others() {
    let judge = paths(&["*.md", "/docs/"], false);
    let endless = "a/".repeat(1 << 20) + "x.md";
    for (changed, builds) in [
        ("//x.md", false),
        ("///docs/x", false),
        (".///x.md", false),
        ("../x.md", false),
        ("//x", true),
        ("/", true),
        (endless.as_str(), true),
    ] {
        let shown = &changed[..changed.len().min(20)];
        assert_eq!(judge.builds_paths([changed]), builds, "{shown}");
    }
}

#[test]
fn braces_are_letters_as_they_are_to_git() {
    let judge = paths(&["{a,b}.txt", "x[{]y", r"\{z"], false);
    for ignored in ["{a,b}.txt", "x{y", "{z"] {
        assert!(!judge.builds_paths([ignored]), "{ignored}");
    }
    assert!(judge.builds_paths(["a.txt"]));
}

#[test]
fn a_broken_rule_is_named() {
    let rules = BuildRules {
        path_ignore_rules: list(&["fine", "[z"]),
        ..BuildRules::default()
    };
    let error = Judge::new(&rules).unwrap_err();
    assert_eq!(
        (error.field, error.rule.as_str()),
        ("pathIgnoreRules", "[z")
    );
    for broken in ["[z", "[b-a]", "a\\"] {
        assert!(path_problem(broken).is_err(), "{broken}");
    }
    path_problem("**/*.md").unwrap();
    branch_problem("feature/**").unwrap();
}

#[test]
fn a_flag_in_the_message_is_found_where_flags_are_looked_for() {
    let usual = judge(BuildRules {
        ci_ignore_flags_enabled: Some(true),
        ..BuildRules::default()
    });
    assert_eq!(
        usual.flag_in("Fix a word\n\n[skip ci] please"),
        Some("[skip ci]")
    );
    assert_eq!(usual.flag_in("Fix a word"), None);
    let own = BuildRules {
        ci_ignore_flags_enabled: Some(true),
        ci_ignore_flags: list(&["#quiet", ""]),
        ..BuildRules::default()
    };
    assert_eq!(judge(own.clone()).flag_in("typo #quiet"), Some("#quiet"));
    assert_eq!(judge(own.clone()).flag_in("[skip ci]"), None);
    let off = judge(BuildRules {
        ci_ignore_flags_enabled: Some(false),
        ..own
    });
    assert!(!off.asks_for_message() && off.flag_in("typo #quiet").is_none());
}

#[test]
fn stars_in_a_row_are_one() {
    let judge = judge(BuildRules {
        branch_restrictions: list(&["**/fix", "release/***"]),
        ..BuildRules::default()
    });
    for (branch, builds) in [
        ("a/fix", true),
        ("a/b/fix", true),
        ("fix", false),
        ("release/1/2", true),
        ("release", false),
    ] {
        assert_eq!(judge.builds_branch(branch), builds, "{branch}");
    }
}

/// What a pattern of letters and stars means, said in another way.
fn fits(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=name.len()).any(|skip| fits(rest, &name[skip..])),
        ([one, rest @ ..], [same, others @ ..]) if one == same => fits(rest, others),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_star_stands_for_any_part_of_a_branch(
        pattern in r"[ab*/.\\!-]{0,8}",
        name in r"[ab/.-]{0,8}",
    ) {
        let judge = judge(BuildRules {
            branch_restrictions: list(&[&pattern]),
            ..BuildRules::default()
        });
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(judge.builds_branch(&name), fits(&chars(&pattern), &chars(&name)));
    }

    #[test]
    fn what_passes_the_fields_check_can_be_judged_by(rule in r"[\[\]{}!*?a\\/# -]{0,12}", path in "[a-c/]{1,12}") {
        if crate::fields::path_rule(&rule).is_ok() {
            let judge = paths(&[&rule], false);
            judge.builds_paths([path.trim_start_matches('/')]);
        }
        if crate::fields::build_rule(&rule).is_ok() {
            judge(BuildRules { branch_restrictions: list(&[&rule]), ..BuildRules::default() });
        }
    }
}
