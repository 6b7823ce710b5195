//! Hazard 4: the library logs frames and requests, and puts them into its errors. Nothing of a conversation and no key
//! may come out, at any level and with any filter.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use runwright_runner::testing::{Cut, Failure, Script};
use runwright_runner::{AnswerEvent, AnswerLimits, Provider, StopReason};
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Metadata, Subscriber};

use crate::genai_stage::{CASES, KEY, asking, told};

/// What the user says, and what the provider repeats of it.
const PROMPT: &str = "sentinel-prompt";

/// What of everything that this process logs must not be there, and how many lines there were.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<(Vec<String>, usize)>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Log {
    fn write(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Line<'_>)) {
        let mut line = format!("{} {}", metadata.level(), metadata.target());
        record(&mut Line(&mut line));
        let mut log = self.0.lock().unwrap();
        log.1 += 1;
        if line.contains(KEY) || line.contains(PROMPT) {
            log.0.push(line);
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.write(span.metadata(), |line| span.record(line));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut line = String::new();
        values.record(&mut Line(&mut line));
        assert!(!line.contains(KEY) && !line.contains(PROMPT), "{line}");
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Answers over which the library has something to say, each with the prompt in it.
fn scripts() -> Vec<Script> {
    let frame = |text: String| Script::new().text(PROMPT).raw(text.into_bytes());
    vec![
        Script::answer(PROMPT),
        Script::new()
            .text(PROMPT)
            .stop(StopReason::Other("strange".to_owned())),
        frame(format!(
            "event: strange\ndata: {{\"said\":\"{PROMPT}\"}}\n\n"
        )),
        frame(format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"said\":\"{PROMPT}\"}}\n\n"
        )),
        frame(format!(
            "data: {{\"choices\":[{{\"delta\":{{\"said\":\"{PROMPT}\"}}}}],\"usage\":{{\"prompt_tokens\":\"{PROMPT}\"}}}}\n\n"
        )),
        frame(format!("data: {{\"candidates\":\"{PROMPT}\"}}\n\n")),
        frame(format!("data: {{{PROMPT}\n\n")),
        frame(format!(
            "{{\"said\":\"{PROMPT}\",\"message\":{{\"tool_calls\":[{{\"x\":\"{PROMPT}\"}}]}}}}\n"
        )),
        Script::new().text(PROMPT).cut_in_frame(Cut::Close),
        Script::failing(Failure::status(401, format!("unknown key {KEY}"))),
        Script::new()
            .text(PROMPT)
            .error(Failure::status(500, format!("bad key {KEY}"))),
        Script::failing(Failure::body(
            502,
            "text/html",
            format!("<p>{PROMPT} {KEY}</p>"),
        )),
    ]
}

#[tokio::test]
async fn hazard_4_no_key_and_nothing_of_a_conversation_is_logged_or_in_an_error() {
    let log = Log::default();
    // For the whole process, as the server has it: what the other tests log may not have the key in it either.
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    for case in CASES {
        for script in scripts() {
            let shown = format!("{} {script:?}", case.protocol);
            let stage = case.stage_with(AnswerLimits::default()).await;
            stage.server.script(script);
            let told = told(stage.provider.answer(asking(PROMPT))).await;
            let Some(error) = told.error else {
                assert!(matches!(told.events.last(), Some(AnswerEvent::End(_))));
                continue;
            };
            let error = format!("{error} {error:?}");
            assert!(
                !error.contains(KEY) && !error.contains(PROMPT),
                "{shown}: {error}"
            );
        }
        let stage = case.stage().await;
        let _models = stage.provider.models().await;
        assert!(!format!("{:?}", stage.provider).contains(KEY));
    }
    let (found, lines) = &*log.0.lock().unwrap();
    assert!(*lines > 100, "the log works");
    assert_eq!(found, &[] as &[String]);
}
