//! What a runner needs around it: a history in memory, a directory, and nobody who steers.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use runwright_agent::{
    AgentCall, Background, BackgroundWork, CancelToken, EventSink, FixedClock, MemoryTranscript,
    NewSession, Publication, RunContext, RunError, RunOutcome, Runner, SteeredPrompts, Timestamp,
    Transcript, TranscriptError, WorkspaceContext,
};
use runwright_proto::{AgentMessage, Environment, Message, Role, Seq, SessionId};
use runwright_runner::OfflineModel;
use tempfile::TempDir;

/// One session in one directory.
pub(crate) struct Stage {
    pub(crate) directory: TempDir,
    pub(crate) transcript: Arc<MemoryTranscript>,
    pub(crate) session: SessionId,
    /// Prompts that wait to be folded in, one batch for each time the runner asks.
    pub(crate) steered: Arc<Steered>,
}

#[derive(Default)]
struct Discard(AtomicU64);

impl EventSink for Discard {
    fn publish(&self, _publication: Publication) -> Seq {
        Seq(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn publish_at(&self, seq: Seq, _publication: Publication) {
        self.0.store(seq.0, Ordering::Relaxed);
    }

    fn head(&self) -> Seq {
        Seq(self.0.load(Ordering::Relaxed))
    }
}

/// Counts how often a runner asked for prompts to fold in.
#[derive(Default)]
pub(crate) struct Steered(pub(crate) Mutex<usize>);

#[async_trait]
impl SteeredPrompts for Steered {
    async fn fold(&self) -> Result<Vec<Arc<AgentCall>>, TranscriptError> {
        *self.0.lock().unwrap() += 1;
        Ok(Vec::new())
    }
}

/// The offline model leaves nothing behind.
struct NoBackground;

impl Background for NoBackground {
    fn spawn(&self, _work: BackgroundWork) {
        panic!("nothing is left behind");
    }
}

impl Stage {
    pub(crate) async fn new(files: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        for (name, content) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let clock = Arc::new(FixedClock(Timestamp(1_795_357_442_000)));
        let transcript = Arc::new(MemoryTranscript::new(Arc::new(Discard::default()), clock));
        let new = NewSession {
            title: "New Session".to_owned(),
            ..NewSession::default()
        };
        let session = transcript.create_session(new).await.unwrap().id;
        Self {
            directory,
            transcript,
            session,
            steered: Arc::default(),
        }
    }

    /// What a run of this prompt is given, its user message written.
    pub(crate) async fn context(&self, prompt: &str) -> RunContext {
        let message = AgentMessage {
            session_id: Some(self.session.clone()),
            prompt: prompt.to_owned(),
            ..AgentMessage::default()
        };
        let call = Arc::new(AgentCall::try_from(message).unwrap());
        let said = call.user_message(1_795_357_442);
        self.transcript
            .create_message(Some(call.run_id()), said)
            .await
            .unwrap();
        RunContext {
            call,
            cancel: CancelToken::new(),
            transcript: self.transcript.clone(),
            steering: self.steered.clone(),
            background: Arc::new(NoBackground),
            workspace: Arc::new(WorkspaceContext {
                path: self.directory.path().canonicalize().unwrap(),
                env: Environment::default(),
            }),
            clock: Arc::new(FixedClock(Timestamp(1_795_357_442_000))),
        }
    }

    pub(crate) async fn run(&self, prompt: &str) -> Result<RunOutcome, RunError> {
        OfflineModel::new().run(self.context(prompt).await).await
    }

    /// What the model has said, message by message.
    pub(crate) async fn answers(&self) -> Vec<String> {
        let messages = self.messages(Role::Assistant).await;
        let text = |message: &Message| message.text().map(ToString::to_string).unwrap_or_default();
        messages.iter().map(text).collect()
    }

    pub(crate) async fn messages(&self, role: Role) -> Vec<Message> {
        let messages = self.transcript.messages(&self.session).await.unwrap();
        messages
            .into_iter()
            .filter(|message| message.role == role)
            .collect()
    }

    pub(crate) async fn title(&self) -> String {
        self.transcript
            .session(&self.session)
            .await
            .unwrap()
            .unwrap()
            .title
    }
}
