//! The audit log: who did what, one entry after the other. Must never know what an entry says.

use rusqlite::params;

use crate::error::StoreError;
use crate::store::Store;

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it happened, in milliseconds since 1970.
    pub time_ms: i64,
    /// Who did what: one JSON object. Never the text of a prompt.
    pub json: String,
}

impl Store {
    /// Adds entries to the audit log, in their order. Does not wait: they are stored with the next changes, after
    /// 200 ms at the latest, so as many are lost when the process is killed. What could not be stored is logged.
    pub fn append_audit(&self, entries: Vec<AuditEntry>) {
        let count = entries.len();
        let store = move |batch: &mut crate::engine::Batch<'_, _>| {
            let mut insert = batch
                .connection()
                .prepare_cached("INSERT INTO audit (time_ms, entry) VALUES (?1, ?2)")?;
            entries
                .iter()
                .try_for_each(|entry| insert.execute(params![entry.time_ms, entry.json]).map(drop))
        };
        self.engine().write_lazily(store, move |stored| {
            if let Err(error) = stored {
                log(error, count);
            }
        });
    }
}

fn log(error: &StoreError, entries: usize) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, entries, "the audit log was not written");
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::options::StoreOptions;

    #[tokio::test]
    async fn entries_are_kept_in_their_order_and_are_all_there_when_the_store_is_closed() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), StoreOptions::default()).expect("it opens");
        let entry = |n: i64| AuditEntry {
            time_ms: 100 - n,
            json: format!(r#"{{"n":{n}}}"#),
        };
        store.append_audit(vec![entry(1), entry(2)]);
        store.append_audit(vec![entry(3)]);
        store.close().await;

        let database = Connection::open(folder.path().join("runwright.db")).expect("a database");
        let mut query = database
            .prepare("SELECT time_ms, entry FROM audit ORDER BY id")
            .expect("a table");
        let kept = query
            .query_map([], |row| {
                Ok(AuditEntry {
                    time_ms: row.get(0)?,
                    json: row.get(1)?,
                })
            })
            .expect("rows");
        let kept: Vec<AuditEntry> = kept.map(|entry| entry.expect("a row")).collect();
        assert_eq!(kept, [entry(1), entry(2), entry(3)]);
    }
}
