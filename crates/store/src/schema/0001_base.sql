-- What the server keeps: workspaces, their histories, their runs, their event logs.
--
-- Times are milliseconds since 1970-01-01 UTC and are only for what people read: no order depends on them. A row that
-- belongs to a workspace names it by `workspaces.id`. Nothing is deleted by cascade: whoever deletes says so.

-- Facts about the file itself. `restored` is there when the file is a copy made by a backup and has not been opened
-- since: whoever opens it first gives every workspace a new epoch, and removes the row.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;

CREATE TABLE workspaces (
    id             INTEGER PRIMARY KEY,
    uuid           BLOB NOT NULL UNIQUE,
    path           BLOB NOT NULL,     -- as the operating system writes it; not always text
    epoch          TEXT NOT NULL,
    next_seq       INTEGER NOT NULL,  -- where the numbers go on, after a clean close
    reserved_seq   INTEGER NOT NULL,  -- no number beyond this one has been used
    pruned_seq     INTEGER NOT NULL,  -- events up to this one are no longer kept
    compacted_seq  INTEGER NOT NULL,  -- rows of events up to this one are as large as they should be
    seen_seq       INTEGER,           -- the last number that the clients in `streams` may have seen, where recovery has
                                      -- used later ones
    is_open        INTEGER NOT NULL,  -- 1 while a process has it open
    channels       TEXT NOT NULL,     -- JSON array of strings
    on_last_detach TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    opened_ms      INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id                 INTEGER PRIMARY KEY,
    workspace          INTEGER NOT NULL,
    session_id         TEXT NOT NULL,
    parent_session_id  TEXT,
    title              TEXT NOT NULL,
    message_count      INTEGER NOT NULL,
    prompt_tokens      INTEGER NOT NULL,
    completion_tokens  INTEGER NOT NULL,
    summary_message_id TEXT,
    cost               REAL NOT NULL,
    todos              TEXT,              -- JSON array, null when there are none
    created_ms         INTEGER NOT NULL,
    updated_ms         INTEGER NOT NULL,
    changed_seq        INTEGER NOT NULL,  -- the number of the event that changed it last: the order of changes
    seq                INTEGER,           -- the number of its last `session updated` event
    -- What that event said of these two, which also change without one: it says the same when it is read again.
    told_count         INTEGER,
    told_ms            INTEGER,
    UNIQUE (workspace, session_id)
) STRICT;
CREATE INDEX sessions_by_seq ON sessions (workspace, seq) WHERE seq IS NOT NULL;

-- Ordered by `id`, which is the order of adding.
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY,
    workspace  INTEGER NOT NULL,
    session    INTEGER NOT NULL,  -- sessions.id
    message_id TEXT NOT NULL,
    run_id     TEXT,
    role       TEXT NOT NULL,
    seq        INTEGER,           -- the number of its last `message updated` event
    is_live    INTEGER NOT NULL,  -- 1 while a process may stream it: readers may have seen more than is here
    body       TEXT NOT NULL,     -- the whole message as JSON, without what is in `message_chunks`
    UNIQUE (workspace, message_id)
) STRICT;
CREATE INDEX messages_by_session ON messages (session, id);
CREATE INDEX messages_by_run ON messages (workspace, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX messages_by_seq ON messages (workspace, seq) WHERE seq IS NOT NULL;
CREATE INDEX messages_live ON messages (workspace) WHERE is_live = 1;
CREATE INDEX messages_of_people ON messages (workspace, session) WHERE role = 'user';

-- How a message that is being streamed has grown since its body was written, in the order of `n`. Appended, and gone
-- when the message is finished.
CREATE TABLE message_chunks (
    message INTEGER NOT NULL,  -- messages.id
    n       INTEGER NOT NULL,
    steps   BLOB NOT NULL,     -- src/live/growth.rs
    PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;

-- Ordered by `id`, which is the order of recording. A run outlives its session, but for what it answered.
CREATE TABLE runs (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL,
    run_id      TEXT NOT NULL,
    session_id  TEXT NOT NULL,
    state       TEXT NOT NULL,
    position    INTEGER NOT NULL,  -- how many runs of the session went before it when it was accepted
    when_busy   TEXT NOT NULL,
    named       INTEGER NOT NULL,  -- 1 when the caller gave the run its name
    receipt_seq INTEGER NOT NULL,
    accepted_ms INTEGER NOT NULL,
    started_ms  INTEGER,
    ended_ms    INTEGER,
    prompt      TEXT NOT NULL,
    error       TEXT,
    reason      TEXT,
    message_id  TEXT,
    text        TEXT,
    folded_into TEXT,
    usage       TEXT,              -- JSON
    UNIQUE (workspace, run_id)
) STRICT;
-- A run moves from the first to the others when it ends, so that to accept one costs little.
CREATE INDEX runs_unfinished ON runs (workspace) WHERE ended_ms IS NULL;
CREATE INDEX runs_finished ON runs (workspace) WHERE ended_ms IS NOT NULL;
CREATE INDEX runs_finished_by_session ON runs (workspace, session_id) WHERE ended_ms IS NOT NULL;

CREATE TABLE run_attachments (
    run       INTEGER NOT NULL,  -- runs.id
    n         INTEGER NOT NULL,
    file_path TEXT NOT NULL,
    file_name TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    content   BLOB NOT NULL,
    PRIMARY KEY (run, n)
) STRICT;

CREATE TABLE idempotency_keys (
    workspace INTEGER NOT NULL,
    key       TEXT NOT NULL,
    run       INTEGER NOT NULL,  -- runs.id
    PRIMARY KEY (workspace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_run ON idempotency_keys (run);

-- Events that must arrive, some neighbors to a row, as they are sent. Ordered by `id`, the oldest first.
CREATE TABLE event_chunks (
    id         INTEGER PRIMARY KEY,
    workspace  INTEGER NOT NULL,
    first_seq  INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL,
    events     INTEGER NOT NULL,
    written_ms INTEGER NOT NULL,
    entries    BLOB NOT NULL,     -- src/event_log/entries.rs: the number, the length and the run of each event
    frames     BLOB NOT NULL,
    UNIQUE (workspace, last_seq)
) STRICT;

-- Which clients follow a workspace now, or followed it when a process died and have not come back since: they are given
-- what they missed.
CREATE TABLE streams (
    workspace INTEGER NOT NULL,
    client    BLOB NOT NULL,
    seen      INTEGER,           -- the last number that one who has not come back may have seen; null while it follows
    PRIMARY KEY (workspace, client)
) STRICT, WITHOUT ROWID;

-- Ordered by `id`, which is the order of reading: who reads a file again gets a new row.
CREATE TABLE files_read (
    id      INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,  -- sessions.id
    path    TEXT NOT NULL,
    read_ms INTEGER NOT NULL,
    UNIQUE (session, path)
) STRICT;
