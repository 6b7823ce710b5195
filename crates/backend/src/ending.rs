//! The end of a run: closes what it left open in the history and records the end with its terminal event, again and
//! again until the storage takes both. It must never know why the run ended; that is in `verdict.rs`.

use std::error::Error;
use std::time::Duration;

use runwright_agent::{
    AgentCall, CancelReason, JournalError, Pace, RunEnd, TranscriptError, is_storage_full,
};
use runwright_proto::{Finish, Message, MessageId, Part, Role, RunId, RunState};

use crate::supervise::{Ended, caught};
use crate::verdict::Verdict;
use crate::workspace::Workspace;

/// How long to wait before the end of a run is recorded once more, when the storage has failed. After the last of them
/// it is tried every [`AGAIN`]; once the workspace is aborted these are all, and together they are shorter than the
/// time that a shutdown gives to aborted runs (semantics 2.3: 2 s).
const SOON_AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// How long to wait when the storage goes on failing: a disk that has room again is noticed soon enough.
const AGAIN: Duration = Duration::from_secs(2);

/// After so many tries, some ten seconds, a run ends although its history cannot be closed: a page of it that is broken
/// for good must not keep a session for ever.
const CLOSE_TRIES: usize = 7;

/// How a run ended, and what is still to be written of it.
pub(crate) struct Ending {
    verdict: Verdict,
    rest: Rest,
}

/// What a run has left to be written.
enum Rest {
    /// What its turn left open.
    OfTurn,
    /// The prompt too: it never started.
    Prompt(Box<Message>),
    /// Nothing: its prompt is part of the turn of this run.
    Nothing { folded_into: RunId },
}

/// Why an end is not recorded.
type Cause = Box<dyn Error + Send + Sync>;

/// A storage that panicked: somebody else's mistake, which it may not make the next time.
#[derive(Debug, thiserror::Error)]
#[error("the storage panicked: {0}")]
struct Panicked(String);

impl Ending {
    /// The end of a run that had its turn.
    pub(crate) fn of_turn(ended: Ended) -> Self {
        Self {
            verdict: Verdict::of(ended),
            rest: Rest::OfTurn,
        }
    }

    /// The end of a run that was cancelled before its turn came: its prompt is part of the history all the same
    /// (semantics 2.3).
    pub(crate) fn unstarted(prompt: Message, reason: CancelReason) -> Self {
        Self {
            verdict: Verdict::of(Ended::NeverStarted(reason)),
            rest: Rest::Prompt(Box::new(prompt)),
        }
    }

    /// The end of a run whose prompt another turn took in.
    pub(crate) fn folded(into: RunId) -> Self {
        Self {
            verdict: Verdict::completed(),
            rest: Rest::Nothing { folded_into: into },
        }
    }

    /// The end of a run that the storage let down so badly that nothing else can be said of it.
    pub(crate) fn broken(panic: &str) -> Self {
        Self {
            verdict: Verdict::broken(panic),
            rest: Rest::OfTurn,
        }
    }
}

impl Workspace {
    /// The message that stands for the prompt of a run.
    pub(crate) fn prompt_of(&self, call: &AgentCall) -> Message {
        call.user_message(self.now())
    }

    /// Ends a run: its history is closed and its end is recorded, with the terminal event in the same step, exactly
    /// once: whoever is second learns that it lost. While the storage fails this goes on, and the run keeps its session:
    /// an end that is not recorded has not happened. Only a workspace that is aborted stops it.
    pub(crate) async fn end(&self, call: &AgentCall, ending: Ending) {
        let abort = &self.tasks.abort;
        let mut pauses = SOON_AGAIN.into_iter();
        let mut last_pauses = SOON_AGAIN.into_iter();
        for tries in 1.. {
            let tried = caught(self.try_to_end(call, &ending, tries)).await;
            let tried = tried.unwrap_or_else(|panic| Err(Panicked(panic).into()));
            match tried {
                Ok(won) => return log_recorded(ending.verdict.state, won, tries),
                Err(cause) if tries == 1 => log_unrecorded(cause.as_ref()),
                Err(_known) => {}
            }
            if !abort.is_cancelled() {
                let pause = tokio::time::sleep(pauses.next().unwrap_or(AGAIN));
                tokio::select! {
                    () = abort.cancelled() => {}
                    () = pause => {}
                }
            } else if let Some(pause) = last_pauses.next() {
                tokio::time::sleep(pause).await;
            } else {
                return self.tell_unrecorded(call).await;
            }
        }
    }

    /// One try to end a run. Everything in it may be done again. Returns whether it was this try that ended the run.
    async fn try_to_end(
        &self,
        call: &AgentCall,
        ending: &Ending,
        tries: usize,
    ) -> Result<bool, Cause> {
        let mut end = ending.verdict.to_end();
        match self.write_rest(call, ending, tries > 1).await {
            Ok(answer) => {
                end.text = answer.as_ref().and_then(Message::text).cloned();
                end.message_id = answer.map(|message| message.id);
            }
            Err(error) if tries < CLOSE_TRIES || is_storage_full(&error) => {
                return Err(error.into());
            }
            Err(error) => tracing::error!(
                error = &error as &dyn Error,
                "the history of a run could not be closed: it ends without that"
            ),
        }
        if let Rest::Nothing { folded_into } = &ending.rest {
            end.folded_into = Some(folded_into.clone());
        }
        end.session_title = self.title_of(call).await;
        match self.opened.journal.finish(call.run_id(), end).await {
            Ok(won) => Ok(won),
            // Nobody will ever record it.
            Err(error @ JournalError::UnknownRun(_)) => {
                tracing::error!(error = &error as &dyn Error, "the record of a run is gone");
                Ok(false)
            }
            Err(error @ JournalError::Storage(_)) => Err(error.into()),
        }
    }

    /// Writes what the run left to be written. Returns its answer, or the message that stands for one.
    async fn write_rest(
        &self,
        call: &AgentCall,
        ending: &Ending,
        again: bool,
    ) -> Result<Option<Message>, TranscriptError> {
        let written = match &ending.rest {
            Rest::Nothing { .. } => return Ok(None),
            Rest::OfTurn => Ok(()),
            Rest::Prompt(prompt) => self.write_unstarted(call, prompt, again).await,
        };
        let closed = match written {
            Ok(()) => self.close(call, &ending.verdict).await,
            Err(error) => Err(error),
        };
        match closed {
            // Nobody will ever write it.
            Err(
                error @ (TranscriptError::UnknownSession(_) | TranscriptError::UnknownMessage(_)),
            ) => {
                tracing::error!(error = &error as &dyn Error, "the history of a run is gone");
                Ok(None)
            }
            closed => closed,
        }
    }

    /// Writes the prompt of a run that never started. It may be there, from a try whose answer was lost.
    async fn write_unstarted(
        &self,
        call: &AgentCall,
        prompt: &Message,
        again: bool,
    ) -> Result<(), TranscriptError> {
        let transcript = &self.opened.transcript;
        if again {
            let said = transcript.user_messages(Some(call.session_id())).await?;
            if said.iter().any(|message| message.id == prompt.id) {
                return Ok(());
            }
        }
        let run = Some(call.run_id());
        transcript.create_message(run, prompt.clone()).await
    }

    /// Closes what the run left open; a run that did not end well and has no assistant message gets one that says so.
    async fn close(
        &self,
        call: &AgentCall,
        verdict: &Verdict,
    ) -> Result<Option<Message>, TranscriptError> {
        let finish = verdict.finish();
        let transcript = &self.opened.transcript;
        let last = transcript.close_run(call.run_id(), finish.clone()).await?;
        if last.is_none() && verdict.state != RunState::Completed {
            return self.add_ending(call, finish).await.map(Some);
        }
        Ok(last)
    }

    /// Adds the message that stands for the answer. One that is begun and not finished is closed by the next try.
    async fn add_ending(
        &self,
        call: &AgentCall,
        finish: Finish,
    ) -> Result<Message, TranscriptError> {
        let now = self.now();
        let model = self
            .runner()
            .map(|runner| runner.model().config)
            .unwrap_or_default();
        let mut message = Message::new(
            MessageId::generate(),
            call.session_id().clone(),
            Role::Assistant,
            now,
        );
        message.model = model.model.as_str().into();
        message.provider = model.provider.as_str().into();
        let transcript = &self.opened.transcript;
        // Created empty and finished by an update, as in every turn, so that a client shows it the same way.
        transcript
            .create_message(Some(call.run_id()), message.clone())
            .await?;
        message.parts.push(Part::Finish(Finish {
            time: now,
            ..finish
        }));
        transcript
            .update_message(message.clone(), Pace::Now)
            .await?;
        Ok(message)
    }

    /// The title of the session, which is only for a notice.
    async fn title_of(&self, call: &AgentCall) -> String {
        let session = self.opened.transcript.session(call.session_id()).await;
        let session = session.ok().flatten();
        session.map(|session| session.title).unwrap_or_default()
    }

    /// The workspace closes, and the record still has the run as not ended; the next start of the process finds it there
    /// and ends it as interrupted. That is what present readers are told, unless it was the answers that were lost: then
    /// the end is recorded, and they have been told.
    async fn tell_unrecorded(&self, call: &AgentCall) {
        let record = caught(self.opened.journal.run(call.run_id())).await;
        if matches!(record, Ok(Ok(Some(run))) if run.state.is_terminal()) {
            return;
        }
        tracing::error!("the workspace closes before the end of a run is recorded");
        let end = RunEnd {
            error: Some("interrupted: the end could not be recorded".to_owned()),
            reason: Some("closing".to_owned()),
            ..RunEnd::new(RunState::Interrupted)
        };
        for publication in end.events(call) {
            self.tell(publication);
        }
    }

    fn now(&self) -> i64 {
        self.opened.clock.now().seconds()
    }
}

fn log_unrecorded(cause: &(dyn Error + Send + Sync + 'static)) {
    tracing::error!(
        error = cause as &(dyn Error + 'static),
        "the end of a run is not recorded; this is tried until it is"
    );
}

fn log_recorded(state: RunState, won: bool, tries: usize) {
    if tries > 1 {
        tracing::info!(%state, tries, "the end of a run is recorded now");
    } else if won {
        tracing::debug!(%state, "run ended");
    } else {
        tracing::debug!(%state, "run had ended already");
    }
}
