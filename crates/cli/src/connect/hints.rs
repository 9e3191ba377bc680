//! Helps a person who mistyped a name: what is there, and what was probably meant.

/// How many names are listed at most.
const SHOWN: usize = 12;
/// How alike two names must be to suggest one for the other, 0 to 1.
const ALIKE: f64 = 0.55;

/// "there are: a, b (did you mean `b`?)", or nothing when there is nothing.
pub(crate) fn there_are(wanted: &str, names: &[&str]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let mut text = format!("there are: {}", names[..names.len().min(SHOWN)].join(", "));
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    if let Some(meant) = closest(wanted, names) {
        text.push_str(&format!(" (did you mean `{meant}`?)"));
    }
    Some(text)
}

fn closest<'a>(wanted: &str, names: &[&'a str]) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    names
        .iter()
        .map(|name| {
            (
                strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase()),
                *name,
            )
        })
        .filter(|(alike, name)| *alike >= ALIKE || (wanted.len() > 2 && name.starts_with(&wanted)))
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_what_was_meant() {
        let names = ["example-service", "web", "worker"];
        assert_eq!(closest("exmaple-service", &names), Some("example-service"));
        assert_eq!(closest("wbe", &names), Some("web"));
        assert_eq!(closest("Example-Service", &names), Some("example-service"));
        assert_eq!(closest("work", &names), Some("worker"));
        assert_eq!(closest("database", &names), None);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..20).map(|n| format!("svc-{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = there_are("zzz", &names).unwrap();
        assert!(text.ends_with("svc-11 and 8 more"), "{text}");
        assert_eq!(there_are("x", &[]), None);
    }
}
