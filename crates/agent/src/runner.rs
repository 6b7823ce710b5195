//! The port through which an accepted run is carried out. It knows what a runner is given and what it returns, never
//! how a run is admitted, supervised or announced.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use runwright_proto::{CatwalkModel, Environment, SelectedModel, Usage};

use crate::call::AgentCall;
use crate::cancel_token::CancelToken;
use crate::clock::Clock;
use crate::journal::JournalError;
use crate::transcript::{Transcript, TranscriptError};

/// Carries out runs: the agent of a workspace.
///
/// One runner serves all runs of its workspace, at most one per session at a time.
///
/// ```
/// use async_trait::async_trait;
/// use runwright_agent::{Pace, RunContext, RunError, RunOutcome, Runner, RunnerModel};
/// use runwright_proto::{Finish, FinishReason, Message, MessageId, Part, Role};
///
/// /// Says what it was told.
/// struct Echo;
///
/// #[async_trait]
/// impl Runner for Echo {
///     fn model(&self) -> RunnerModel {
///         RunnerModel::default()
///     }
///
///     async fn run(&self, cx: RunContext) -> Result<RunOutcome, RunError> {
///         let (run, session) = (cx.call.run_id(), cx.call.session_id().clone());
///         let now = cx.clock.now().seconds();
///         let mut answer = Message::new(MessageId::generate(), session, Role::Assistant, now);
///         cx.transcript.create_message(Some(run), answer.clone()).await?;
///         if cx.cancel.is_cancelled() {
///             return Err(RunError::Cancelled);
///         }
///         let end = Finish { reason: FinishReason::EndTurn, time: now, ..Finish::default() };
///         answer.parts = vec![Part::text(cx.call.prompt()), Part::Finish(end)];
///         cx.transcript.update_message(answer, Pace::Now).await?;
///         Ok(RunOutcome::default())
///     }
/// }
/// ```
#[async_trait]
pub trait Runner: Send + Sync + 'static {
    /// The model that answers, as `GET …/agent` shows it.
    fn model(&self) -> RunnerModel;

    /// Carries out one turn: reads the history, writes messages through the transcript, and returns when the turn is
    /// over. The user's message is in the transcript already.
    ///
    /// Whatever message it leaves unfinished, also by an error, a panic or an abort, is finished by the caller.
    ///
    /// # Errors
    /// [`RunError::Cancelled`] when it stopped because `cx.cancel` asked for it; [`RunError::Failed`] otherwise.
    ///
    /// # Cancel safety
    /// The future is dropped when a cancelled run does not return within its deadline. It must not leave work behind
    /// that goes on without it, but for what it gives to [`Background`].
    async fn run(&self, cx: RunContext) -> Result<RunOutcome, RunError>;
}

/// What a runner is given for one turn.
#[derive(Clone)]
pub struct RunContext {
    /// The prompt.
    pub call: Arc<AgentCall>,
    /// Asks the run to stop. A runner looks at it at every await that may be long.
    pub cancel: CancelToken,
    /// The history of the session, and the only way to add to it.
    pub transcript: Arc<dyn Transcript>,
    /// The prompts that want to be folded into this turn.
    pub steering: Arc<dyn SteeredPrompts>,
    /// Takes work that may outlive the turn.
    pub background: Arc<dyn Background>,
    /// Where the agent works.
    pub workspace: Arc<WorkspaceContext>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for RunContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunContext")
            .field("run", self.call.run_id())
            .field("session", self.call.session_id())
            .finish_non_exhaustive()
    }
}

/// Where the agent works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceContext {
    /// The directory, absolute and without symbolic links.
    pub path: PathBuf,
    /// The environment of the client that opened the workspace. Never logged and never sent back.
    pub env: Environment,
}

/// The way of an active turn to prompts that asked to steer it.
#[async_trait]
pub trait SteeredPrompts: Send + Sync {
    /// Takes in every prompt that waits to be folded into this turn: its user message is in the transcript when this
    /// returns, and its own run is over. A runner calls it before each model step.
    ///
    /// # Errors
    /// [`TranscriptError`], when a message could not be written; the prompt then runs as its own turn.
    ///
    /// # Cancel safety
    /// A prompt is taken in as a whole or goes back to the queue.
    async fn fold(&self) -> Result<Vec<Arc<AgentCall>>, TranscriptError>;
}

/// Work beside a turn: it is given the history of the workspace, because that of the turn is closed when the turn ends.
pub type BackgroundWork =
    Box<dyn FnOnce(Arc<dyn Transcript>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// The way of a turn to work that may go on when it is over, such as the title of a session. No run waits for it, and
/// it does not keep its workspace open: it belongs to the workspace, which drops it when it closes.
pub trait Background: Send + Sync {
    /// Starts the work, at once and beside the turn. A panic in it is logged and ends nothing else.
    fn spawn(&self, work: BackgroundWork);
}

/// The model that answers, in the contract's two forms.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunnerModel {
    /// As its provider describes it.
    pub model: CatwalkModel,
    /// As it is configured.
    pub config: SelectedModel,
}

/// How a turn ended that went well.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunOutcome {
    /// What the turn used, if the provider said so.
    pub usage: Option<Usage>,
    /// Why the model stopped, where that is worth telling: `max_tokens`, `content_filter`.
    pub reason: Option<String>,
}

/// How a turn ended that did not go well.
///
/// ```
/// use runwright_agent::RunError;
///
/// let error = RunError::failed("Provider failed", "the model is overloaded");
/// assert_eq!(error.to_string(), "Provider failed: the model is overloaded");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It stopped because it was asked to.
    #[error("cancelled")]
    Cancelled,
    /// It failed. The text is what people read; the cause is for the log.
    #[error("{title}: {details}")]
    Failed {
        /// What kind of failure, in a few words.
        title: String,
        /// What happened.
        details: String,
        /// The cause, where there is one.
        #[source]
        cause: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl RunError {
    /// A failure without a further cause.
    pub fn failed(title: impl Into<String>, details: impl Into<String>) -> Self {
        Self::Failed {
            title: title.into(),
            details: details.into(),
            cause: None,
        }
    }
}

impl From<TranscriptError> for RunError {
    fn from(error: TranscriptError) -> Self {
        storage_failed(error)
    }
}

impl From<JournalError> for RunError {
    fn from(error: JournalError) -> Self {
        storage_failed(error)
    }
}

fn storage_failed(error: impl Error + Send + Sync + 'static) -> RunError {
    RunError::Failed {
        title: "Storage failed".to_owned(),
        details: error.to_string(),
        cause: Some(Box::new(error)),
    }
}
