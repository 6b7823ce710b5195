//! What happens to what a process that died left behind, before anybody is answered: a run that was running ends as
//! interrupted, with its event and a history that a provider accepts; text that was streamed is kept. Only workspaces
//! with such runs or texts are looked at. Must never know who comes back.

use std::sync::Arc;

use runwright_agent::{RunEnd, Timestamp};
use runwright_proto::{
    Finish, FinishReason, Message, MessageId, Part, Role, RunId, RunState, Session, SessionId,
    WorkspaceId,
};
use rusqlite::Connection;

use crate::directory;
use crate::error::StoreError;
use crate::journal::{self, record};
use crate::lock::LockOwner;
use crate::rows;
use crate::transcript::{self, messages, pieces, sessions};
use crate::workspace::{Commons, Nowhere, Place, WorkspaceBatch, WorkspaceState};

/// What is said of a run that was interrupted.
const DETAILS: &str = "the server stopped before the run had ended";

/// The workspaces that are concerned. A run whose prompt is in the history has begun, although it is queued: a turn took
/// it in, or it was being ended without one. It must not begin once more.
const CONCERNED: &str = "SELECT workspace FROM runs
                         WHERE ended_ms IS NULL AND (state <> 'queued' OR EXISTS (
                             SELECT 1 FROM messages
                             WHERE messages.workspace = runs.workspace AND messages.run_id = runs.run_id))
                         UNION SELECT workspace FROM messages INDEXED BY messages_live WHERE is_live = 1
                         UNION SELECT workspace FROM messages WHERE id IN (SELECT message FROM message_chunks)";

/// The messages that were being streamed. The plus keeps SQLite from looking through all messages of the workspace.
const STREAMED: &str =
    "SELECT id, body FROM messages
     WHERE +workspace = ?1 AND id IN (SELECT message FROM message_chunks
                                      UNION ALL SELECT id FROM messages INDEXED BY messages_live WHERE is_live = 1)
     ORDER BY id";

/// The runs that had begun.
const RUNNING: &str = "SELECT run_id, session_id FROM runs
                       WHERE workspace = ?1 AND ended_ms IS NULL AND (state <> 'queued' OR EXISTS (
                           SELECT 1 FROM messages
                           WHERE messages.workspace = runs.workspace AND messages.run_id = runs.run_id))
                       ORDER BY id";

/// What a process left behind, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Who held the data directory and died with it, if somebody did.
    pub left_by: Option<LockOwner>,
    /// How many runs were running, and are interrupted now.
    pub interrupted: usize,
    /// How many runs wait to be started.
    pub queued: usize,
    /// The workspaces whose histories were repaired.
    pub workspaces: Vec<WorkspaceId>,
}

/// Repairs what was left behind. Each workspace is one step: a process that dies here has done it or not.
pub(crate) fn recover(commons: &Arc<Commons>) -> Result<RecoveryReport, StoreError> {
    let engine = &commons.engine;
    let mut report = RecoveryReport {
        left_by: engine.left_by().cloned(),
        ..RecoveryReport::default()
    };
    for row in engine.read_blocking(concerned)? {
        let (id, epoch, numbers) =
            engine.read_blocking(|connection| directory::find(connection, row))?;
        let place = Place {
            id,
            row,
            epoch,
            next: numbers.next(),
            // All that is needed is reserved with the step itself.
            reserved: numbers.next(),
        };
        let state = WorkspaceState::new(commons, place, Arc::new(Nowhere));
        let (now, seen) = (commons.clock.now(), numbers.seen());
        let repair = move |connection: &_, batch: &mut WorkspaceBatch| {
            let interrupted = repair(connection, batch, row, now)?;
            batch.close_unseen(connection, seen)?;
            Ok(interrupted)
        };
        report.interrupted += Arc::new(state).change_blocking(repair)?;
        report.workspaces.push(id);
    }
    report.queued = engine.read_blocking(count_queued)?;
    Ok(report)
}

/// The workspaces with runs that were running, or with messages that were being streamed.
fn concerned(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare(CONCERNED)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

fn count_queued(connection: &Connection) -> rusqlite::Result<usize> {
    let count: i64 = connection.query_row(
        "SELECT count(*) FROM runs WHERE ended_ms IS NULL",
        [],
        |row| row.get(0),
    )?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Repairs a workspace; says how many runs were running.
fn repair(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    keep_streamed(connection, batch, workspace, now)?;
    let running = running(connection, workspace)?;
    for (run, session) in &running {
        interrupt(connection, batch, workspace, run, session, now)?;
    }
    Ok(running.len())
}

/// Puts the text that was streamed into its messages, and publishes each: somebody may have seen more of it than is left.
fn keep_streamed(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(STREAMED)?;
    let live = statement.query_map([workspace], |row| Ok((row.get(0)?, rows::json(row, 1)?)))?;
    for live in live.collect::<rusqlite::Result<Vec<(i64, Message)>>>()? {
        let (row, mut message) = live;
        pieces::put_into(connection, row, &mut message)?;
        message.updated_at = now.seconds();
        let body = messages::body(&message);
        messages::replace(connection, batch, workspace, (&message, &body))?;
        pieces::delete(connection, row)?;
    }
    Ok(())
}

fn running(connection: &Connection, workspace: i64) -> rusqlite::Result<Vec<(RunId, SessionId)>> {
    let mut statement = connection.prepare(RUNNING)?;
    let runs = statement.query_map([workspace], |row| {
        Ok((rows::parsed(row, 0)?, rows::parsed(row, 1)?))
    })?;
    runs.collect()
}

/// Ends a run that was running, as a server does that is told to stop: what it left open is ended, it has an answer that
/// says what happened, and its terminal event is stored.
fn interrupt(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    run: &RunId,
    session: &SessionId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut end = RunEnd {
        error: Some(format!("interrupted: {DETAILS}")),
        reason: Some("crashed".to_owned()),
        ..RunEnd::new(RunState::Interrupted)
    };
    if let Some(session) = sessions::find(connection, workspace, session)? {
        let answer = ended_answer(connection, batch, workspace, run, &session, now)?;
        end.text = answer.text().cloned();
        end.message_id = Some(answer.id);
        end.session_title = session.title;
    }
    journal::finish(connection, batch, workspace, run, &end, now)?;
    connection
        .prepare_cached(
            "UPDATE approvals SET state = 'interrupted', resolved_ms = ?3
             WHERE workspace = ?1 AND run_id = ?2 AND state = 'open'",
        )?
        .execute((workspace, run.as_str(), now.millis()))?;
    Ok(())
}

/// Ends what a run wrote; one that had not begun to answer gets an answer that says so, after its prompt.
fn ended_answer(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    run: &RunId,
    session: &Session,
    now: Timestamp,
) -> rusqlite::Result<Message> {
    let finish = Finish {
        reason: FinishReason::Error,
        time: now.seconds(),
        message: "Interrupted".into(),
        details: DETAILS.into(),
    };
    let closed = transcript::close_run(connection, batch, workspace, run, &finish, now)?;
    if let Some(answer) = closed {
        return Ok(answer);
    }
    let mut add = |message: &Message| {
        let body = messages::body(message);
        let entry = (message, body.as_str());
        messages::create(connection, batch, workspace, Some(run), entry, now)
    };
    if messages::of_run(connection, workspace, run)?.is_empty()
        && let Some(recorded) = record::by_id(connection, workspace, run)?
    {
        add(&recorded.call.user_message(now.seconds()))?;
    }
    // Made empty and finished by an update, as in every turn, so that a client shows it the same way.
    let (id, session) = (MessageId::generate(), session.id.clone());
    let mut answer = Message::new(id, session, Role::Assistant, now.seconds());
    add(&answer)?;
    answer.parts.push(Part::Finish(finish));
    let body = messages::body(&answer);
    messages::replace(connection, batch, workspace, (&answer, &body))?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn only_what_was_left_open_is_looked_at() {
        let unfinished = "runs USING INDEX runs_unfinished";
        let live = "messages USING COVERING INDEX messages_live";
        let streamed = "messages USING INTEGER PRIMARY KEY (rowid=?)";
        let of_run = "messages_by_run (workspace=? AND run_id=?)";
        plan::check_scans(
            CONCERNED,
            &[unfinished, of_run, live, streamed, "message_chunks"],
        );
        plan::check_scans(STREAMED, &[streamed, "message_chunks", live]);
        plan::check(RUNNING, &["runs_unfinished (workspace=?)", of_run]);
    }
}
