//! Buildah's lines without what only its programmers can read: for an instruction it does not know
//! it prints its own data structures.

/// How a line begins that is nothing else.
const DUMP: &str = "level=error msg=\"+(UNHANDLED LOGLEVEL) &imagebuilder.Step{";
/// Where one begins behind an error's words.
const TAIL: &str = " &imagebuilder.Step{";

/// The line as it is worth logging, if it is.
pub(super) fn legible(mut line: String) -> Option<String> {
    if line.starts_with("time=") && line.contains(DUMP) {
        return None;
    }
    if line.starts_with("Error: ")
        && let Some(end) = line.find(TAIL)
    {
        line.truncate(end);
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_instruction_is_said_in_words() {
        let logged = |line: &str| legible(line.to_owned());
        let dump = r#"time="2026-11-24T12:50:46Z" level=error msg="+(UNHANDLED LOGLEVEL) &imagebuilder.Step{Env:[]string{}}""#;
        assert_eq!(logged(dump), None);
        let error = r#"Error: building at STEP "RUUN ": Build error: Unknown instruction: "RUUN" &imagebuilder.Step{Env:[]string{}}"#;
        assert_eq!(
            logged(error).as_deref(),
            Some(r#"Error: building at STEP "RUUN ": Build error: Unknown instruction: "RUUN""#)
        );
        assert_eq!(
            logged("STEP 1/3: FROM a").as_deref(),
            Some("STEP 1/3: FROM a")
        );
    }
}
