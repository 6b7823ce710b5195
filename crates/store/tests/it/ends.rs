//! The end of a run, as those find it who look at the wrong moment.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use runwright_agent::testing::RecordingSink;
use runwright_agent::{EventSink, Publication, RunEnd, RunQuery};
use runwright_proto::{Event, RunId, RunState, Seq};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::stage::{DEMO, Opened, Stage, id, settings, workspace};

/// A log in which the end of a run is published when the test says so: the batch is on disk by then.
struct HeldSink {
    told: Arc<RecordingSink>,
    entered: Mutex<Option<oneshot::Sender<()>>>,
    release: Mutex<mpsc::Receiver<()>>,
}

impl EventSink for HeldSink {
    fn publish(&self, publication: Publication) -> Seq {
        self.told.publish(publication)
    }

    fn publish_at(&self, seq: Seq, publication: Publication) {
        if matches!(publication.event, Event::RunComplete(_))
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

/// The clock stands still while anybody reads from disk, so a second passes only when everybody waits for something
/// else.
#[tokio::test(start_paused = true)]
async fn whoever_reads_that_a_run_is_over_finds_its_end_published() {
    let stage = Stage::quiet();
    let (entered, published) = oneshot::channel();
    let (release, wait) = mpsc::channel();
    let sink = Arc::new(HeldSink {
        told: Arc::default(),
        entered: Mutex::new(Some(entered)),
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
    published.await.unwrap();
    let before = opened.sink.head();
    let second = Duration::from_secs(1);
    let early = timeout(second, journal.run(&run)).await;
    assert!(early.is_err(), "{early:?} before {:?}", opened.sink.head());
    let early = timeout(second, journal.runs(RunQuery::default())).await;
    assert!(early.is_err(), "{early:?} before {:?}", opened.sink.head());

    let (one, many) = (journal.run(&run), journal.runs(RunQuery::default()));
    let let_go = async { release.send(()).unwrap() };
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
