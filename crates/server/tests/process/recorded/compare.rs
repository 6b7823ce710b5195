//! Compares two answers by their members and JSON types. Values differ: times, ids, texts, figures.

use serde_json::Value;

/// Where two answers differ, in words that name the place and not the value.
pub(super) fn types(recorded: &Value, ours: &Value, at: &str) -> Vec<String> {
    match (recorded, ours) {
        (Value::Object(recorded), Value::Object(ours)) => {
            let member = |(key, recorded): (&String, &Value)| {
                let at = format!("{at} .{key}");
                match ours.get(key) {
                    Some(ours) => types(recorded, ours, &at),
                    None => vec![format!("{at}: missing")],
                }
            };
            recorded.iter().flat_map(member).collect()
        }
        (Value::Array(recorded), Value::Array(ours)) => {
            // All items of a list are of one shape; parts of a message are of several, told apart by their type.
            let mut found: Vec<String> = ours
                .iter()
                .flat_map(|ours| nearest(recorded, ours, at))
                .collect();
            found.dedup();
            found
        }
        _ if kind(recorded) == kind(ours) => Vec::new(),
        _ => vec![format!(
            "{at}: {} instead of {}",
            kind(ours),
            kind(recorded)
        )],
    }
}

/// Compares an item with the recorded item that it differs least from. Nothing recorded, nothing to compare with.
fn nearest(recorded: &[Value], ours: &Value, at: &str) -> Vec<String> {
    let differences = recorded
        .iter()
        .map(|recorded| types(recorded, ours, &format!("{at} []")));
    differences.min_by_key(Vec::len).unwrap_or_default()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
