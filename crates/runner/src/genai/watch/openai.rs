//! Chat completions: servers that never send the last line, and indexes of tool calls that would make the library
//! allocate all memory there is.

use serde_json::Value;

use super::{Noted, tokens};
use crate::genai::failure;
use crate::provider::{ProviderError, TokenUsage};

/// The most tool calls of one answer. The library makes room for as many as the highest index says.
const MOST_CALLS: u64 = 256;

/// Notes why the model stopped and what the answer used.
pub(super) fn note(frame: &Value, noted: &mut Noted) -> Result<(), ProviderError> {
    if let Some(usage) = frame.get("usage").filter(|usage| usage.is_object()) {
        let cached = tokens(usage, "/prompt_tokens_details/cached_tokens");
        noted.usage = Some(TokenUsage {
            input: tokens(usage, "/prompt_tokens").saturating_sub(cached),
            output: tokens(usage, "/completion_tokens"),
            cache_read: cached,
            cache_write: 0,
        });
    }
    let Some(choice) = frame.pointer("/choices/0") else {
        return Ok(());
    };
    if let Some(stop) = choice.get("finish_reason").and_then(Value::as_str)
        && !stop.is_empty()
    {
        noted.stop = Some(stop.to_owned());
    }
    let calls = choice
        .pointer("/delta/tool_calls")
        .and_then(Value::as_array);
    let is_possible = |call: &Value| match call.get("index") {
        Some(index) => index.as_u64().is_some_and(|index| index < MOST_CALLS),
        None => false,
    };
    if calls.is_some_and(|calls| !calls.iter().all(is_possible)) {
        return Err(failure::unreadable("a tool call without a possible index"));
    }
    Ok(())
}
