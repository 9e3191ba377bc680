//! Reads a request's body from flags, files or standard input, and sets fields in it.

use crate::args::{Body, KeyValue};
use crate::console::Console;
use crate::error::CliError;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// The largest body that is read, in bytes; no request is anywhere near.
const LARGEST: u64 = 4 << 20;

/// The body as given, or an empty one.
pub(super) fn read(body: &Body, console: &mut Console) -> Result<Value, CliError> {
    let value = match (&body.input, &body.file) {
        (Some(json), _) => serde_json::from_str(json)
            .map_err(|error| CliError::Usage(format!("--input is not JSON: {error}")))?,
        (None, Some(path)) => from_file(path, console)?,
        (None, None) => Value::Object(Map::new()),
    };
    if value.is_object() {
        Ok(value)
    } else {
        Err(CliError::Usage(
            "the body must be an object with fields".to_owned(),
        ))
    }
}

fn from_file(path: &Path, console: &mut Console) -> Result<Value, CliError> {
    let failed = |source| CliError::File {
        doing: "read",
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    if path == Path::new("-") {
        (&mut console.input)
            .take(LARGEST)
            .read_to_string(&mut text)
            .map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(LARGEST)
            .read_to_string(&mut text)
            .map_err(failed)?;
    }
    // JSON first, for its better messages; nearly all JSON is YAML as well.
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(&text).map_err(|error| wrong(path, "JSON", &error));
    }
    serde_saphyr::from_str(&text).map_err(|error| wrong(path, "YAML", &error))
}

fn wrong(path: &Path, kind: &str, error: &dyn std::error::Error) -> CliError {
    CliError::Usage(format!("{} is not {kind}: {error}", path.display()))
}

/// Sets `body.a.b.c`, making the objects on the way.
pub(super) fn set(body: &mut Value, path: &[&str], value: Value) -> Result<(), CliError> {
    let mut place = body;
    for key in path {
        let object = match place {
            Value::Null => {
                *place = Value::Object(Map::new());
                place.as_object_mut()
            }
            other => other.as_object_mut(),
        };
        let Some(object) = object else {
            let path = path.join(".");
            return Err(CliError::Usage(format!(
                "cannot set `{path}`: the given body has no object at `{key}`'s place"
            )));
        };
        place = object.entry(*key).or_insert(Value::Null);
    }
    *place = value;
    Ok(())
}

/// Sets a field when there is something to set.
pub(super) fn set_some(
    body: &mut Value,
    path: &[&str],
    value: Option<impl Into<Value>>,
) -> Result<(), CliError> {
    match value {
        Some(value) => set(body, path, value.into()),
        None => Ok(()),
    }
}

/// Build arguments as an object.
pub(super) fn arguments(args: &[KeyValue]) -> Option<Value> {
    let pairs = args
        .iter()
        .map(|pair| (pair.key.clone(), Value::String(pair.value.clone())));
    (!args.is_empty()).then(|| Value::Object(pairs.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_set_beside_what_is_there() {
        let mut body = json!({ "a": { "x": 1 }, "s": "text" });
        set(&mut body, &["a", "b", "c"], json!(2)).unwrap();
        set_some(&mut body, &["a", "x"], None::<String>).unwrap();
        assert_eq!(
            body,
            json!({ "a": { "x": 1, "b": { "c": 2 } }, "s": "text" })
        );
        let error = set(&mut body, &["s", "t"], json!(1))
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "cannot set `s.t`: the given body has no object at `t`'s place"
        );
    }
}
