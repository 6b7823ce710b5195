//! A session in memory, and a turn in it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use runwright_agent::{
    AgentCall, Background, BackgroundWork, CancelReason, CancelToken, EventSink, FixedClock,
    MemoryTranscript, NewSession, Publication, RunContext, RunError, RunOutcome, Runner,
    SteeredPrompts, Timestamp, Transcript, TranscriptError, WorkspaceContext,
};
use runwright_proto::{
    AgentMessage, Environment, Event, Finish, FinishReason, Message, Part, Seq, Session, SessionId,
};
use runwright_runner::{ModelOptions, ModelRunner, ModelSpec, Prices};
use tokio::task::JoinSet;

use super::provider::{FakeProvider, Requests};

const NOW: i64 = 1_795_357_442;

/// One session, its history in memory, and the models that answer in it.
pub(crate) struct Stage {
    pub(crate) transcript: Arc<MemoryTranscript>,
    pub(crate) session: SessionId,
    pub(crate) provider: FakeProvider,
    /// What the large model is asked.
    pub(crate) large: Requests,
    /// What the small model is asked: titles.
    pub(crate) small: Requests,
    /// Prompts that wait to be folded in.
    pub(crate) steering: Arc<Waiting>,
    pub(crate) options: ModelOptions,
    background: Arc<Tasks>,
    told: Arc<Told>,
}

/// Keeps what is published.
#[derive(Default)]
struct Told(Mutex<Vec<Publication>>);

impl EventSink for Told {
    fn publish(&self, publication: Publication) -> Seq {
        self.0.lock().unwrap().push(publication);
        self.head()
    }

    fn publish_at(&self, _seq: Seq, publication: Publication) {
        self.publish(publication);
    }

    fn head(&self) -> Seq {
        Seq(self.0.lock().unwrap().len() as u64)
    }
}

/// Tasks beside the turn.
#[derive(Default)]
struct Tasks {
    tasks: Mutex<JoinSet<()>>,
    transcript: Mutex<Option<Arc<MemoryTranscript>>>,
}

impl Background for Tasks {
    fn spawn(&self, work: BackgroundWork) {
        let transcript = self.transcript.lock().unwrap().clone().unwrap();
        self.tasks.lock().unwrap().spawn(work(transcript));
    }
}

/// Prompts that wait to be folded in, with the history that they go into.
#[derive(Default)]
pub(crate) struct Waiting {
    prompts: Mutex<Vec<Arc<AgentCall>>>,
    transcript: Mutex<Option<Arc<MemoryTranscript>>>,
}

#[async_trait]
impl SteeredPrompts for Waiting {
    async fn fold(&self) -> Result<Vec<Arc<AgentCall>>, TranscriptError> {
        let prompts = std::mem::take(&mut *self.prompts.lock().unwrap());
        let transcript = self.transcript.lock().unwrap().clone().unwrap();
        for prompt in &prompts {
            let run = Some(prompt.run_id());
            transcript
                .create_message(run, prompt.user_message(NOW))
                .await?;
        }
        Ok(prompts)
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(NewSession {
            title: "New Session".to_owned(),
            ..NewSession::default()
        })
        .await
    }

    pub(crate) async fn with(new: NewSession) -> Self {
        let told = Arc::new(Told::default());
        let clock = Arc::new(FixedClock(Timestamp(NOW * 1_000)));
        let transcript = Arc::new(MemoryTranscript::new(told.clone(), clock));
        let session = transcript.create_session(new).await.unwrap().id;
        let provider = FakeProvider::default();
        let steering = Arc::new(Waiting::default());
        *steering.transcript.lock().unwrap() = Some(transcript.clone());
        let background = Arc::new(Tasks::default());
        *background.transcript.lock().unwrap() = Some(transcript.clone());
        Self {
            large: provider.requests("large"),
            small: provider.requests("small"),
            options: ModelOptions {
                large: spec("large", 10.0),
                small: spec("small", 1.0),
                ..ModelOptions::default()
            },
            transcript,
            session,
            provider,
            steering,
            background,
            told,
        }
    }

    pub(crate) fn runner(&self) -> ModelRunner {
        ModelRunner::new(Arc::new(self.provider.clone()), self.options.clone())
    }

    pub(crate) fn call(&self, prompt: &str) -> AgentCall {
        let message = AgentMessage {
            session_id: Some(self.session.clone()),
            prompt: prompt.to_owned(),
            ..AgentMessage::default()
        };
        AgentCall::try_from(message).unwrap()
    }

    /// What a run of this prompt is given, its user message written.
    pub(crate) async fn context(&self, prompt: &str) -> RunContext {
        let call = Arc::new(self.call(prompt));
        let said = call.user_message(NOW);
        self.transcript
            .create_message(Some(call.run_id()), said)
            .await
            .unwrap();
        RunContext {
            call,
            cancel: CancelToken::new(),
            transcript: self.transcript.clone(),
            steering: self.steering.clone(),
            background: self.background.clone(),
            workspace: Arc::new(WorkspaceContext {
                path: "/srv/demo".into(),
                env: Environment::default(),
            }),
            clock: Arc::new(FixedClock(Timestamp(NOW * 1_000))),
        }
    }

    /// Begins a turn, which goes on beside the test, and ends its run as the house does.
    pub(crate) async fn begin(&self, prompt: &str) -> Turn {
        let cx = self.context(prompt).await;
        let (runner, cancel) = (self.runner(), cx.cancel.clone());
        let mut task = JoinSet::new();
        task.spawn(async move {
            let (run, transcript) = (cx.call.run_id().clone(), cx.transcript.clone());
            let ended = runner.run(cx).await;
            let finish = finish_of(&ended);
            transcript.close_run(&run, finish).await.unwrap();
            ended
        });
        Turn { cancel, task }
    }

    /// Leaves a prompt that wants to be folded in.
    pub(crate) fn steer(&self, prompt: &str) {
        let call = Arc::new(self.call(prompt));
        self.steering.prompts.lock().unwrap().push(call);
    }

    /// Waits for the tasks beside the turns.
    pub(crate) async fn background_is_done(&self) {
        let mut tasks = std::mem::take(&mut *self.background.tasks.lock().unwrap());
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
    }

    pub(crate) async fn session(&self) -> Session {
        self.transcript
            .session(&self.session)
            .await
            .unwrap()
            .unwrap()
    }

    /// The history, a line a message.
    pub(crate) async fn history(&self) -> Vec<String> {
        let messages = self.transcript.messages(&self.session).await.unwrap();
        messages.iter().map(shown).collect()
    }

    /// What was published of messages, a line each.
    pub(crate) fn story(&self) -> Vec<String> {
        let told = self.told.0.lock().unwrap();
        let line = |publication: &Publication| {
            let Event::Message(change) = &publication.event else {
                return None;
            };
            Some(shown(&change.payload))
        };
        told.iter().filter_map(line).collect()
    }
}

fn spec(id: &str, price: f64) -> ModelSpec {
    ModelSpec {
        id: id.to_owned(),
        prices: Prices {
            input: price,
            output: 2.0 * price,
            ..Prices::default()
        },
        ..ModelSpec::default()
    }
}

fn finish_of(ended: &Result<RunOutcome, RunError>) -> Finish {
    let finish = |reason, message: &str| Finish {
        reason,
        message: message.into(),
        ..Finish::default()
    };
    match ended {
        Ok(_) => finish(FinishReason::EndTurn, ""),
        Err(RunError::Cancelled) => finish(FinishReason::Canceled, "User canceled request"),
        Err(error) => finish(FinishReason::Error, &error.to_string()),
    }
}

/// A turn that goes on beside the test.
pub(crate) struct Turn {
    pub(crate) cancel: CancelToken,
    task: JoinSet<Result<RunOutcome, RunError>>,
}

impl Turn {
    pub(crate) fn cancel(&self) {
        self.cancel.cancel(CancelReason::Requested);
    }

    pub(crate) async fn ended(mut self) -> Result<RunOutcome, RunError> {
        self.task.join_next().await.unwrap().unwrap()
    }

    /// What people read of its failure.
    pub(crate) async fn failure(self) -> String {
        self.ended().await.unwrap_err().to_string()
    }
}

fn shown(message: &Message) -> String {
    let mut line = message.role.as_str().to_owned();
    for part in &message.parts {
        line.push(' ');
        line.push_str(&match part {
            Part::Text(part) => format!("`{}`", part.text),
            Part::Reasoning(part) => format!("({})", part.thinking),
            Part::ToolCall(call) if call.finished => format!("{}{}", call.name, call.input),
            Part::ToolCall(call) => format!("{}…", call.name),
            Part::ToolResult(result) => format!("-> {}", result.content),
            Part::Finish(finish) if finish.message.is_empty() => format!("[{}]", finish.reason),
            Part::Finish(finish) => format!("[{}: {}]", finish.reason, finish.message),
            Part::ImageUrl(_) | Part::Binary(_) | Part::ShellCommand(_) | Part::Unknown(_) => {
                part.kind().to_owned()
            }
        });
    }
    line
}
