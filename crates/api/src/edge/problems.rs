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

impl Problems {
    pub(crate) fn add(&mut self, field: &str, problem: impl Into<String>) {
        self.0.push(Problem {
            field: field.to_owned(),
            problem: problem.into(),
        });
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
