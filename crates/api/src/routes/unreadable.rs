//! What is said of something whose sealed part cannot be opened any more.

/// Shown as `problem` in lists and beside what can be read.
pub(super) fn problem(unreadable: bool, lost: &str) -> Option<String> {
    unreadable.then(|| {
        format!("{lost} cannot be opened: the key that it was sealed with is gone. Give it again.")
    })
}
