//! A part of a log, read: rows of events, and the states of messages and sessions in between, by their numbers. It is
//! read as one state of the database.

use runwright_agent::{LogPage, LogQuery, Lost};
use runwright_proto::{
    Change, ChangeKind, EnvelopeRef, Epoch, Event, RunId, Seq, write_change_frame, write_frame,
    write_frame_id,
};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Rows};

use super::cut::Wanted;
use super::room::{PAGE_BYTES, Room};
use crate::live::Streaming;
use crate::rows;
use crate::transcript::sessions::{self, SESSION_AS_TOLD};

/// A page is not continued beyond so many rows of events, when most of them are not wanted: nobody reads for long.
const PAGE_ROWS: usize = 4096;

const EVENTS: &str = "SELECT first_seq, last_seq, entries, frames FROM event_chunks
                      WHERE workspace = ?1 AND last_seq > ?2 ORDER BY last_seq";
const MESSAGES: &str = "SELECT seq, id, body FROM messages
                        WHERE workspace = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq";
const MESSAGES_OF_RUN: &str = "SELECT seq, id, body FROM messages INDEXED BY messages_by_run
                               WHERE workspace = ?1 AND seq > ?2 AND seq <= ?3 AND run_id = ?4 ORDER BY seq";

fn sessions_sql() -> String {
    format!(
        "SELECT {SESSION_AS_TOLD}, seq FROM sessions
         WHERE workspace = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq"
    )
}

/// Reads what comes after a number. `streaming` are the messages that were being streamed before the database was
/// looked at.
pub(super) fn read(
    connection: &Connection,
    workspace: i64,
    epoch: &Epoch,
    query: &LogQuery,
    streaming: Vec<Streaming>,
    mut room: Room,
) -> rusqlite::Result<LogPage> {
    let begin = begin(connection, workspace, query)?;
    let span = Span {
        workspace,
        after: begin.after,
        until: query.until,
        run: query.run.as_ref(),
    };
    let mut statements = Statements::prepare(connection, span)?;
    let mut sources = Sources::new(&mut statements, span, query.finished_only, streaming)?;
    let mut page = Page {
        epoch,
        frames: &mut room.frames,
        through: begin.after,
    };
    let is_whole = page.fill(&mut sources, span)?;
    let through = if is_whole { query.until } else { page.through };
    drop(sources);
    Ok(LogPage {
        lost: begin.lost,
        through,
        frames: room.into_bytes(),
    })
}

/// Where a page begins.
struct Begin {
    after: Seq,
    lost: Option<Lost>,
}

/// What is no longer kept, and what is of no run, is passed over.
fn begin(connection: &Connection, workspace: i64, query: &LogQuery) -> rusqlite::Result<Begin> {
    let pruned = connection
        .prepare_cached("SELECT pruned_seq FROM workspaces WHERE id = ?1")?
        .query_row([workspace], |row| rows::seq(row, 0))?;
    let mut after = query.after;
    if let Some(run) = &query.run {
        // Everything about a run comes after its receipt.
        let receipt = connection
            .prepare_cached("SELECT receipt_seq FROM runs WHERE workspace = ?1 AND run_id = ?2")?
            .query_row((workspace, run.as_str()), |row| rows::seq(row, 0))
            .optional()?;
        after = after.max(receipt.unwrap_or_default());
    }
    let lost_to = pruned.min(query.until);
    let lost = (after < lost_to).then(|| Lost {
        from: after.next(),
        to: lost_to,
    });
    Ok(Begin {
        after: after.max(lost_to),
        lost,
    })
}

/// The part of a log that is read.
#[derive(Clone, Copy)]
struct Span<'a> {
    workspace: i64,
    after: Seq,
    until: Seq,
    run: Option<&'a RunId>,
}

/// What is read of the database.
struct Statements<'c> {
    events: CachedStatement<'c>,
    messages: CachedStatement<'c>,
    sessions: Option<CachedStatement<'c>>,
}

impl<'c> Statements<'c> {
    fn prepare(connection: &'c Connection, span: Span<'_>) -> rusqlite::Result<Self> {
        let messages = if span.run.is_some() {
            MESSAGES_OF_RUN
        } else {
            MESSAGES
        };
        // A session belongs to no run.
        let sessions = span.run.is_none().then(|| {
            let sessions = sessions_sql();
            connection.prepare_cached(&sessions)
        });
        Ok(Self {
            events: connection.prepare_cached(EVENTS)?,
            messages: connection.prepare_cached(messages)?,
            sessions: sessions.transpose()?,
        })
    }
}

/// Where the events of a page come from, each in the order of its numbers.
struct Sources<'s> {
    events: Rows<'s>,
    messages: Rows<'s>,
    sessions: Option<Rows<'s>>,
    /// The newest first.
    streaming: Vec<(Seq, Streaming)>,
    /// Messages whose rows do not count.
    hidden: Vec<i64>,
}

/// The state that comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NextState {
    Message,
    Session,
    Streaming,
}

impl<'s> Sources<'s> {
    fn new(
        statements: &'s mut Statements<'_>,
        span: Span<'_>,
        finished_only: bool,
        mut streaming: Vec<Streaming>,
    ) -> rusqlite::Result<Self> {
        let published = |live: &Streaming| live.seq.is_some_and(|seq| seq <= span.until);
        if !finished_only {
            streaming.retain(published);
        }
        let hidden = streaming.iter().map(|live| live.row).collect();
        let mut streamed: Vec<_> = streaming
            .into_iter()
            .filter(|_| !finished_only)
            .filter(|live| span.run.is_none_or(|run| live.run.as_ref() == Some(run)))
            .filter_map(|live| Some((live.seq?, live)))
            .filter(|(seq, _)| *seq > span.after)
            .collect();
        streamed.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
        let (workspace, after) = (span.workspace, rows::number(span.after));
        let states = (workspace, after, rows::number(span.until));
        let mut sources = Self {
            events: statements.events.query((workspace, after))?,
            messages: match span.run {
                Some(run) => {
                    let (workspace, after, until) = states;
                    let of_run = (workspace, after, until, run.as_str());
                    statements.messages.query(of_run)?
                }
                None => statements.messages.query(states)?,
            },
            sessions: match &mut statements.sessions {
                Some(sessions) => Some(sessions.query(states)?),
                None => None,
            },
            streaming: streamed,
            hidden,
        };
        sources.events.advance()?;
        sources.next_message()?;
        if let Some(sessions) = &mut sources.sessions {
            sessions.advance()?;
        }
        Ok(sources)
    }

    /// The row that has events up to a number, if any of them can be after what has been read.
    fn events_before(&self, upto: Seq, through: Seq) -> rusqlite::Result<Option<&Row<'s>>> {
        let Some(row) = self.events.get().filter(|_| through < upto) else {
            return Ok(None);
        };
        Ok((rows::seq(row, 0)? <= upto).then_some(row))
    }

    /// The state with the lowest number.
    fn next_state(&self) -> rusqlite::Result<Option<(Seq, NextState)>> {
        let message = self.messages.get().map(|row| rows::seq(row, 0));
        let session = self.sessions.as_ref().and_then(Rows::get);
        let session = session.map(|row| rows::seq(row, SESSION_SEQ));
        let candidates = [
            message.transpose()?.map(|seq| (seq, NextState::Message)),
            session.transpose()?.map(|seq| (seq, NextState::Session)),
            self.streaming
                .last()
                .map(|(seq, _)| (*seq, NextState::Streaming)),
        ];
        Ok(candidates.into_iter().flatten().min_by_key(|(seq, _)| *seq))
    }

    fn next_message(&mut self) -> rusqlite::Result<()> {
        loop {
            self.messages.advance()?;
            let row: Option<i64> = self.messages.get().map(|row| row.get(1)).transpose()?;
            if row.is_none_or(|row| !self.hidden.contains(&row)) {
                return Ok(());
            }
        }
    }
}

/// Where the number of a session is.
const SESSION_SEQ: usize = 11;

/// A page under construction.
struct Page<'a> {
    epoch: &'a Epoch,
    frames: &'a mut Vec<u8>,
    /// The page is whole up to here.
    through: Seq,
}

impl Page<'_> {
    /// Adds what comes next, until there is nothing more or enough; says whether there is nothing more.
    fn fill(&mut self, sources: &mut Sources<'_>, span: Span<'_>) -> rusqlite::Result<bool> {
        let mut rows_left = PAGE_ROWS;
        loop {
            let state = sources.next_state()?;
            let upto = state.map_or(span.until, |(seq, _)| Seq(seq.0 - 1));
            let row = sources.events_before(upto, self.through)?;
            if row.is_none() && state.is_none() {
                return Ok(true);
            }
            if self.frames.len() >= PAGE_BYTES || rows_left == 0 {
                return Ok(false);
            }
            match (row, state) {
                (Some(row), _) => {
                    rows_left -= 1;
                    if self.add_events(row, upto, span.run)? {
                        sources.events.advance()?;
                    }
                }
                (None, Some((seq, state))) => self.add_state(seq, state, sources)?,
                (None, None) => return Ok(true),
            }
        }
    }

    /// Adds the events of a row up to a number, and says whether nothing of the row is left.
    fn add_events(
        &mut self,
        row: &Row<'_>,
        upto: Seq,
        run: Option<&RunId>,
    ) -> rusqlite::Result<bool> {
        let (first, last) = (rows::seq(row, 0)?, rows::seq(row, 1)?);
        let wanted = Wanted {
            after: self.through,
            upto,
            run,
        };
        if wanted.is_whole(first, last) {
            let frames = sound_frames(row.get_ref(3)?.as_blob()?);
            self.frames
                .extend_from_slice(frames.map_err(|error| unreadable(3, error))?);
        } else {
            let parts = wanted.parts(first, row.get_ref(2)?.as_blob()?);
            let parts = parts.map_err(|_bad_entries| unreadable(2, Unreadable))?;
            // The frames are not even read where none is wanted.
            for part in parts {
                let frames = row.get_ref(3)?.as_blob()?;
                let frames = frames.get(part).ok_or(Unreadable).and_then(sound_frames);
                self.frames
                    .extend_from_slice(frames.map_err(|error| unreadable(3, error))?);
            }
        }
        self.through = self.through.max(last.min(upto));
        Ok(last <= upto)
    }

    fn add_state(
        &mut self,
        seq: Seq,
        state: NextState,
        sources: &mut Sources<'_>,
    ) -> rusqlite::Result<()> {
        match state {
            NextState::Message => {
                if let Some(row) = sources.messages.get() {
                    let body = sound_body(row.get_ref(2)?.as_bytes()?);
                    let body = body.map_err(|error| unreadable(2, error))?;
                    write_frame_id(self.frames, self.epoch, seq);
                    let (out, change) = (&mut *self.frames, ChangeKind::Updated);
                    write_change_frame(out, "message", seq, self.epoch, change, body);
                }
                sources.next_message()?;
            }
            NextState::Session => {
                if let Some(rows) = &mut sources.sessions {
                    if let Some(row) = rows.get() {
                        let session = sessions::session(row)?;
                        self.add_event(seq, &Event::Session(Change::updated(session)));
                    }
                    rows.advance()?;
                }
            }
            NextState::Streaming => {
                if let Some((_, live)) = sources.streaming.pop() {
                    self.add_event(seq, &Event::Message(Change::updated(live.message)));
                }
            }
        }
        self.through = seq;
        Ok(())
    }

    fn add_event(&mut self, seq: Seq, event: &Event) {
        write_frame_id(self.frames, self.epoch, seq);
        let envelope = EnvelopeRef {
            event,
            seq: Some(seq),
            epoch: Some(self.epoch),
        };
        write_frame(self.frames, envelope);
    }
}

/// What is in a row is not what was written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("events cannot be read")]
struct Unreadable;

/// Frames go to readers as they are. SQLite does not see what becomes of the inside of a long value, so this looks whether
/// it is still text in frames: a page of noise, or one that was never written, is not.
fn sound_frames(frames: &[u8]) -> Result<&[u8], Unreadable> {
    let is_framed = frames.starts_with(b"id: ") && frames.ends_with(b"\n\n");
    sound(frames, is_framed && is_free_of_control(frames, b'\n'))
}

/// The same of a message as it is kept, which has no line end.
fn sound_body(body: &[u8]) -> Result<&[u8], Unreadable> {
    let is_object = body.starts_with(b"{") && body.ends_with(b"}");
    sound(body, is_object && is_free_of_control(body, b' '))
}

fn sound(bytes: &[u8], has_form: bool) -> Result<&[u8], Unreadable> {
    let is_sound = has_form && std::str::from_utf8(bytes).is_ok();
    is_sound.then_some(bytes).ok_or(Unreadable)
}

/// Whether there is no control character but this one. Not searched, and added up in a byte: that is many bytes at once.
fn is_free_of_control(bytes: &[u8], but: u8) -> bool {
    let controls = bytes.iter().fold(0, |found, &byte| {
        found | u8::from(byte < b' ' && byte != but)
    });
    controls == 0
}

fn unreadable(column: usize, error: Unreadable) -> rusqlite::Error {
    rows::unreadable(column, Type::Blob, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn a_page_goes_along_its_indexes_and_no_further() {
        let log = "sqlite_autoindex_event_chunks_1 (workspace=? AND last_seq>?)";
        plan::check(EVENTS, &[log]);
        let messages = "messages_by_seq (workspace=? AND seq>? AND seq<?)";
        plan::check(MESSAGES, &[messages]);
        let sessions = "sessions_by_seq (workspace=? AND seq>? AND seq<?)";
        plan::check(&sessions_sql(), &[sessions]);
        // What a run wrote is little, and is put in order.
        let of_run = "messages_by_run (workspace=? AND run_id=?)";
        plan::check_sorted(MESSAGES_OF_RUN, &[of_run]);
    }
}
