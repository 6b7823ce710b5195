//! Gemini: frames without a candidate, which the library takes for errors.

use serde_json::Value;

use super::{Look, Noted};

/// Notes that a prompt was blocked, and skips what says nothing else.
pub(super) fn note(frame: &Value, noted: &mut Noted) -> Look {
    if let Some(reason) = frame.pointer("/promptFeedback/blockReason") {
        let reason = reason.as_str().unwrap_or("SAFETY");
        noted.stop = Some(
            match reason {
                // What the library knows as a filter.
                "OTHER" | "BLOCK_REASON_UNSPECIFIED" => "PROHIBITED_CONTENT",
                reason => reason,
            }
            .to_owned(),
        );
    }
    if frame.get("candidates").is_some() {
        Look::Pass
    } else {
        Look::Skip
    }
}
