//! Answers that come: what is asked, what is shown of them and when, and what they cost.

use std::time::Duration;

use runwright_agent::{RunOutcome, Runner};
use runwright_proto::{CatwalkModel, SelectedModel, Usage};
use runwright_runner::{
    AnswerEvent, AssistantPart, ModelSpec, RequestMessage, StopReason, ToolAnswer, UserPart,
};
use tokio::time::{Instant, sleep};

use super::stage::Stage;

fn asked(texts: &[&str]) -> RequestMessage {
    let part = |text: &&str| UserPart::Text((*text).to_owned());
    RequestMessage::User(texts.iter().map(part).collect())
}

fn answered(text: &str) -> RequestMessage {
    RequestMessage::Assistant(vec![AssistantPart::Text(text.to_owned())])
}

#[tokio::test(start_paused = true)]
async fn an_answer_becomes_a_message_with_its_usage_and_its_cost() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello").await;
    let request = stage.large.next().await;
    assert_eq!(request.request.messages, [asked(&["hello"])]);
    assert!(request.request.system.contains("`/srv/demo`"));
    request.event(AnswerEvent::Reasoning("hm".to_owned()));
    request.text("Hi ");
    request.text("there");
    request.used(100, 10);
    request.end(StopReason::EndTurn);

    let usage = Usage {
        input_tokens: 100,
        output_tokens: 10,
        cost: 0.0012,
        ..Usage::default()
    };
    let outcome = RunOutcome {
        usage: Some(usage),
        reason: None,
    };
    assert_eq!(turn.ended().await.unwrap(), outcome);
    assert_eq!(
        stage.history().await,
        [
            "user `hello` [stop]",
            "assistant (hm) `Hi there` [end_turn]"
        ]
    );
    let session = stage.session().await;
    assert_eq!(
        (
            session.prompt_tokens,
            session.completion_tokens,
            session.cost
        ),
        (100, 10, 0.0012)
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_turn_reads_what_was_said_before() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("one").await;
    stage.large.next().await.say("first");
    turn.ended().await.unwrap();
    let turn = stage.begin("two").await;
    let request = stage.large.next().await;
    assert_eq!(
        request.request.messages,
        [asked(&["one"]), answered("first"), asked(&["two"])]
    );
    request.say("second");
    turn.ended().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_first_piece_is_shown_at_once_and_later_ones_together() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello").await;
    let request = stage.large.next().await;
    let began = Instant::now();
    for piece in ["a", "b", "c", "d"] {
        request.text(piece);
        // Lets the turn take the piece in before the next one comes.
        sleep(Duration::from_millis(6)).await;
    }
    assert_eq!(began.elapsed(), Duration::from_millis(24));
    assert_eq!(
        stage.story()[2..],
        ["assistant `a`", "assistant `abc`"],
        "after 16 ms"
    );
    request.text("e");
    request.end(StopReason::EndTurn);
    turn.ended().await.unwrap();
    let story = stage.story();
    assert_eq!(
        story[4..],
        ["assistant `abcde`", "assistant `abcde` [end_turn]"]
    );
}

#[tokio::test(start_paused = true)]
async fn why_the_model_stopped_is_told_where_it_is_worth_it() {
    let cases = [
        (StopReason::EndTurn, "end_turn", None),
        (StopReason::ToolUse, "end_turn", None),
        (StopReason::MaxTokens, "max_tokens", Some("max_tokens")),
        (
            StopReason::ContentFilter,
            "content_filter",
            Some("content_filter"),
        ),
        (
            StopReason::Other("pause".to_owned()),
            "unknown",
            Some("pause"),
        ),
    ];
    for (reason, finish, told) in cases {
        let mut stage = Stage::new().await;
        let turn = stage.begin("hello").await;
        let request = stage.large.next().await;
        request.text("Hi");
        request.end(reason);
        let outcome = turn.ended().await.unwrap();
        assert_eq!(outcome.reason.as_deref(), told);
        assert_eq!(outcome.usage, None, "nobody said what was used");
        assert_eq!(
            stage.history().await[1],
            format!("assistant `Hi` [{finish}]")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_tool_is_refused_and_the_prompt_that_steers_is_in_the_next_request() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("look").await;
    let request = stage.large.next().await;
    request.text("I look");
    request.call("c1", "{\"command\":");
    request.call("c1", "\"ls\"}");
    request.call("c2", "[1]");
    stage.steer("and be brief");
    request.end(StopReason::ToolUse);

    let request = stage.large.next().await;
    let call = |id: &str, input: &str| AssistantPart::ToolCall {
        id: id.into(),
        name: "bash".into(),
        input: input.into(),
    };
    let answer = |id: &str, content: &str| ToolAnswer {
        call_id: id.into(),
        name: "bash".into(),
        content: content.to_owned(),
        is_error: true,
    };
    let no_tool = "There is no tool `bash`: no tools are available here.";
    let no_object = "The arguments are not the text of a JSON object.";
    let expected = [
        asked(&["look"]),
        RequestMessage::Assistant(vec![
            AssistantPart::Text("I look".to_owned()),
            call("c1", "{\"command\":\"ls\"}"),
            call("c2", "{}"),
        ]),
        RequestMessage::Tools(vec![answer("c1", no_tool), answer("c2", no_object)]),
        asked(&["and be brief"]),
    ];
    assert_eq!(request.request.messages, expected);
    request.say("I cannot.");
    turn.ended().await.unwrap();
    assert_eq!(
        stage.history().await,
        [
            "user `look` [stop]",
            "assistant `I look` bash{\"command\":\"ls\"} bash{} [tool_use]",
            &format!("tool -> {no_tool} [stop]"),
            &format!("tool -> {no_object} [stop]"),
            "user `and be brief` [stop]",
            "assistant `I cannot.` [end_turn]",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_model_that_does_nothing_but_call_tools_is_stopped() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("look").await;
    for id in ["1", "2", "3", "4", "5"] {
        let request = stage.large.next().await;
        request.call(id, "{}");
        request.end(StopReason::ToolUse);
    }
    assert_eq!(
        turn.failure().await,
        "Model is stuck: it calls tools again and again, and there are none"
    );
    stage.large.assert_none();
}

#[tokio::test(start_paused = true)]
async fn a_model_that_runs_out_of_tokens_in_a_call_does_not_go_on() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("look").await;
    let request = stage.large.next().await;
    request.call("1", "{\"comm");
    request.end(StopReason::MaxTokens);
    let outcome = turn.ended().await.unwrap();
    assert_eq!(outcome.reason.as_deref(), Some("max_tokens"));
    assert_eq!(
        stage.history().await[1..],
        [
            "assistant bash{} [max_tokens]",
            "tool -> The arguments are not the text of a JSON object. [stop]",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_count_leaves_an_estimate_of_the_context() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello").await;
    stage.large.next().await.say("eight by");
    turn.ended().await.unwrap();
    let session = stage.session().await;
    assert_eq!((session.completion_tokens, session.cost), (2, 0.0));
    assert!(session.prompt_tokens > 50, "the instructions count too");
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_no_silence() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello").await;
    let request = stage.large.next().await;
    for _ in 0..10 {
        sleep(Duration::from_secs(119)).await;
        request.text("a");
    }
    request.end(StopReason::EndTurn);
    turn.ended().await.unwrap();
    assert_eq!(
        stage.history().await[1],
        "assistant `aaaaaaaaaa` [end_turn]"
    );
}

#[tokio::test]
async fn both_models_are_described_as_they_are_configured() {
    let mut stage = Stage::new().await;
    stage.options.large = ModelSpec {
        context_window: 128_000,
        max_output_tokens: Some(8_000),
        images: true,
        ..stage.options.large
    };
    let runner = stage.runner();
    let model = runner.model();
    let expected = CatwalkModel {
        id: "large".to_owned(),
        name: "large".to_owned(),
        cost_per_1m_in: 10.0,
        cost_per_1m_out: 20.0,
        context_window: 128_000,
        default_max_tokens: 8_000,
        supports_attachments: true,
        ..CatwalkModel::default()
    };
    assert_eq!(model.model, expected);
    let config = SelectedModel {
        model: "large".to_owned(),
        provider: "fake".to_owned(),
        max_tokens: 8_000,
        ..SelectedModel::default()
    };
    assert_eq!(model.config, config);
    assert_eq!(runner.small_model().config.model, "small");
}
