//! The manual's page on permissions, written from the calls and roles that there are.

use crate::openapi::described;
use crate::routes;
use domain::{Permission, Role};
use serde_json::Value;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/permissions.md");
const BEGIN: &str = "run it with UPDATE_DOCS=1 -->\n";
const END: &str = "<!-- /tables -->";
/// The form of a call that names its team, where there is one without.
const TEAM: &str = "/v1/teams/{teamId}";

/// A row for each call, by path.
fn calls(document: &Value) -> String {
    let paths = document["paths"].as_object().unwrap();
    let twin = |path: &str| path.strip_prefix(TEAM).map(|rest| format!("/v1{rest}"));
    let own = paths
        .iter()
        .filter(|(path, _)| !twin(path).is_some_and(|twin| paths.contains_key(&twin)));
    let mut rows = String::from("| call | method | path | permission |\n|---|---|---|---|\n");
    for (path, item) in own {
        for (method, operation) in item.as_object().unwrap() {
            let names = operation["x-calls"].as_array().unwrap().iter();
            let names: Vec<_> = names
                .map(|name| format!("`{}`", name.as_str().unwrap()))
                .collect();
            let permission = operation["x-permission"].as_str().unwrap_or("any token");
            let (names, method) = (names.join(", "), method.to_uppercase());
            rows.push_str(&format!(
                "| {names} | {method} | `{path}` | {permission} |\n"
            ));
        }
    }
    rows
}

/// A row for each permission: which roles hold it.
fn roles() -> String {
    let names: Vec<_> = Role::ALL
        .iter()
        .map(|role| format!("`{}`", role.as_str()))
        .collect();
    let mut rows = format!(
        "| permission | {} |\n|---|{}\n",
        names.join(" | "),
        "---|".repeat(names.len())
    );
    for permission in Permission::ALL {
        let holds = |role: Role| {
            if role.permissions().allows(*permission) {
                "yes"
            } else {
                ""
            }
        };
        let holds = Role::ALL.map(holds).join(" | ");
        rows.push_str(&format!("| {} | {holds} |\n", permission.as_str()));
    }
    rows
}

#[test]
fn the_manual_has_the_tables() {
    let document = described(routes::all);
    let document = serde_json::to_value(document).unwrap();
    let tables = format!(
        "\n## Calls\n\n{}\n## Roles\n\n{}\n",
        calls(&document),
        roles()
    );
    let text = std::fs::read_to_string(PAGE).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (kept, tail) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, format!("{head}{BEGIN}{tables}{END}{tail}")).unwrap();
    } else {
        assert_eq!(kept, tables, "run this test with UPDATE_DOCS=1");
    }
}
