//! What the offline model says and does.

use std::time::Duration;

use runwright_agent::{CancelReason, RunError, Runner, Transcript};
use runwright_proto::{FinishReason, Role, Usage};
use runwright_runner::OfflineModel;
use tokio::time::Instant;

use crate::stage::Stage;

#[tokio::test(start_paused = true)]
async fn it_says_plainly_that_it_is_the_offline_model() {
    let stage = Stage::new(&[]).await;
    stage.run("write me a poem").await.unwrap();
    let answers = stage.answers().await;
    assert!(
        answers[0].starts_with("I am Runwright's offline model: no model provider is configured")
    );
    assert_eq!(stage.title().await, "write me a poem");
}

#[tokio::test(start_paused = true)]
async fn it_says_as_many_words_as_it_is_told_at_the_pace_it_is_told() {
    let stage = Stage::new(&[]).await;
    let began = Instant::now();
    let outcome = stage.run("hello [[say 5]] [[delay 20]]").await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_millis(100));
    assert_eq!(stage.answers().await, ["word0 word1 word2 word3 word4 "]);
    assert_eq!(stage.title().await, "hello");
    let usage = Usage {
        input_tokens: 5,
        output_tokens: 5,
        ..Usage::default()
    };
    assert_eq!(outcome.usage, Some(usage));
    let session = stage
        .transcript
        .session(&stage.session)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((session.prompt_tokens, session.completion_tokens), (5, 5));
    let finish = stage.messages(Role::Assistant).await[0]
        .finish()
        .cloned()
        .unwrap();
    assert_eq!(finish.reason, FinishReason::EndTurn);
}

#[tokio::test(start_paused = true)]
async fn the_same_prompt_gets_the_same_answer() {
    let files = [("a.txt", "one\ntwo\n"), ("b/c.txt", "three\n")];
    let prompts = [
        "list the files",
        "how many lines are there?",
        "read a.txt",
        "what are you?",
    ];
    for prompt in prompts {
        let mut answers = Vec::new();
        for _ in 0..2 {
            let stage = Stage::new(&files).await;
            stage.run(prompt).await.unwrap();
            answers.push(stage.answers().await);
        }
        assert_eq!(answers[0], answers[1], "{prompt}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_answers_questions_about_the_workspace() {
    let files = [
        ("README.md", "# Demo\n\nhello\n"),
        ("src/lib.rs", "//! a\n"),
        (".hidden", "x\n"),
        ("blob.bin", "\u{0}"),
    ];
    let cases = [
        (
            "list the files",
            "This workspace has:\nREADME.md\nblob.bin\nsrc/",
        ),
        ("how many files are there?", "This workspace has 3 files."),
        ("how many lines has README.md?", "`README.md` has 3 lines."),
        (
            "count the lines",
            "The 3 text files of this workspace have 5 lines.",
        ),
        ("read src/lib.rs", "`src/lib.rs`:\n//! a\n"),
        (
            "read nothing.txt",
            "There is no file `nothing.txt` in this workspace that I can read.",
        ),
        (
            "read ../../../../../../etc/hostname",
            "`../../../../../../etc/hostname` is outside of this workspace, so I do not look at it.",
        ),
    ];
    for (prompt, expected) in cases {
        let stage = Stage::new(&files).await;
        stage.run(prompt).await.unwrap();
        assert_eq!(stage.answers().await, [expected], "{prompt}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_read_is_noted() {
    let stage = Stage::new(&[("a.txt", "one\n")]).await;
    stage.run("read a.txt").await.unwrap();
    let read = stage.transcript.files_read(&stage.session).await.unwrap();
    let path = stage.directory.path().canonicalize().unwrap().join("a.txt");
    assert_eq!(
        read.into_iter().map(|(path, _)| path).collect::<Vec<_>>(),
        [path.to_string_lossy()]
    );
}

#[tokio::test(start_paused = true)]
async fn it_fails_in_the_words_of_the_prompt_after_it_has_spoken() {
    let stage = Stage::new(&[]).await;
    let error = stage
        .run("[[say 2]] [[fail out of coffee]]")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "Offline model failure: out of coffee");
    assert_eq!(stage.answers().await, ["word0 word1 "]);
}

#[tokio::test(start_paused = true)]
async fn it_panics_when_it_is_told_to() {
    let stage = Stage::new(&[]).await;
    let context = stage.context("[[panic]]").await;
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { OfflineModel::new().run(context).await });
    assert!(tasks.join_next().await.unwrap().unwrap_err().is_panic());
}

#[tokio::test(start_paused = true)]
async fn it_stops_between_two_words_when_it_is_asked_to() {
    let stage = Stage::new(&[]).await;
    let context = stage.context("[[say 100]] [[delay 1000]]").await;
    let cancel = context.cancel.clone();
    let asks = async move {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        cancel.cancel(CancelReason::Requested);
    };
    let model = OfflineModel::new();
    let (ended, ()) = tokio::join!(model.run(context), asks);
    assert!(matches!(ended, Err(RunError::Cancelled)));
    assert_eq!(stage.answers().await, ["word0 word1 "]);
}

#[tokio::test(start_paused = true)]
async fn it_does_not_hear_while_it_hangs() {
    let stage = Stage::new(&[]).await;
    let context = stage.context("[[hang]]").await;
    context.cancel.cancel(CancelReason::Requested);
    let model = OfflineModel::new();
    let ended = tokio::time::timeout(Duration::from_secs(3600), model.run(context)).await;
    assert!(ended.is_err(), "it still hangs after an hour");
}

#[tokio::test(start_paused = true)]
async fn it_asks_for_prompts_that_steer_before_each_step() {
    let stage = Stage::new(&[]).await;
    stage.run("[[steps 3]] [[say 1]]").await.unwrap();
    assert_eq!(*stage.steered.0.lock().unwrap(), 3);
    assert_eq!(stage.answers().await, ["word0 ", "word0 ", "word0 "]);
}

#[tokio::test(start_paused = true)]
async fn only_the_first_prompt_names_the_session() {
    let stage = Stage::new(&[]).await;
    stage.run("first words [[say 1]]").await.unwrap();
    stage.run("other words [[say 1]]").await.unwrap();
    assert_eq!(stage.title().await, "first words");
}
