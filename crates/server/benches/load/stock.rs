//! Owns what a data folder has in it before a server is started with it, put there by the store itself. It must never know
//! what is measured.

use std::{path::Path, sync::Arc};

use futures_util::future::try_join_all;
use runwright_agent::{
    AgentCall, Clock, EventSink, NewRun, NewSession, Pace, Publication, RunEnd, SystemClock,
};
use runwright_proto::{
    AgentMessage, Change, Event, Finish, Message, MessageId, OnLastDetach, Part, Role, RunComplete,
    RunId, RunState, Seq, SessionId, WorkspaceId,
};
use runwright_store::{Retention, Store, StoreOptions, StoredWorkspace, WorkspaceSettings};

use crate::Result;

/// How many wait for the disk at the same time.
const AT_ONCE: usize = 256;

/// How many events are on their way at the same time.
const EVENTS_AT_ONCE: usize = 1_000;

const PROMPT: &str = "Tidy up the parser, run the tests again, and tell me which of them fail now that did not fail before, \
     please; change no other file, and do not change the names of the rules that the documentation has.";
const ANSWER: &str = "The parser is tidy now, and all of the tests pass but two of them, which have failed before: they want \
     a network. I have changed three files, all of them in the directory of the parser, and no name of a rule.";

/// A data folder that is open, with one workspace.
struct Stock {
    store: Store,
    workspace: StoredWorkspace,
    id: WorkspaceId,
}

/// Nobody reads while it is stocked.
struct Nobody;

/// Puts so many sessions into a data folder, in the workspace of `path`, each with a run that has ended.
pub(crate) fn sessions(data: &Path, path: &Path, count: usize) -> Result<()> {
    runtime()?.block_on(async {
        let stock = Stock::open(data, path).await?;
        for part in 0..count.div_ceil(AT_ONCE) {
            let rest = count - part * AT_ONCE;
            let stories = (0..rest.min(AT_ONCE)).map(|_| stock.session_with_run());
            try_join_all(stories).await?;
        }
        stock.close().await;
        Ok(())
    })
}

/// Puts so many events into the log of the workspace of `path`, each some 240 bytes, and returns that workspace.
pub(crate) fn events(data: &Path, path: &Path, count: usize) -> Result<WorkspaceId> {
    runtime()?.block_on(async {
        let stock = Stock::open(data, path).await?;
        let session = SessionId::random();
        for event in 0..count {
            let ended = ended(&session, &RunId::generate());
            stock.workspace.events.announce(ended);
            if event % EVENTS_AT_ONCE == 0 {
                stock.workspace.events.flush().await?;
            }
        }
        stock.workspace.events.flush().await?;
        stock.close().await;
        Ok(stock.id)
    })
}

impl Stock {
    async fn open(data: &Path, path: &Path) -> Result<Self> {
        let options = StoreOptions {
            retention: Retention {
                workspace_bytes: 1 << 30,
                ..Retention::default()
            },
            ..StoreOptions::default()
        };
        let store = Store::open(data, options)?;
        let path = path.canonicalize()?;
        let id = WorkspaceId::of_path(&path);
        store.log_start(id, &path).await?;
        let settings = WorkspaceSettings {
            path,
            channels: Vec::new(),
            on_last_detach: OnLastDetach::Keep,
        };
        let workspace = store.open_workspace(id, settings, Arc::new(Nobody)).await?;
        Ok(Self {
            store,
            workspace,
            id,
        })
    }

    async fn close(&self) {
        self.workspace.events.close().await;
        self.store.close().await;
    }

    /// A session and its run, written as the backend and an agent write them.
    async fn session_with_run(&self) -> Result<()> {
        let (journal, transcript) = (&self.workspace.journal, &self.workspace.transcript);
        let new = NewSession {
            title: "Tidy up the parser".to_owned(),
            ..NewSession::default()
        };
        let session = transcript.create_session(new).await?.id;
        let call = Arc::new(AgentCall::try_from(AgentMessage {
            session_id: Some(session.clone()),
            prompt: PROMPT.to_owned(),
            ..AgentMessage::default()
        })?);
        let (run, now) = (call.run_id(), SystemClock.now().seconds());
        let new = NewRun {
            call: Arc::clone(&call),
            position: 0,
        };
        journal.accept(new).await?;
        let prompt = call.user_message(now);
        transcript.create_message(Some(run), prompt).await?;
        journal.start(run).await?;
        let mut answer = Message::new(MessageId::generate(), session, Role::Assistant, now);
        answer.parts = vec![Part::text(ANSWER), Part::Finish(Finish::stop())];
        transcript.create_message(Some(run), answer.clone()).await?;
        let end = RunEnd {
            text: answer.text().cloned(),
            message_id: Some(answer.id),
            session_title: "Tidy up the parser".to_owned(),
            ..RunEnd::new(RunState::Completed)
        };
        journal.finish(run, end).await?;
        Ok(())
    }
}

fn ended(session: &SessionId, run: &RunId) -> Publication {
    let end = RunComplete::new(session.clone(), run.clone(), RunState::Completed);
    Publication {
        event: Event::RunComplete(Change::updated(end)),
        run: Some(run.clone()),
        pace: Pace::Now,
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?)
}

impl EventSink for Nobody {
    fn publish(&self, _: Publication) -> Seq {
        Seq::ZERO
    }

    fn publish_at(&self, _: Seq, _: Publication) {}

    fn head(&self) -> Seq {
        Seq::ZERO
    }
}
