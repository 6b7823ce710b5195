//! Titles of sessions: asked for beside the first turn, by the small model, and never in its way.

use runwright_agent::{NewSession, SessionChange, Spent, Transcript};
use runwright_proto::SessionId;
use runwright_runner::{ProviderErrorKind, RequestMessage, StopReason, UserPart};

use super::stage::Stage;

#[tokio::test(start_paused = true)]
async fn the_small_model_names_a_session_and_the_turn_does_not_wait_for_it() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("fix the tests").await;
    stage.large.next().await.say("done");
    turn.ended().await.unwrap();
    assert_eq!(stage.session().await.title, "New Session");

    let asked = stage.small.next().await;
    let prompt = UserPart::Text("fix the tests".to_owned());
    assert_eq!(asked.request.messages, [RequestMessage::User(vec![prompt])]);
    asked.text("\"Fixing\n");
    asked.text("the tests\"");
    asked.used(1_000, 10);
    asked.end(StopReason::EndTurn);
    stage.background_is_done().await;
    let session = stage.session().await;
    assert_eq!(session.title, "Fixing the tests");
    assert!((session.cost - 0.00102).abs() < 1e-12, "{}", session.cost);
}

#[tokio::test(start_paused = true)]
async fn a_title_and_a_step_at_the_same_moment_lose_nothing_of_each_other() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello").await;
    let (large, small) = (stage.large.next().await, stage.small.next().await);
    large.used(100, 10);
    small.used(1_000, 10);
    large.text("Hi");
    small.text("Greeting");
    large.end(StopReason::EndTurn);
    small.end(StopReason::EndTurn);
    turn.ended().await.unwrap();
    stage.background_is_done().await;
    let session = stage.session().await;
    assert_eq!(
        (
            &*session.title,
            session.prompt_tokens,
            session.completion_tokens
        ),
        ("Greeting", 100, 10),
        "the tokens are those of the step"
    );
    assert!((session.cost - (0.0012 + 0.00102)).abs() < 1e-12);
}

#[tokio::test(start_paused = true)]
async fn the_large_model_helps_out_and_the_prompt_after_that() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("hello\nthere").await;
    stage.large.next().await.say("Hi");
    turn.ended().await.unwrap();
    stage
        .small
        .next()
        .await
        .fail(ProviderErrorKind::Refused, "no such model");
    stage.large.next().await.say("<think>I do not kn");
    stage.background_is_done().await;
    assert_eq!(stage.session().await.title, "hello there");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_never_answers_leaves_the_prompt_as_the_title() {
    let mut stage = Stage::new().await;
    stage.options.small = stage.options.large.clone();
    let turn = stage.begin("hello").await;
    stage.large.next().await.say("Hi");
    turn.ended().await.unwrap();
    let asked = stage.large.next().await;
    asked.dropped().await;
    stage.background_is_done().await;
    stage.large.assert_none();
    assert_eq!(stage.session().await.title, "hello");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_named_once() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("one").await;
    stage.large.next().await.say("1");
    stage.small.next().await.say("First");
    turn.ended().await.unwrap();
    let turn = stage.begin("two").await;
    stage.large.next().await.say("2");
    turn.ended().await.unwrap();
    stage.background_is_done().await;
    stage.small.assert_none();
    assert_eq!(stage.session().await.title, "First");
}

#[tokio::test(start_paused = true)]
async fn prompts_that_were_folded_into_the_first_turn_do_not_keep_it_from_a_title() {
    let mut stage = Stage::new().await;
    stage.steer("quickly");
    let turn = stage.begin("one").await;
    stage.large.next().await.say("1");
    stage.small.next().await.say("First");
    turn.ended().await.unwrap();
    stage.background_is_done().await;
    assert_eq!(stage.session().await.title, "First");
}

#[tokio::test(start_paused = true)]
async fn the_session_of_a_sub_agent_keeps_its_title() {
    let parent = SessionId::random();
    let mut stage = Stage::with(NewSession {
        title: "Agent".to_owned(),
        parent: Some(parent),
        ..NewSession::default()
    })
    .await;
    let turn = stage.begin("one").await;
    stage.large.next().await.say("1");
    turn.ended().await.unwrap();
    stage.small.assert_none();
}

#[tokio::test(start_paused = true)]
async fn a_title_for_a_session_that_is_gone_is_nothing() {
    let mut stage = Stage::new().await;
    let turn = stage.begin("one").await;
    stage.large.next().await.say("1");
    turn.ended().await.unwrap();
    let asked = stage.small.next().await;
    stage
        .transcript
        .delete_session(&stage.session)
        .await
        .unwrap();
    asked.say("First");
    stage.background_is_done().await;
    let change = SessionChange {
        spent: Some(Spent::default()),
        ..SessionChange::default()
    };
    stage
        .transcript
        .change_session(&stage.session, change)
        .await
        .unwrap_err();
}
