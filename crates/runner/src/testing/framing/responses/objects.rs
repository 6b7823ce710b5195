//! The JSON objects of OpenAI's Responses: a response and its items. It must never know an event.

use super::super::whole::Call;
use super::super::{About, CREATED, Usage, quoted};

/// An item that is being streamed.
pub(super) enum Item {
    Message(String),
    Reasoning { text: String, signature: String },
    Call(Call),
}

/// What a response says of its end.
pub(super) enum Details {
    None,
    Completed(Option<Usage>),
    Incomplete(String, Option<Usage>),
    Failed { code: String, message: String },
}

pub(super) fn response(about: &About, status: &str, output: &str, details: &Details) -> String {
    let (mut error, mut incomplete, mut usage) = ("null".to_owned(), "null".to_owned(), None);
    match details {
        Details::None => {}
        Details::Completed(used) => usage = *used,
        Details::Incomplete(reason, used) => {
            incomplete = format!(r#"{{"reason":{}}}"#, quoted(reason));
            usage = *used;
        }
        Details::Failed { code, message } => {
            error = format!(
                r#"{{"code":{},"message":{}}}"#,
                quoted(code),
                quoted(message)
            );
        }
    }
    let usage = usage.as_ref().map(usage_json);
    format!(
        r#"{{"id":"resp_scripted","object":"response","created_at":{CREATED},"status":"{status}","error":{error},"incomplete_details":{incomplete},"model":{},"output":[{output}],"usage":{}}}"#,
        quoted(&about.model),
        usage.unwrap_or_else(|| "null".to_owned()),
    )
}

pub(super) fn item_id(item: Option<&Item>, index: usize) -> String {
    let kind = match item {
        None | Some(Item::Message(_)) => "msg",
        Some(Item::Reasoning { .. }) => "rs",
        Some(Item::Call(_)) => "fc",
    };
    format!("{kind}_{index}")
}

pub(super) fn item_json(item: &Item, index: usize, status: &str) -> String {
    let id = item_id(Some(item), index);
    let begun = status == "in_progress";
    match item {
        Item::Message(text) => {
            let content = if begun {
                String::new()
            } else {
                text_part(text)
            };
            format!(
                r#"{{"id":"{id}","type":"message","status":"{status}","content":[{content}],"role":"assistant"}}"#
            )
        }
        Item::Reasoning { text, signature } => {
            let summary = if begun {
                String::new()
            } else {
                summary_part(text)
            };
            let signature = if signature.is_empty() {
                String::new()
            } else {
                format!(r#","encrypted_content":{}"#, quoted(signature))
            };
            format!(r#"{{"id":"{id}","type":"reasoning","summary":[{summary}]{signature}}}"#)
        }
        Item::Call(call) => {
            let (input, call_id, name) =
                (quoted(&call.input), quoted(&call.id), quoted(&call.name));
            format!(
                r#"{{"id":"{id}","type":"function_call","status":"{status}","arguments":{input},"call_id":{call_id},"name":{name}}}"#
            )
        }
    }
}

pub(super) fn text_part(text: &str) -> String {
    let text = quoted(text);
    format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":{text}}}"#)
}

pub(super) fn summary_part(text: &str) -> String {
    let text = quoted(text);
    format!(r#"{{"type":"summary_text","text":{text}}}"#)
}

fn usage_json(usage: &Usage) -> String {
    let tokens = usage.tokens;
    let input = tokens.input + tokens.cache_read + tokens.cache_write;
    format!(
        r#"{{"input_tokens":{input},"input_tokens_details":{{"cached_tokens":{}}},"output_tokens":{},"output_tokens_details":{{"reasoning_tokens":{}}},"total_tokens":{}}}"#,
        tokens.cache_read,
        tokens.output,
        usage.reasoning,
        input + tokens.output,
    )
}
