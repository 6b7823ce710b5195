//! The frames of OpenAI's Responses: numbered events about items that are added, grow and are done. It must never know
//! the state of a connection.

use super::super::Failure;
use super::super::script::Piece;
use super::whole::Call;
use super::{About, CREATED, Framing, Protocol, Usage, Whole, event, quoted};
use crate::StopReason;

/// One streamed response.
pub(super) struct Response {
    about: About,
    /// The number of the next event.
    sequence: u64,
    /// The items that are done.
    output: Vec<String>,
    open: Option<Item>,
    stop: Option<StopReason>,
}

/// An item that is being streamed.
enum Item {
    Message(String),
    Reasoning { text: String, signature: String },
    Call(Call),
}

impl Response {
    pub(super) fn new(about: About) -> Self {
        Self {
            about,
            sequence: 0,
            output: Vec::new(),
            open: None,
            stop: None,
        }
    }

    /// An event of this type, with these fields behind those that each has.
    fn event(&mut self, kind: &str, fields: &str) -> String {
        let number = self.sequence;
        self.sequence += 1;
        event(
            kind,
            &format!(r#"{{"type":"{kind}","sequence_number":{number},{fields}}}"#),
        )
    }

    /// An event about the response itself.
    fn about(&mut self, kind: &str, status: &str, details: &Details) -> String {
        let response = response(&self.about, status, &self.output.join(","), details);
        self.event(kind, &format!(r#""response":{response}"#))
    }

    fn index(&self) -> usize {
        self.output.len()
    }

    /// An event about the open item, of which `part` is the part that is meant, with these fields.
    fn at(&mut self, kind: &str, part: &str, fields: &str) -> String {
        let index = self.index();
        let id = item_id(self.open.as_ref(), index);
        self.event(
            kind,
            &format!(r#""item_id":"{id}","output_index":{index},{part}{fields}"#),
        )
    }

    fn added(&mut self, item: Item) -> String {
        let done = self.item_done();
        let index = self.index();
        let json = item_json(&item, index, "in_progress");
        self.open = Some(item);
        let added = format!(r#""output_index":{index},"item":{json}"#);
        done + &self.event("response.output_item.added", &added)
    }

    fn begin_message(&mut self) -> String {
        if matches!(self.open, Some(Item::Message(_))) {
            return String::new();
        }
        let added = self.added(Item::Message(String::new()));
        let part = format!(r#""part":{}"#, text_part(""));
        added + &self.at("response.content_part.added", CONTENT, &part)
    }

    fn begin_reasoning(&mut self) -> String {
        if matches!(self.open, Some(Item::Reasoning { .. })) {
            return String::new();
        }
        let (text, signature) = (String::new(), String::new());
        let added = self.added(Item::Reasoning { text, signature });
        let part = format!(r#""part":{}"#, summary_part(""));
        added + &self.at("response.reasoning_summary_part.added", SUMMARY, &part)
    }

    /// The events with which the open item is done.
    fn item_done(&mut self) -> String {
        let closing = match &self.open {
            None => return String::new(),
            Some(Item::Message(text)) => {
                let (said, part) = (quoted(text), text_part(text));
                self.at(
                    "response.output_text.done",
                    CONTENT,
                    &format!(r#""text":{said},"logprobs":[]"#),
                ) + &self.at(
                    "response.content_part.done",
                    CONTENT,
                    &format!(r#""part":{part}"#),
                )
            }
            Some(Item::Reasoning { text, .. }) => {
                let (said, part) = (quoted(text), summary_part(text));
                self.at(
                    "response.reasoning_summary_text.done",
                    SUMMARY,
                    &format!(r#""text":{said}"#),
                ) + &self.at(
                    "response.reasoning_summary_part.done",
                    SUMMARY,
                    &format!(r#""part":{part}"#),
                )
            }
            Some(Item::Call(call)) => {
                let input = quoted(&call.input);
                self.at(
                    "response.function_call_arguments.done",
                    "",
                    &format!(r#""arguments":{input}"#),
                )
            }
        };
        let index = self.index();
        let item = self.open.take();
        let item = item.expect("invariant: it was open a moment ago");
        let json = item_json(&item, index, "completed");
        self.output.push(json.clone());
        let done = format!(r#""output_index":{index},"item":{json}"#);
        closing + &self.event("response.output_item.done", &done)
    }
}

impl Framing for Response {
    fn frame(&mut self, piece: &Piece) -> String {
        match piece {
            Piece::Begin => {
                self.about("response.created", "in_progress", &Details::None)
                    + &self.about("response.in_progress", "in_progress", &Details::None)
            }
            Piece::Ping => ": keep-alive\n\n".to_owned(),
            Piece::Text(more) => {
                let begun = self.begin_message();
                if let Some(Item::Message(text)) = &mut self.open {
                    text.push_str(more);
                }
                let delta = format!(r#""delta":{},"logprobs":[]"#, quoted(more));
                begun + &self.at("response.output_text.delta", CONTENT, &delta)
            }
            Piece::Reasoning(more) => {
                let begun = self.begin_reasoning();
                if let Some(Item::Reasoning { text, .. }) = &mut self.open {
                    text.push_str(more);
                }
                let delta = format!(r#""delta":{}"#, quoted(more));
                begun + &self.at("response.reasoning_summary_text.delta", SUMMARY, &delta)
            }
            Piece::Signature(more) => {
                let begun = self.begin_reasoning();
                if let Some(Item::Reasoning { signature, .. }) = &mut self.open {
                    signature.push_str(more);
                }
                begun
            }
            Piece::CallBegin { id, name } => self.added(Item::Call(Call {
                id: id.clone(),
                name: name.clone(),
                input: String::new(),
            })),
            Piece::CallInput(more) => {
                let Some(Item::Call(call)) = &mut self.open else {
                    panic!("the script begins a call before its input");
                };
                call.input.push_str(more);
                let delta = format!(r#""delta":{}"#, quoted(more));
                self.at("response.function_call_arguments.delta", "", &delta)
            }
            Piece::CallEnd => self.item_done(),
            Piece::Stop(reason) => {
                self.stop = Some(reason.clone());
                self.item_done()
            }
            Piece::End => {
                let (status, details) = outcome(self.stop.as_ref(), self.about.usage);
                self.about(&format!("response.{status}"), status, &details)
            }
        }
    }

    fn error(&mut self, failure: &Failure) -> String {
        let refusal = Protocol::OpenAiResponses.refuse(failure, &self.about.model);
        let error = serde_json::from_str::<serde_json::Value>(&refusal.body);
        let error = error.unwrap_or_default();
        let text = |field: &str| error["error"][field].as_str().map(str::to_owned);
        let code = text("code").unwrap_or_else(|| "server_error".to_owned());
        let message = text("message").unwrap_or(refusal.body);
        self.about(
            "response.failed",
            "failed",
            &Details::Failed { code, message },
        )
    }

    fn garbage(&self) -> String {
        event("response.output_text.delta", "{not JSON")
    }
}

const CONTENT: &str = r#""content_index":0,"#;
const SUMMARY: &str = r#""summary_index":0,"#;

/// What a response says of its end.
enum Details {
    None,
    Completed(Option<Usage>),
    Incomplete(String, Option<Usage>),
    Failed { code: String, message: String },
}

pub(super) fn whole(about: &About, whole: &Whole) -> String {
    let mut items = Vec::new();
    if !whole.reasoning.is_empty() || !whole.signature.is_empty() {
        items.push(Item::Reasoning {
            text: whole.reasoning.clone(),
            signature: whole.signature.clone(),
        });
    }
    if !whole.text.is_empty() {
        items.push(Item::Message(whole.text.clone()));
    }
    items.extend(whole.calls.iter().cloned().map(Item::Call));
    let items = items.iter().enumerate();
    let items = items.map(|(index, item)| item_json(item, index, "completed"));
    let (status, details) = outcome(whole.stop.as_ref(), about.usage);
    response(about, status, &super::list(items), &details)
}

fn outcome(stop: Option<&StopReason>, usage: Option<Usage>) -> (&'static str, Details) {
    match stop {
        None | Some(StopReason::EndTurn | StopReason::ToolUse) => {
            ("completed", Details::Completed(usage))
        }
        Some(reason) => {
            let word = match reason {
                StopReason::ContentFilter => "content_filter",
                StopReason::Other(word) => word,
                StopReason::MaxTokens | StopReason::EndTurn | StopReason::ToolUse => {
                    "max_output_tokens"
                }
            };
            ("incomplete", Details::Incomplete(word.to_owned(), usage))
        }
    }
}

fn response(about: &About, status: &str, output: &str, details: &Details) -> String {
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

fn item_id(item: Option<&Item>, index: usize) -> String {
    let kind = match item {
        None | Some(Item::Message(_)) => "msg",
        Some(Item::Reasoning { .. }) => "rs",
        Some(Item::Call(_)) => "fc",
    };
    format!("{kind}_{index}")
}

fn item_json(item: &Item, index: usize, status: &str) -> String {
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

fn text_part(text: &str) -> String {
    let text = quoted(text);
    format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":{text}}}"#)
}

fn summary_part(text: &str) -> String {
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
