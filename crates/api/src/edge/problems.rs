//! Collects what is wrong with a request, field by field, so that one answer names it all.

use super::ApiError;
use schemars::JsonSchema;
use serde::Serialize;

/// One field and what is wrong with it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Problem {
    field: String,
    problem: String,
}

/// Every problem found so far.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Problems(Vec<Problem>);

/// So many are told. Nobody reads more, and an answer must not be many times as large as what it answers.
const MOST: usize = 100;

impl Problems {
    /// Notes a problem, unless there are so many that one more tells nothing.
    pub(crate) fn add(&mut self, field: &str, problem: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(Problem {
                field: field.to_owned(),
                problem: problem.into(),
            });
        }
    }

    /// Notes the problem of a check that failed.
    pub(crate) fn check(&mut self, field: &str, outcome: Result<(), String>) {
        if let Err(problem) = outcome {
            self.add(field, problem);
        }
    }

    /// Runs a check on a value that is there.
    pub(crate) fn check_some<T: ?Sized>(
        &mut self,
        field: &str,
        value: Option<&T>,
        check: impl FnOnce(&T) -> Result<(), String>,
    ) {
        if let Some(value) = value {
            self.check(field, check(value));
        }
    }

    /// Refuses a field that asks for something this server cannot do (yet): better than taking it
    /// and doing nothing.
    pub(crate) fn refuse(&mut self, field: &str, asked: bool) {
        if asked {
            self.add(field, "is not supported by this server");
        }
    }

    pub(crate) fn into_result(self) -> Result<(), ApiError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ApiError::invalid(self))
        }
    }

    pub(crate) fn sentence(&self) -> String {
        let parts: Vec<String> = self
            .0
            .iter()
            .map(|p| format!("`{}` {}", p.field, p.problem))
            .collect();
        format!("The request is invalid: {}.", parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_an_end() {
        let mut problems = Problems::default();
        for n in 0..10_000 {
            problems.add(&format!("field{n}"), "is wrong");
        }
        let sentence = problems.sentence();
        assert!(sentence.contains("`field99` is wrong") && !sentence.contains("field100"));
        assert!(problems.into_result().is_err());
    }
}
