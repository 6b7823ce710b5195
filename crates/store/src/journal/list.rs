//! Lists of runs and their pages.

use runwright_agent::RunQuery;
use runwright_proto::{Run, RunId, RunList, RunState};
use rusqlite::{Connection, OptionalExtension, named_params};

use super::record::{self, RUN};

/// How many runs a page has when the caller does not say.
const PAGE: usize = 100;

/// Lists runs, the newest first.
///
/// # Errors
/// The inner one: the run that the page begins after, if it does not exist.
pub(super) fn list(
    connection: &Connection,
    workspace: i64,
    query: &RunQuery,
) -> rusqlite::Result<Result<RunList, RunId>> {
    let before = match &query.after {
        None => i64::MAX,
        Some(run) => match row_of(connection, workspace, run)? {
            Some(row) => row,
            None => return Ok(Err(run.clone())),
        },
    };
    let limit = query.limit.unwrap_or(PAGE);
    // One more than the page has, to know whether anything follows.
    let asked = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut statement = connection.prepare_cached(&select(query))?;
    let rows = statement.query_map(
        named_params! {
            ":workspace": workspace,
            ":before": before,
            ":limit": asked,
            ":session": query.session_id.as_ref().map(AsRef::<str>::as_ref),
            ":state": query.state.map(RunState::as_str),
        },
        record::run,
    )?;
    let mut runs = rows.collect::<rusqlite::Result<Vec<Run>>>()?;
    let more = runs.len() > limit;
    runs.truncate(limit);
    let last = runs.last().filter(|_| more);
    let next_cursor = last.map(|run| run.run_id.to_string());
    Ok(Ok(RunList { runs, next_cursor }))
}

/// A statement for each combination of filters, so that each goes along its index. A run that is over is in other ones
/// than a run that is not: to be accepted costs little, and both are in the order of recording.
fn select(query: &RunQuery) -> String {
    let session = match query.session_id {
        Some(_) => "session_id = :session",
        None => ":session IS NULL",
    };
    let state = match query.state {
        Some(_) => "state = :state",
        None => ":state IS NULL",
    };
    let part = |ended: &str| {
        format!(
            "SELECT {RUN}, id FROM runs
             WHERE workspace = :workspace AND ended_ms {ended} AND id < :before AND {session} AND {state}"
        )
    };
    let (unfinished, finished) = (part("IS NULL"), part("IS NOT NULL"));
    let all = match query.state {
        Some(state) if state.is_terminal() => finished,
        Some(_) => unfinished,
        None => format!("{unfinished} UNION ALL {finished}"),
    };
    format!("{all} ORDER BY id DESC LIMIT :limit")
}

fn row_of(connection: &Connection, workspace: i64, run: &RunId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM runs WHERE workspace = ?1 AND run_id = ?2")?
        .query_row((workspace, run.as_str()), |row| row.get(0))
        .optional()
}

#[cfg(test)]
mod tests {
    use runwright_proto::SessionId;

    use super::*;
    use crate::plan;

    #[test]
    fn a_page_goes_along_its_index_and_no_further() {
        let session: SessionId = "s".parse().unwrap();
        let query = |session: Option<&SessionId>, state| {
            select(&RunQuery {
                session_id: session.cloned(),
                state,
                ..RunQuery::default()
            })
        };
        let unfinished = "runs_unfinished (workspace=? AND rowid<?)";
        let finished = "runs_finished (workspace=? AND rowid<?)";
        let of_session = "runs_finished_by_session (workspace=? AND session_id=? AND rowid<?)";
        plan::check(&query(None, None), &[unfinished, finished]);
        plan::check(&query(Some(&session), None), &[unfinished, of_session]);
        plan::check(&query(None, Some(RunState::Queued)), &[unfinished]);
        plan::check(
            &query(Some(&session), Some(RunState::Queued)),
            &[unfinished],
        );
        plan::check(&query(None, Some(RunState::Failed)), &[finished]);
        plan::check(
            &query(Some(&session), Some(RunState::Failed)),
            &[of_session],
        );
    }
}
