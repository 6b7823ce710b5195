//! Responses: the library skips each event that it cannot read, also the last one with all that was used and called.
//! Compatible servers leave out fields that it insists on.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Look, Noted, tokens};
use crate::genai::failure;
use crate::provider::{ProviderError, TokenUsage};

/// Mends the last event, and refuses a piece that the library would skip without a word.
pub(super) fn mend(frame: &mut Value, noted: &mut Noted) -> Result<Look, ProviderError> {
    let kind = frame
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let ends = matches!(kind, "response.completed" | "response.incomplete");
    if !ends {
        let is_piece = kind.ends_with(".delta");
        if is_piece && !frame.get("delta").is_some_and(is_text_or_part) {
            return Err(failure::unreadable("a piece of an answer without a text"));
        }
        return Ok(Look::Pass);
    }
    let status = kind.trim_start_matches("response.").to_owned();
    let kind = kind.to_owned();
    let Some(Value::Object(response)) = frame.get_mut("response") else {
        return Err(failure::unreadable(
            "an end of an answer without the answer",
        ));
    };
    let response = std::mem::take(response);
    note(&response, &status, noted);
    Ok(Look::Mended(whole(response, &kind, &status)))
}

/// A piece is text, except in the events for parts that nobody asked for.
fn is_text_or_part(delta: &Value) -> bool {
    delta.is_string() || delta.is_object()
}

fn note(response: &Map<String, Value>, status: &str, noted: &mut Noted) {
    let reason = response
        .get("incomplete_details")
        .and_then(|details| details.get("reason"))
        .and_then(Value::as_str);
    noted.stop = Some(
        match reason {
            // As the other protocols call it.
            Some("max_output_tokens") => "max_tokens",
            Some(reason) => reason,
            None => status,
        }
        .to_owned(),
    );
    if let Some(usage) = response.get("usage").filter(|usage| usage.is_object()) {
        let read = tokens(usage, "/input_tokens_details/cached_tokens");
        let written = tokens(usage, "/input_tokens_details/cache_write_tokens");
        noted.usage = Some(TokenUsage {
            input: tokens(usage, "/input_tokens").saturating_sub(read + written),
            output: tokens(usage, "/output_tokens"),
            cache_read: read,
            cache_write: written,
        });
    }
}

/// The last event with every field that the library insists on, and without what it might stumble over.
fn whole(mut response: Map<String, Value>, kind: &str, status: &str) -> Bytes {
    let mut mended = Map::new();
    for (name, otherwise) in [("id", ""), ("status", status), ("model", "")] {
        let value = response.remove(name).filter(Value::is_string);
        mended.insert(
            name.to_owned(),
            value.unwrap_or_else(|| Value::from(otherwise)),
        );
    }
    let output = response.remove("output").filter(Value::is_array);
    mended.insert(
        "output".to_owned(),
        output.unwrap_or_else(|| Value::from(Vec::<Value>::new())),
    );
    let event = serde_json::json!({"type": kind, "response": mended});
    format!("event: {kind}\ndata: {event}\n\n").into()
}
