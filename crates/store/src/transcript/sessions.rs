//! Sessions on disk: made, changed, listed, deleted.

use runwright_agent::{NewSession, Pace, Publication, SessionChange, Timestamp};
use runwright_proto::{Change, Event, Seq, Session, SessionId};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::cache::SessionChanged;
use crate::rows;
use crate::workspace::WorkspaceBatch;

/// The columns of [`session`].
pub(crate) const SESSION: &str = "session_id, parent_session_id, title, message_count, prompt_tokens, \
                                  completion_tokens, summary_message_id, cost, todos, created_ms, updated_ms";

/// The same columns as its last `updated` event had them; only where there was one.
pub(crate) const SESSION_AS_TOLD: &str = "session_id, parent_session_id, title, told_count, prompt_tokens, \
                                          completion_tokens, summary_message_id, cost, todos, created_ms, told_ms";

/// Reads a session.
pub(crate) fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let created: i64 = row.get(9)?;
    let updated: i64 = row.get(10)?;
    let made = Session::new(
        rows::parsed(row, 0)?,
        row.get(2)?,
        Timestamp(created).seconds(),
    );
    Ok(Session {
        parent_session_id: rows::maybe_parsed(row, 1)?,
        message_count: rows::count(row, 3)?,
        prompt_tokens: rows::count(row, 4)?,
        completion_tokens: rows::count(row, 5)?,
        summary_message_id: rows::maybe_parsed(row, 6)?,
        cost: row.get(7)?,
        todos: rows::json_or_default(row, 8)?,
        updated_at: Timestamp(updated).seconds(),
        ..made
    })
}

/// Finds a session.
pub(crate) fn find(
    connection: &Connection,
    workspace: i64,
    id: &SessionId,
) -> rusqlite::Result<Option<Session>> {
    connection
        .prepare_cached(&format!(
            "SELECT {SESSION} FROM sessions WHERE workspace = ?1 AND session_id = ?2"
        ))?
        .query_row((workspace, id.as_str()), session)
        .optional()
}

/// The row of a session.
pub(crate) fn row_of(
    connection: &Connection,
    workspace: i64,
    id: &SessionId,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM sessions WHERE workspace = ?1 AND session_id = ?2")?
        .query_row((workspace, id.as_str()), |row| row.get(0))
        .optional()
}

/// The sessions without a parent, the one that changed last first.
pub(super) fn list(connection: &Connection, workspace: i64) -> rusqlite::Result<Vec<Session>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {SESSION} FROM sessions WHERE workspace = ?1 AND parent_session_id IS NULL
         ORDER BY changed_seq DESC"
    ))?;
    let sessions = statement.query_map([workspace], session)?;
    sessions.collect()
}

/// Makes a session, unless there is one of its id.
pub(super) fn create(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    new: &NewSession,
    now: Timestamp,
) -> rusqlite::Result<Session> {
    if let Some(id) = &new.id
        && let Some(known) = find(connection, workspace, id)?
    {
        return Ok(known);
    }
    let id = new.id.clone().unwrap_or_else(SessionId::random);
    let session = Session {
        parent_session_id: new.parent.clone(),
        ..Session::new(id, new.title.clone(), now.seconds())
    };
    let seq = batch.next_seq();
    insert(connection, workspace, &session, (now, now), seq)?;
    batch.session_changed(SessionChanged::Is(session.clone()));
    batch.publish(event(Change::created(session.clone())));
    Ok(session)
}

/// Adds the row of a session, made and changed at these times, by the event of this number; returns the row.
pub(crate) fn insert(
    connection: &Connection,
    workspace: i64,
    session: &Session,
    (created, updated): (Timestamp, Timestamp),
    changed: Seq,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO sessions (workspace, session_id, parent_session_id, title, message_count, prompt_tokens, \
                                   completion_tokens, summary_message_id, cost, todos, created_ms, updated_ms, \
                                   changed_seq)
             VALUES (:workspace, :id, :parent, :title, :messages, :prompt, :completion, :summary, :cost, :todos, \
                     :created, :updated, :changed)",
        )?
        .execute(named_params! {
            ":workspace": workspace,
            ":id": session.id.as_str(),
            ":parent": session.parent_session_id.as_ref().map(AsRef::<str>::as_ref),
            ":title": session.title,
            ":messages": counted(session.message_count),
            ":prompt": counted(session.prompt_tokens),
            ":completion": counted(session.completion_tokens),
            ":summary": session.summary_message_id.as_ref().map(AsRef::<str>::as_ref),
            ":cost": session.cost,
            ":todos": todos(session),
            ":created": created.millis(),
            ":updated": updated.millis(),
            ":changed": rows::number(changed),
        })?;
    Ok(connection.last_insert_rowid())
}

/// Changes a session; nothing if there is none.
pub(super) fn change(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    id: &SessionId,
    change: &SessionChange,
    now: Timestamp,
) -> rusqlite::Result<Option<Session>> {
    let Some(mut session) = find(connection, workspace, id)? else {
        return Ok(None);
    };
    change.clone().apply_to(&mut session);
    session.updated_at = now.seconds();
    let seq = batch.next_seq();
    connection
        .prepare_cached(
            "UPDATE sessions
             SET title = :title, prompt_tokens = :prompt, completion_tokens = :completion, cost = :cost,
                 summary_message_id = :summary, todos = :todos, updated_ms = :now, changed_seq = :seq, seq = :seq,
                 told_count = message_count, told_ms = :now
             WHERE workspace = :workspace AND session_id = :id",
        )?
        .execute(named_params! {
            ":workspace": workspace,
            ":id": id.as_str(),
            ":title": session.title,
            ":prompt": counted(session.prompt_tokens),
            ":completion": counted(session.completion_tokens),
            ":cost": session.cost,
            ":summary": session.summary_message_id.as_ref().map(AsRef::<str>::as_ref),
            ":todos": todos(&session),
            ":now": now.millis(),
            ":seq": rows::number(seq),
        })?;
    batch.session_changed(SessionChanged::Is(session.clone()));
    batch.publish_row(event(Change::updated(session.clone())));
    Ok(Some(session))
}

/// Deletes a session with all that is in it; says whether there was one.
pub(super) fn delete(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    id: &SessionId,
) -> rusqlite::Result<bool> {
    let (Some(session), Some(row)) = (
        find(connection, workspace, id)?,
        row_of(connection, workspace, id)?,
    ) else {
        return Ok(false);
    };
    for sql in [
        "DELETE FROM message_chunks WHERE message IN (SELECT id FROM messages WHERE session = ?1)",
        "DELETE FROM messages WHERE session = ?1",
        "DELETE FROM files_read WHERE session = ?1",
        "DELETE FROM sessions WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([row])?;
    }
    // The records of its runs stay: who asks again is told that it was done. What was answered is not told again.
    connection
        .prepare_cached(
            "UPDATE runs SET text = NULL
             WHERE workspace = ?1 AND session_id = ?2 AND ended_ms IS NOT NULL AND text IS NOT NULL",
        )?
        .execute((workspace, id.as_str()))?;
    batch.session_deleted(id.clone());
    batch.publish(event(Change::deleted(session)));
    Ok(true)
}

/// Notes that a message is added to a session: its row, if there is such a session.
pub(crate) fn grow(
    connection: &Connection,
    batch: &mut WorkspaceBatch,
    workspace: i64,
    id: &SessionId,
    now: Timestamp,
) -> rusqlite::Result<Option<i64>> {
    let seq = batch.next_seq();
    let grown = connection
        .prepare_cached(
            "UPDATE sessions SET message_count = message_count + 1, updated_ms = ?3, changed_seq = ?4
             WHERE workspace = ?1 AND session_id = ?2
             RETURNING id, message_count",
        )?
        .query_row(
            (workspace, id.as_str(), now.millis(), rows::number(seq)),
            |row| Ok((row.get(0)?, rows::count(row, 1)?)),
        )
        .optional()?;
    let Some((row, message_count)) = grown else {
        return Ok(None);
    };
    batch.session_changed(SessionChanged::Grew {
        id: id.clone(),
        message_count,
        updated_at: now.seconds(),
    });
    Ok(Some(row))
}

fn event(change: Change<Session>) -> Publication {
    Publication {
        event: Event::Session(change),
        run: None,
        pace: Pace::Now,
    }
}

fn todos(session: &Session) -> Option<String> {
    (!session.todos.is_empty()).then(|| rows::to_json(&session.todos))
}

fn counted(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
