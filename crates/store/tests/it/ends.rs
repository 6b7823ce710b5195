//! The end of a run, as those find it who look at the wrong moment.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures_util::FutureExt;
use runwright_agent::testing::RecordingSink;
use runwright_agent::{EventSink, Pace, Publication, RunEnd, RunQuery, TranscriptError};
use runwright_proto::{
    Change, Event, Finish, FinishReason, Message, MessageId, Part, Role, RunId, RunState, Seq,
    SkillsEvent, ToolCall,
};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::stage::{DEMO, Opened, Stage, id, settings, workspace};

/// A log in which the first event of a kind is published when the test says so: its batch is on disk by then, and no
/// other one begins.
struct HeldSink {
    told: Arc<RecordingSink>,
    kind: &'static str,
    entered: Mutex<Option<oneshot::Sender<()>>>,
    release: Mutex<mpsc::Receiver<()>>,
}

/// The writer of a workspace, as the test holds it.
struct Held {
    /// Completes when the event is to be published.
    entered: oneshot::Receiver<()>,
    /// Lets it be published.
    release: mpsc::Sender<()>,
}

impl EventSink for HeldSink {
    fn publish(&self, publication: Publication) -> Seq {
        self.told.publish(publication)
    }

    fn publish_at(&self, seq: Seq, publication: Publication) {
        if publication.event.kind() == self.kind
            && let Some(entered) = self.entered.lock().unwrap().take()
        {
            entered.send(()).unwrap();
            self.release.lock().unwrap().recv().unwrap();
        }
        self.told.publish_at(seq, publication);
    }

    fn head(&self) -> Seq {
        self.told.head()
    }
}

/// The usual workspace, whose writer stops at the first event of this kind.
async fn open_held(stage: &Stage, kind: &'static str) -> (Opened, Held) {
    let (enter, entered) = oneshot::channel();
    let (release, wait) = mpsc::channel();
    let sink = Arc::new(HeldSink {
        told: Arc::default(),
        kind,
        entered: Mutex::new(Some(enter)),
        release: Mutex::new(wait),
    });
    let start = stage.store.log_start(workspace(DEMO), DEMO.as_ref());
    let (epoch, next) = start.await.unwrap();
    let parts = stage
        .store
        .open_workspace(workspace(DEMO), settings(DEMO), sink.clone());
    let opened = Opened {
        parts: parts.await.unwrap(),
        sink: sink.told.clone(),
        epoch,
        next,
    };
    (opened, Held { entered, release })
}

// In these tests the clock stands still while anybody reads from disk, so that a second passes only when everybody waits
// for something else.
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn whoever_reads_that_a_run_is_over_finds_its_end_published() {
    let stage = Stage::quiet();
    let (opened, held) = open_held(&stage, "run_complete").await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let journal = &opened.parts.journal;
    let run: RunId = id("run");
    let mut ending = JoinSet::new();
    ending.spawn({
        let (journal, run) = (journal.clone(), run.clone());
        let end = RunEnd::new(RunState::Completed);
        async move { journal.finish(&run, end).await.unwrap() }
    });
    held.entered.await.unwrap();
    let before = opened.sink.head();
    let early = timeout(SECOND, journal.run(&run)).await;
    assert!(early.is_err(), "{early:?} before {:?}", opened.sink.head());
    let early = timeout(SECOND, journal.runs(RunQuery::default())).await;
    assert!(early.is_err(), "{early:?} before {:?}", opened.sink.head());

    let (one, many) = (journal.run(&run), journal.runs(RunQuery::default()));
    let let_go = async { held.release.send(()).unwrap() };
    let (one, many, ()) = tokio::join!(one, many, let_go);
    let (one, many) = (one.unwrap().unwrap(), many.unwrap().runs);
    assert_eq!((one.state, &many[..]), (RunState::Completed, &[one][..]));
    let told = opened.sink.since(before);
    assert!(
        matches!(&told[0].event, Event::RunComplete(end) if end.payload.run_id.as_ref() == Some(&run)),
        "{told:?}"
    );
    assert_eq!(ending.join_all().await, [true]);
}

/// Stops the writer, lets a run leave something in its queue, and ends the run meanwhile. Returns its answer.
async fn ended_behind(
    (opened, held): (&Opened, Held),
    left: impl Future<Output = Result<(), TranscriptError>>,
) -> Message {
    let event = Event::SkillsEvent(Change::updated(SkillsEvent::default()));
    opened.parts.events.announce(Publication {
        event,
        run: None,
        pace: Pace::Now,
    });
    held.entered.await.unwrap();
    // As if a runner were aborted here: nobody waits for it.
    assert!(left.now_or_never().is_none());
    let transcript = opened.parts.transcript.clone();
    let mut closing = JoinSet::new();
    closing.spawn(async move {
        let cut = Finish {
            reason: FinishReason::Canceled,
            ..Finish::default()
        };
        transcript.close_run(&id("run"), cut).await.unwrap()
    });
    let early = timeout(SECOND, closing.join_next()).await;
    held.release.send(()).unwrap();
    assert!(early.is_err(), "{early:?} before what was left is there");
    let closed = closing.join_next().await.unwrap();
    closed.unwrap().expect("the run has an answer")
}

/// Everything that the run wrote is ended, and nothing comes afterwards.
async fn is_over(opened: &Opened, answer: &Message) {
    opened.flush().await;
    let messages = opened.messages("s").await;
    assert!(messages.contains(answer), "{messages:?}");
    assert!(
        messages.iter().all(|message| message.finish().is_some()),
        "{messages:?}"
    );
    let answered: Vec<_> = messages.iter().flat_map(Message::tool_results).collect();
    for call in messages.iter().flat_map(Message::tool_calls) {
        assert!(call.finished, "{call:?}");
        assert!(answered.iter().any(|result| result.tool_call_id == call.id));
    }
}

fn call(finished: bool) -> Part {
    Part::ToolCall(ToolCall {
        id: "c1".into(),
        name: "read".into(),
        finished,
        ..ToolCall::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_left_in_the_queue_is_closed_with_its_run() {
    let stage = Stage::quiet();
    let (opened, held) = open_held(&stage, "skills_event").await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let message = Message {
        parts: vec![Part::text("let me s"), call(false)],
        ..Message::new(MessageId::generate(), id("s"), Role::Assistant, 7)
    };
    let (transcript, run) = (opened.parts.transcript.clone(), id("run"));
    let left = transcript.create_message(Some(&run), message.clone());
    let answer = ended_behind((&opened, held), left).await;
    assert_eq!(answer.id, message.id);
    is_over(&opened, &answer).await;
}

#[tokio::test(start_paused = true)]
async fn a_state_of_a_message_that_was_left_in_the_queue_is_closed_with_its_run() {
    let stage = Stage::quiet();
    let (opened, held) = open_held(&stage, "skills_event").await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let end = Part::Finish(Finish::stop());
    let parts = vec![Part::text("done"), end.clone()];
    let message = opened.add(Some("run"), "s", Role::Assistant, parts).await;
    let transcript = opened.parts.transcript.clone();
    let reopened = Message {
        parts: vec![Part::text("or not"), call(true), end],
        ..message.clone()
    };
    let left = transcript.update_message(reopened, Pace::Now);
    let answer = ended_behind((&opened, held), left).await;
    assert_eq!(
        answer.text().map(ToString::to_string),
        Some("or not".into())
    );
    is_over(&opened, &answer).await;
}
