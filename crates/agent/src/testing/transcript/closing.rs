//! Promises about the end of what a run wrote: whatever it left open, the history is one that a provider accepts.

use std::sync::Arc;

use runwright_proto::{
    ChangeKind, Finish, FinishReason, Message, Part, Reasoning, Role, ToolCall, ToolResult,
};

use super::{Fresh, message_event};
use crate::events::{EventSink, Pace};
use crate::testing::calls::{run_id, session_id};
use crate::transcript::NewSession;

pub(super) async fn a_run_that_wrote_nothing_has_nothing_to_end(fresh: Fresh) {
    fresh.session("s").await;
    let head = fresh.sink.head();
    assert_eq!(fresh.close("run", canceled()).await, None);
    let said = fresh
        .write(
            Some(&run_id("run")),
            "s",
            Role::User,
            vec![Part::text("hello")],
        )
        .await;
    assert_eq!(
        fresh.close("run", canceled()).await,
        None,
        "there is no answer"
    );
    assert_eq!(fresh.messages("s").await, [said]);
    assert_eq!(
        fresh.sink.since(head).len(),
        1,
        "the prompt alone is an event"
    );
}

pub(super) async fn what_is_finished_stays_as_it_is(fresh: Fresh) {
    fresh.session("s").await;
    let run = run_id("run");
    let parts = vec![
        reasoning(7),
        call("1", "{}", true),
        finish_part(FinishReason::ToolUse, 8),
    ];
    fresh.write(Some(&run), "s", Role::Assistant, parts).await;
    fresh
        .write(
            Some(&run),
            "s",
            Role::Tool,
            vec![result("1"), Part::Finish(Finish::stop())],
        )
        .await;
    let parts = vec![Part::text("done"), finish_part(FinishReason::EndTurn, 9)];
    let answer = fresh.write(Some(&run), "s", Role::Assistant, parts).await;
    let before = fresh.messages("s").await;
    let head = fresh.sink.head();
    fresh.clock.advance(1_000);

    assert_eq!(fresh.close("run", canceled()).await, Some(answer));
    assert_eq!(fresh.messages("s").await, before);
    assert_eq!(fresh.sink.since(head), [], "nothing changed");
}

pub(super) async fn what_a_run_left_open_is_ended_once(fresh: Fresh) {
    fresh.session("s").await;
    let run = run_id("run");
    let parts = vec![
        reasoning(0),
        Part::text("let me see"),
        call("answered", r#"{"path":"a"}"#, true),
        call("open", r#"{"path":"b"}"#, true),
        call("torn", r#"{"pa"#, false),
    ];
    let first = fresh.write(Some(&run), "s", Role::Assistant, parts).await;
    let answered = vec![result("answered"), Part::Finish(Finish::stop())];
    let tool = fresh.write(Some(&run), "s", Role::Tool, answered).await;
    let second = fresh.write(Some(&run), "s", Role::Assistant, vec![]).await;
    let head = fresh.sink.head();
    fresh.clock.advance(5_000);

    let now = fresh.now();
    let ended = |message: Message, parts| Message {
        parts,
        updated_at: now,
        ..message
    };
    let end = Part::Finish(Finish {
        time: now,
        ..canceled()
    });
    let first = ended(
        first,
        vec![
            reasoning(now),
            Part::text("let me see"),
            call("answered", r#"{"path":"a"}"#, true),
            call("open", r#"{"path":"b"}"#, true),
            call("torn", "{}", true),
            end.clone(),
        ],
    );
    let second = ended(second, vec![end]);
    assert_eq!(fresh.close("run", canceled()).await, Some(second.clone()));

    let messages = fresh.messages("s").await;
    assert_eq!(messages[..3], [first.clone(), tool, second.clone()]);
    let results = &messages[3..];
    check_error_results(results, &["open", "torn"], now);
    let updated = |message| message_event(ChangeKind::Updated, message, Some(&run), Pace::Now);
    let created = |message| message_event(ChangeKind::Created, message, Some(&run), Pace::Now);
    let events = [
        updated(&first),
        created(&results[0]),
        created(&results[1]),
        updated(&second),
    ];
    assert_eq!(fresh.sink.since(head), events);

    fresh.clock.advance(5_000);
    let failed = Finish {
        reason: FinishReason::Error,
        ..Finish::default()
    };
    assert_eq!(
        fresh.close("run", failed).await,
        Some(second),
        "the first end stands"
    );
    assert_eq!(fresh.messages("s").await, messages);
    assert_eq!(
        fresh.sink.since(head).len(),
        4,
        "the second end is not an event"
    );
}

/// Some providers count their calls from zero in each step.
pub(super) async fn a_result_answers_one_call(fresh: Fresh) {
    fresh.session("s").await;
    let run = run_id("run");
    let step = || vec![call("0", "{}", true), finish_part(FinishReason::ToolUse, 8)];
    fresh.write(Some(&run), "s", Role::Assistant, step()).await;
    fresh
        .write(
            Some(&run),
            "s",
            Role::Tool,
            vec![result("0"), Part::Finish(Finish::stop())],
        )
        .await;
    let last = fresh.write(Some(&run), "s", Role::Assistant, step()).await;
    assert_eq!(fresh.close("run", canceled()).await, Some(last));
    let messages = fresh.messages("s").await;
    check_error_results(&messages[3..], &["0"], fresh.now());
}

pub(super) async fn only_this_run_is_ended(fresh: Fresh) {
    fresh.session("s").await;
    let open = || vec![call("1", "{}", true)];
    fresh
        .write(Some(&run_id("other")), "s", Role::Assistant, open())
        .await;
    fresh.write(None, "s", Role::Assistant, open()).await;
    let before = fresh.messages("s").await;
    let mine = fresh
        .write(Some(&run_id("run")), "s", Role::Assistant, vec![])
        .await;
    let closed = fresh.close("run", canceled()).await;
    assert_eq!(closed.map(|message| message.id), Some(mine.id));
    let messages = fresh.messages("s").await;
    assert_eq!(messages[..2], before, "others go on");
    assert_eq!(messages.len(), 3);
}

pub(super) async fn what_a_sub_agent_wrote_is_ended_and_is_not_the_answer(fresh: Fresh) {
    fresh.session("s").await;
    let child = NewSession {
        parent: Some(session_id("s")),
        id: Some(session_id("child")),
        ..NewSession::default()
    };
    fresh
        .transcript
        .create_session(child)
        .await
        .expect("create_session");
    let run = run_id("run");
    fresh
        .write(Some(&run), "s", Role::User, vec![Part::text("hello")])
        .await;
    let answer = fresh
        .write(
            Some(&run),
            "s",
            Role::Assistant,
            vec![call("sub", "{}", true)],
        )
        .await;
    fresh
        .write(Some(&run), "child", Role::User, vec![Part::text("look")])
        .await;
    fresh
        .write(
            Some(&run),
            "child",
            Role::Assistant,
            vec![call("look", "{}", true)],
        )
        .await;

    let closed = fresh.close("run", canceled()).await;
    assert_eq!(closed.map(|message| message.id), Some(answer.id));
    let now = fresh.now();
    check_error_results(&fresh.messages("s").await[2..], &["sub"], now);
    let child = fresh.messages("child").await;
    assert_eq!(
        child[1].finish().map(|finish| finish.reason),
        Some(FinishReason::Canceled)
    );
    check_error_results(&child[2..], &["look"], now);
}

impl Fresh {
    async fn close(&self, run: &str, finish: Finish) -> Option<Message> {
        let closed = self.transcript.close_run(&run_id(run), finish).await;
        closed.expect("close_run")
    }
}

/// Error results of these calls in this order and nothing else; what they say is up to the implementation.
#[track_caller]
fn check_error_results(messages: &[Message], calls: &[&str], now: i64) {
    assert_eq!(messages.len(), calls.len(), "one result for each open call");
    for (message, call) in messages.iter().zip(calls) {
        let said: Option<Arc<str>> = message
            .tool_results()
            .map(|result| result.content.clone())
            .next();
        let said = said.unwrap_or_else(|| panic!("`{call}` has a result"));
        assert!(
            !said.is_empty(),
            "the result of `{call}` says what happened"
        );
        let result = ToolResult {
            tool_call_id: (*call).into(),
            name: "view".into(),
            content: said,
            is_error: true,
            ..ToolResult::default()
        };
        let expected = Message {
            parts: vec![Part::ToolResult(result), Part::Finish(Finish::stop())],
            ..Message::new(
                message.id.clone(),
                message.session_id.clone(),
                Role::Tool,
                now,
            )
        };
        assert_eq!(*message, expected);
    }
}

fn canceled() -> Finish {
    Finish {
        reason: FinishReason::Canceled,
        time: 1,
        message: "User canceled request".into(),
        details: Arc::default(),
    }
}

fn finish_part(reason: FinishReason, time: i64) -> Part {
    Part::Finish(Finish {
        reason,
        time,
        ..Finish::default()
    })
}

fn reasoning(finished_at: i64) -> Part {
    Part::Reasoning(Reasoning {
        thinking: "hm".into(),
        started_at: 6,
        finished_at,
        ..Reasoning::default()
    })
}

fn call(id: &str, input: &str, finished: bool) -> Part {
    Part::ToolCall(ToolCall {
        id: id.into(),
        name: "view".into(),
        input: input.into(),
        finished,
        ..ToolCall::default()
    })
}

fn result(id: &str) -> Part {
    Part::ToolResult(ToolResult {
        tool_call_id: id.into(),
        name: "view".into(),
        content: "text".into(),
        ..ToolResult::default()
    })
}
