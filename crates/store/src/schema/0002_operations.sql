-- What is asked of people while a run goes on, and what people did.

CREATE TABLE approvals (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace     INTEGER NOT NULL,
    permission_id TEXT NOT NULL,
    session_id    TEXT NOT NULL,
    run_id        TEXT,
    kind          TEXT NOT NULL,     -- `permission` or `question`
    request       TEXT NOT NULL,     -- JSON
    state         TEXT NOT NULL,     -- `open`, or how it was resolved
    answer        TEXT,              -- JSON
    resolved_by   BLOB,              -- the client; null when a rule did
    asked_ms      INTEGER NOT NULL,
    resolved_ms   INTEGER,
    UNIQUE (workspace, permission_id)
) STRICT;
CREATE INDEX approvals_open ON approvals (workspace, id) WHERE state = 'open';
CREATE INDEX approvals_by_run ON approvals (workspace, run_id) WHERE run_id IS NOT NULL;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms INTEGER NOT NULL,
    entry   TEXT NOT NULL      -- JSON: who did what; never the text of a prompt
) STRICT;
CREATE INDEX audit_by_time ON audit (time_ms);
