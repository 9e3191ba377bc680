use super::expand::{Limit, REFERENCES, graph};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn variables(pairs: &[(&str, &str)]) -> SecretValues {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    SecretValues {
        variables: pairs.iter().map(owned).collect(),
        ..SecretValues::default()
    }
}

/// Expanded in an account with nothing in it.
fn alone(values: SecretValues) -> Result<SecretValues, TooLarge> {
    expand(values, &BTreeSet::new(), |_| None).map(|expanded| expanded.values)
}

fn referent(text: &str, secret: bool) -> Option<Referent> {
    let text = text.to_owned();
    Some(Referent { text, secret })
}

#[test]
fn a_name_stands_for_its_value_in_arguments_and_text_files() {
    let mut values = variables(&[
        ("NODE_ENV", "production"),
        ("HOST", "${NODE_ENV}.example.com"),
        ("URL", "https://${HOST}/${NODE_ENV}"),
    ]);
    // The published example of a file.
    let published = "VGhpcyBpcyBhbiBleGFtcGxlIHdpdGggYSB0ZW1wbGF0ZWQgJHtOT0RFX0VOVn0gdmFyaWFibGU=";
    let file = |encoding: &str| FileContent {
        data: published.to_owned(),
        encoding: encoding.to_owned(),
    };
    values.files.insert("/text".into(), file("utf-8"));
    values.mounts.insert("bytes".into(), file("binary"));
    let expanded = alone(values).unwrap();
    assert_eq!(
        expanded.variables["URL"],
        "https://production.example.com/production"
    );
    let text = expanded.files["/text"].text().unwrap();
    assert_eq!(
        text,
        "This is an example with a templated production variable"
    );
    assert_eq!(expanded.mounts["bytes"].data, published);
}

#[test]
fn what_is_unknown_or_in_a_circle_stays() {
    let values = variables(&[
        ("PATH", "${PATH}:/more"),
        ("A", "a ${B}"),
        ("B", "b ${A}"),
        ("C", "${A} ${NOBODY} ${} ${A B} $A {A} ${${A}}"),
    ]);
    let expanded = alone(values).unwrap().variables;
    assert_eq!(expanded["PATH"], "${PATH}:/more");
    assert_eq!(expanded["A"], "a ${B}");
    assert_eq!(expanded["B"], "b ${A}");
    assert_eq!(
        expanded["C"],
        "a ${B} ${NOBODY} ${} ${A B} $A {A} ${a ${B}}"
    );
}

#[test]
fn secrets_of_the_account_are_asked_for_and_arguments_come_first() {
    let values = variables(&[
        ("A", "${secrets.db.values.user}"),
        ("secrets.x", "own"),
        ("B", "${secrets.x}"),
    ]);
    assert!(account_references("a ${secrets.db.values.user} ${B}").eq(["secrets.db.values.user"]));
    let account = |name: &str| referent(&format!("<{name}>"), false);
    let expanded = expand(values, &BTreeSet::new(), account).unwrap();
    assert_eq!(expanded.values.variables["A"], "<secrets.db.values.user>");
    assert_eq!(expanded.values.variables["B"], "own");
    assert!(expanded.secret_arguments.is_empty() && expanded.account_secrets.is_empty());
}

#[test]
fn what_refers_to_a_secret_becomes_one() {
    let mut values = variables(&[
        ("PIN", "1234"),
        ("URL", "https://me:${PIN}@example.com"),
        ("LINK", "see ${URL}"),
        (
            "DB",
            "user=${secrets.db.user} password=${secrets.db.password}",
        ),
        ("USER", "${secrets.db.user}"),
        ("NONE", "none${secrets.db.empty}"),
        ("TURN", "${PIN} ${TURN}"),
        ("ROUND", "${ABOUT}"),
        ("ABOUT", "${ROUND}"),
        ("PLAIN", "1234"),
    ]);
    let mount = FileContent::of_text("${secrets.db.certificate} ${PIN}");
    values.mounts.insert("mount".into(), mount);
    let account = |name: &str| match name {
        "secrets.db.user" => referent("ada", false),
        "secrets.db.empty" => referent("", true),
        name => referent(&format!("<{name}>"), true),
    };
    let secret = ["PIN", "ROUND"].map(str::to_owned).into();
    let expanded = expand(values, &secret, account).unwrap();
    let names = Vec::from_iter(&expanded.secret_arguments);
    // Neither knows what the other one stands for: ABOUT is still `${ROUND}`.
    assert_eq!(names, ["DB", "LINK", "PIN", "ROUND", "TURN", "URL"]);
    let account = Vec::from_iter(&expanded.account_secrets);
    assert_eq!(
        account,
        ["", "<secrets.db.certificate>", "<secrets.db.password>"]
    );
}

#[test]
fn only_new_references_to_the_account_count() {
    let before = variables(&[("A", "${secrets.db.values.user}")]);
    let changes = |values: SecretValues| SecretChanges {
        variables: Some(values.variables),
        ..SecretChanges::default()
    };
    assert!(!refers_anew(&changes(before.clone()), &before));
    assert!(!refers_anew(&changes(variables(&[("A", "${B}")])), &before));
    let moved = variables(&[("B", "${secrets.db.values.user}")]);
    assert!(refers_anew(&changes(moved), &before));
    let file = SecretChanges {
        files: Some([("/a".to_owned(), FileContent::of_text("x ${secrets.a.b}"))].into()),
        ..SecretChanges::default()
    };
    assert!(refers_anew(&file, &before));
}

#[test]
fn values_that_multiply_are_stopped() {
    let mut pairs = vec![("V0".to_owned(), "x".repeat(1000))];
    for n in 0..40 {
        pairs.push((format!("V{}", n + 1), format!("${{V{n}}}${{V{n}}}")));
    }
    let values = SecretValues {
        variables: pairs.into_iter().collect(),
        ..SecretValues::default()
    };
    let name = alone(values).unwrap_err().name;
    assert!(name.starts_with('V'), "{name}");
}

fn tangled() -> impl Strategy<Value = BTreeMap<String, String>> {
    let part = prop_oneof![
        "[a-c]",
        Just("${A}".to_owned()),
        Just("${B}".to_owned()),
        Just("${C}".to_owned()),
        Just("${D}".to_owned()),
        Just("${".to_owned())
    ];
    let value = prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat());
    prop::collection::btree_map("[A-D]", value, 0..5)
}

proptest! {
    #[test]
    fn it_always_ends_and_leaves_only_circles_and_what_is_unknown(variables in tangled()) {
        let values = SecretValues { variables: variables.clone(), ..SecretValues::default() };
        let expanded = alone(values).unwrap().variables;
        prop_assert!(expanded.keys().eq(variables.keys()));
        for (name, value) in &expanded {
            // Whatever is still named is unknown, or leads back to itself.
            for left in references(value).filter(|left| variables.contains_key(*left)) {
                prop_assert!(leads(&variables, left, left), "{name}: {left}");
            }
        }
    }

    #[test]
    fn texts_without_references_stay(text in "[^$]*") {
        let expanded = expand(variables(&[("A", &text)]), &BTreeSet::new(), |_| referent("x", true));
        let expanded = expanded.unwrap();
        prop_assert_eq!(&expanded.values.variables["A"], &text);
        prop_assert!(expanded.secret_arguments.is_empty());
    }
}

/// Whether `to` is reached from `from` by one reference or more.
fn leads(variables: &BTreeMap<String, String>, from: &str, to: &str) -> bool {
    let mut seen = Vec::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for next in references(variables.get(&name).map_or("", String::as_str)) {
            if next == to {
                return true;
            }
            if !seen.contains(&next.to_owned()) {
                seen.push(next.to_owned());
                open.push(next.to_owned());
            }
        }
    }
    false
}

/// A thousand empty variables, and so many values that name them over and over.
fn attack(values: usize, references: usize) -> SecretValues {
    let empty = (0..1000).map(|n| (format!("E{n}"), String::new()));
    let value: String = (0..references)
        .map(|n| format!("${{E{}}}", n % 1000))
        .collect();
    let full = (0..values).map(|n| (format!("V{n}"), value.clone()));
    SecretValues {
        variables: empty.chain(full).collect(),
        ..SecretValues::default()
    }
}

#[test]
fn what_is_too_large_is_refused_before_anything_is_looked_up() {
    let refused = |values: SecretValues| {
        let untouched = |name: &str| panic!("{name} was looked up");
        let refused = expand(values, &BTreeSet::new(), untouched).err();
        refused.unwrap().limit
    };
    let many = "${secrets.a.values.b}".repeat(REFERENCES + 1);
    let in_a_variable = SecretValues {
        variables: [("A".to_owned(), many.clone())].into(),
        ..SecretValues::default()
    };
    assert_eq!(refused(in_a_variable), Limit::References);
    let in_a_file = SecretValues {
        files: [("/a".to_owned(), FileContent::of_text(&many))].into(),
        ..SecretValues::default()
    };
    assert_eq!(refused(in_a_file), Limit::References);
    assert_eq!(refused(attack(5, 10_001)), Limit::References);
    let large = SecretValues {
        variables: [("A".to_owned(), "x".repeat(BUILD_BYTES + 1))].into(),
        ..SecretValues::default()
    };
    assert_eq!(refused(large), Limit::Bytes);
}

#[test]
fn arguments_are_refused_that_no_process_can_be_given() {
    let refused = |pairs: Vec<(String, String)>| {
        let values = SecretValues {
            variables: pairs.into_iter().collect(),
            ..SecretValues::default()
        };
        let refused = alone(values).err();
        refused.map(|refused| (refused.limit, refused.name))
    };
    let half = || ("A".to_owned(), "x".repeat(64 * 1024));
    let twice = |more: &str| vec![half(), ("B".to_owned(), format!("${{A}}{more}"))];
    assert_eq!(refused(twice(&"y".repeat(64 * 1024 - 3))), None);
    let longer = refused(twice(&"y".repeat(64 * 1024 - 2)));
    assert_eq!(longer, Some((Limit::Argument, "B".to_owned())));
    let many = (0..17).map(|n| (format!("V{n:02}"), half().1)).collect();
    assert_eq!(refused(many), Some((Limit::Arguments, "V15".to_owned())));
}

#[test]
fn references_to_nothing_cost_one_step_each() {
    let values = attack(5, 10_000);
    let graph = graph(&values.variables);
    assert_eq!(graph.edge_count(), 5 * 1000, "each is an edge once");
    let expanded = expand(values, &BTreeSet::new(), |_: &str| None)
        .ok()
        .unwrap();
    assert!(expanded.values.variables.values().all(String::is_empty));
}

#[test]
fn arguments_that_name_only_each_other_bring_nothing_in() {
    let variables = |pairs: &[(&str, &str)]| {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(pair).collect()
    };
    assert!(!names_others(&variables(&[("A", "1"), ("B", "$A ${ {B}")])));
    assert!(!names_others(&variables(&[
        ("A", "1"),
        ("B", "${A}"),
        ("C", "${C}")
    ])));
    assert!(names_others(&variables(&[
        ("A", "1"),
        ("B", "${A}-${PASSWORD}")
    ])));
    assert!(names_others(&variables(&[(
        "A",
        "${secrets.db.values.login}"
    )])));
}
