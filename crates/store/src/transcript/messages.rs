//! Messages on disk: added, replaced, listed. A message is kept as the JSON that clients are sent.

use runwright_agent::{Pace, Publication, Timestamp};
use runwright_proto::{Change, ChangeKind, Event, Message, MessageId, RunId, Seq, SessionId};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{pieces, sessions};
use crate::live::Stored;
use crate::rows;
use crate::workspace::WorkspaceBatch;

/// What people said, in a workspace and in a session, the last added first.
const OF_PEOPLE: &str = "SELECT id, seq, body, NULL FROM messages
                         WHERE workspace = ?1 AND role = 'user' ORDER BY id DESC";
const OF_PEOPLE_IN: &str = "SELECT id, seq, body, NULL FROM messages
                            WHERE workspace = ?1 AND session = ?2 AND role = 'user' ORDER BY id DESC";

/// What is written in a session, and by a run.
const OF_SESSION: &str =
    "SELECT id, seq, body, run_id FROM messages WHERE session = ?1 ORDER BY id";
const OF_RUN: &str = "SELECT id, seq, body, run_id FROM messages
                      WHERE workspace = ?1 AND run_id = ?2 ORDER BY id";

/// A message as it is kept.
pub(crate) fn body(message: &Message) -> String {
    rows::to_json(message)
}

/// Adds a message to the end of its session; says whether there is such a session. `body` is its [`body`].
pub(crate) fn create(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    run: Option<&RunId>,
    (message, body): (&Message, &str),
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let Some(session) = sessions::grow(connection, batch, workspace, &message.session_id, now)?
    else {
        return Ok(false);
    };
    let is_live = message.finish().is_none();
    let row = insert(
        connection,
        workspace,
        session,
        run,
        (message, body),
        is_live,
    )?;
    if is_live {
        batch.message_opened(Stored {
            row,
            run: run.cloned(),
            seq: None,
            message: message.clone(),
        });
    }
    let created = event(Change::created(message.clone()), run.cloned());
    batch.publish_json(created, ChangeKind::Created, body.as_bytes());
    Ok(true)
}

/// Adds the row of a message to those of a session, and returns it.
pub(crate) fn insert(
    connection: &Connection,
    workspace: i64,
    session: i64,
    run: Option<&RunId>,
    (message, body): (&Message, &str),
    is_live: bool,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO messages (workspace, session, message_id, run_id, role, is_live, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            workspace,
            session,
            message.id.as_str(),
            run.map(AsRef::<str>::as_ref),
            message.role.as_str(),
            is_live,
            body,
        ))?;
    Ok(connection.last_insert_rowid())
}

/// Whether there is a message of this id.
pub(crate) fn exists(
    connection: &Connection,
    workspace: i64,
    id: &MessageId,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM messages WHERE workspace = ?1 AND message_id = ?2")?
        .exists((workspace, id.as_str()))
}

/// Replaces a message; says whether there is such a message. `body` is its [`body`].
pub(crate) fn replace(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    (message, body): (&Message, &str),
) -> rusqlite::Result<bool> {
    let seq = batch.next_seq();
    let replaced: Option<(i64, Option<RunId>)> = connection
        .prepare_cached(
            "UPDATE messages SET body = ?3, role = ?4, is_live = ?5, seq = ?6
             WHERE workspace = ?1 AND message_id = ?2
             RETURNING id, run_id",
        )?
        .query_row(
            (
                workspace,
                message.id.as_str(),
                body,
                message.role.as_str(),
                message.finish().is_none(),
                rows::number(seq),
            ),
            |row| Ok((row.get(0)?, rows::maybe_parsed(row, 1)?)),
        )
        .optional()?;
    let Some((row, run)) = replaced else {
        return Ok(false);
    };
    let stored = Stored {
        row,
        run: run.clone(),
        seq: Some(seq),
        message: message.clone(),
    };
    batch.message_settled(connection, stored)?;
    batch.publish_row(event(Change::updated(message.clone()), run));
    Ok(true)
}

/// Writes a message that is being streamed into its row, as the state that was published under this number.
pub(crate) fn fold(
    connection: &Connection,
    row: i64,
    message: &Message,
    seq: Seq,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE messages SET body = ?2, seq = ?3 WHERE id = ?1")?
        .execute((row, body(message), rows::number(seq)))?;
    pieces::delete(connection, row)
}

/// Notes that no message of a workspace is streamed any more.
pub(crate) fn still(connection: &Connection, workspace: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE messages SET is_live = 0 WHERE workspace = ?1 AND is_live = 1")?
        .execute([workspace])?;
    Ok(())
}

/// Opens a message that is on disk, so that it may be streamed; says whether there is such a message.
pub(super) fn open(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    id: &MessageId,
) -> rusqlite::Result<bool> {
    let stored = connection
        .prepare_cached(
            "UPDATE messages SET is_live = 1 WHERE workspace = ?1 AND message_id = ?2
             RETURNING id, seq, body, run_id",
        )?
        .query_row((workspace, id.as_str()), stored)
        .optional()?;
    let found = stored.is_some();
    if let Some(stored) = stored {
        batch.message_opened(stored);
    }
    Ok(found)
}

/// The messages of a session in their order.
pub(super) fn of_session(
    connection: &Connection,
    workspace: i64,
    session: &SessionId,
) -> rusqlite::Result<Vec<Stored>> {
    match sessions::row_of(connection, workspace, session)? {
        Some(session) => of_row(connection, session),
        None => Ok(Vec::new()),
    }
}

/// The messages of the session with this row, in their order.
pub(crate) fn of_row(connection: &Connection, session: i64) -> rusqlite::Result<Vec<Stored>> {
    let mut statement = connection.prepare_cached(OF_SESSION)?;
    let messages = statement.query_map([session], stored)?;
    messages.collect()
}

/// What people said, the last added first.
pub(super) fn of_people(
    connection: &Connection,
    workspace: i64,
    session: Option<&SessionId>,
) -> rusqlite::Result<Vec<Stored>> {
    let Some(session) = session else {
        let mut statement = connection.prepare_cached(OF_PEOPLE)?;
        let messages = statement.query_map([workspace], stored)?;
        return messages.collect();
    };
    let Some(session) = sessions::row_of(connection, workspace, session)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(OF_PEOPLE_IN)?;
    let messages = statement.query_map((workspace, session), stored)?;
    messages.collect()
}

/// What a run wrote, in the order of adding.
pub(crate) fn of_run(
    connection: &Connection,
    workspace: i64,
    run: &RunId,
) -> rusqlite::Result<Vec<Stored>> {
    let mut statement = connection.prepare_cached(OF_RUN)?;
    let messages = statement.query_map((workspace, run.as_str()), stored)?;
    messages.collect()
}

/// Reads `id, seq, body, run_id`.
fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let seq: Option<i64> = row.get(1)?;
    Ok(Stored {
        row: row.get(0)?,
        seq: seq.map(|_| rows::seq(row, 1)).transpose()?,
        message: rows::json(row, 2)?,
        run: rows::maybe_parsed(row, 3)?,
    })
}

fn event(change: Change<Message>, run: Option<RunId>) -> Publication {
    Publication {
        event: Event::Message(change),
        run,
        pace: Pace::Now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn nothing_is_looked_at_but_what_is_wanted() {
        plan::check(OF_SESSION, &["messages_by_session (session=?)"]);
        plan::check(OF_RUN, &["messages_by_run (workspace=? AND run_id=?)"]);
        // Those of all sessions are put in order, which is what is asked for.
        plan::check_sorted(OF_PEOPLE, &["messages_of_people (workspace=?)"]);
        let in_session = "messages_of_people (workspace=? AND session=?)";
        plan::check(OF_PEOPLE_IN, &[in_session]);
    }
}
