//! Owns runs from their prompt to their end, written the way the backend and an agent write them. It must never know how
//! they are stored, nor what is measured.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use runwright_agent::{
    AgentCall, Clock, NewRun, NewSession, Pace, RunEnd, SessionChange, Spent, SystemClock,
    Transcript,
};
use runwright_proto::{
    AgentMessage, Finish, FinishReason, Message, MessageId, Part, Role, RunId, RunState, SessionId,
};

use crate::{Result, product::Product};

/// How many wait for the disk at the same time.
const AT_ONCE: usize = 256;

const PROMPT: &str = "Tidy up the parser, run the tests again, and tell me which of them fail now that did not fail before, \
     please; change no other file, and do not change the names of the rules that the documentation has.";

/// What an agent answers, and how it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) delta: &'static str,
    pub(crate) deltas: usize,
    /// The time from one delta to the next.
    pub(crate) pause: Duration,
}

/// Makes sessions.
pub(crate) async fn sessions(product: &Product, count: usize) -> Result<Vec<SessionId>> {
    let transcript = &product.workspace.transcript;
    let mut sessions = Vec::with_capacity(count);
    while sessions.len() < count {
        let more = (sessions.len()..count).take(AT_ONCE).map(|n| {
            transcript.create_session(NewSession {
                title: format!("Tidy up the parser, part {n}"),
                ..NewSession::default()
            })
        });
        let more = try_join_all(more).await?;
        sessions.extend(more.into_iter().map(|session| session.id));
    }
    Ok(sessions)
}

/// Carries out so many runs in each session, one after the other, in all of them at the same time.
pub(crate) async fn tell(
    product: &Product,
    sessions: &[SessionId],
    runs: usize,
    answer: Answer,
) -> Result<()> {
    for sessions in sessions.chunks(AT_ONCE) {
        let stories = sessions.iter().map(async |session| -> Result<()> {
            for _ in 0..runs {
                run(product, session, answer).await?;
            }
            Ok(())
        });
        try_join_all(stories).await?;
    }
    Ok(())
}

async fn run(product: &Product, session: &SessionId, answer: Answer) -> Result<()> {
    let call = Arc::new(AgentCall::try_from(AgentMessage {
        session_id: Some(session.clone()),
        prompt: PROMPT.to_owned(),
        ..AgentMessage::default()
    })?);
    let (journal, transcript) = (&product.workspace.journal, &product.workspace.transcript);
    let (id, now) = (call.run_id(), SystemClock.now().seconds());
    let new = NewRun {
        call: Arc::clone(&call),
        position: 0,
    };
    journal.accept(new).await?;
    let prompt = transcript.create_message(Some(id), call.user_message(now));
    let (started, written) = tokio::join!(biased; journal.start(id), prompt);
    started?;
    written?;
    say(&**transcript, session, id, answer).await?;
    let said = transcript.close_run(id, Finish::stop()).await?;
    let end = RunEnd {
        text: said.as_ref().and_then(Message::text).cloned(),
        message_id: said.map(|message| message.id),
        session_title: "Tidy up the parser".to_owned(),
        ..RunEnd::new(RunState::Completed)
    };
    if journal.finish(id, end).await? {
        Ok(())
    } else {
        Err("a run was ended by somebody else".into())
    }
}

/// Writes the answer as it comes, and what it cost.
async fn say(
    transcript: &dyn Transcript,
    session: &SessionId,
    run: &RunId,
    answer: Answer,
) -> Result<()> {
    let now = SystemClock.now().seconds();
    let mut message = Message::new(MessageId::generate(), session.clone(), Role::Assistant, now);
    message.model = "offline".into();
    message.provider = "runwright".into();
    message.parts.push(Part::text(""));
    transcript
        .create_message(Some(run), message.clone())
        .await?;
    for _ in 0..answer.deltas {
        tokio::time::sleep(answer.pause).await;
        if let Some(Part::Text(part)) = message.parts.first_mut() {
            part.text.push_str(answer.delta);
        }
        transcript
            .update_message(message.clone(), Pace::Streamed)
            .await?;
    }
    message.parts.push(Part::Finish(Finish {
        reason: FinishReason::EndTurn,
        time: now,
        ..Finish::default()
    }));
    transcript.update_message(message, Pace::Now).await?;
    let spent = Spent {
        prompt_tokens: 1_200,
        completion_tokens: 60,
        cost: 0.0,
    };
    let change = SessionChange {
        spent: Some(spent),
        ..SessionChange::default()
    };
    transcript.change_session(session, change).await?;
    Ok(())
}
