//! From a name that a person chose to the id in a URL.

/// `Example Service` → `example-service`. The name must already have passed [`crate::fields::name`].
pub fn from_name(name: &str) -> String {
    name.split(|c: char| c.is_whitespace() || c == '-')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use super::from_name;

    #[test]
    fn names_become_ids() {
        assert_eq!(from_name("Example Service"), "example-service");
        assert_eq!(from_name("api-v2"), "api-v2");
    }
}
