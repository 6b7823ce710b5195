//! The frames of OpenAI's Responses: numbered events about items that are added, grow and are done. It must never know
//! the state of a connection.

mod objects;

use self::objects::{Details, Item, item_id, item_json, response, summary_part, text_part};
use super::super::Failure;
use super::super::failure::Said;
use super::super::script::Piece;
use super::whole::Call;
use super::{About, Framing, Usage, Whole, event, quoted};
use crate::StopReason;

const CONTENT: &str = r#""content_index":0,"#;
const SUMMARY: &str = r#""summary_index":0,"#;

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
        let kind = match &failure.said {
            Said::Kind(kind) => kind,
            Said::Body { body, .. } => return event("error", body),
        };
        let error = super::openai::refused(kind, &self.about.model, "input");
        // A failed response has always a code.
        let code = error.code.unwrap_or("server_error").to_owned();
        let message = error.message;
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
