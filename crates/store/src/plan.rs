//! How SQLite goes about a query, for tests: a page of a large table must not read the table.

use rusqlite::Connection;

/// Checks that a query goes along these indexes, in this order, reads no whole table and sorts nothing.
#[track_caller]
pub(crate) fn check(sql: &str, indexes: &[&str]) {
    let steps = steps(sql);
    assert!(!steps.iter().any(|step| is_sort(step)), "{steps:#?}");
    check_searches(&steps, indexes);
}

/// The same, but what is found is sorted.
#[track_caller]
pub(crate) fn check_sorted(sql: &str, indexes: &[&str]) {
    check_searches(&steps(sql), indexes);
}

/// Checks that a query reads these and nothing else, in this order; a whole index where it is of what is wanted alone.
#[track_caller]
pub(crate) fn check_scans(sql: &str, read: &[&str]) {
    let steps = steps(sql);
    let found = steps.iter().filter(|step| is_read(step));
    let found: Vec<&str> = found.map(String::as_str).collect();
    assert_eq!(found.len(), read.len(), "{steps:#?}");
    for (found, wanted) in found.iter().zip(read) {
        assert!(found.contains(wanted), "{wanted} is not in {steps:#?}");
    }
}

#[track_caller]
fn check_searches(steps: &[String], indexes: &[&str]) {
    let searches: Vec<_> = steps.iter().filter(|step| is_read(step)).collect();
    assert_eq!(searches.len(), indexes.len(), "{steps:#?}");
    for (search, index) in searches.iter().zip(indexes) {
        let is_wanted = search.starts_with("SEARCH") && search.ends_with(index);
        assert!(is_wanted, "{index} is not the end of {search}");
    }
}

fn is_read(step: &str) -> bool {
    step.starts_with("SEARCH") || step.starts_with("SCAN")
}

fn is_sort(step: &str) -> bool {
    step.starts_with("USE TEMP B-TREE")
}

fn steps(sql: &str) -> Vec<String> {
    let mut connection = Connection::open_in_memory().expect("a database");
    crate::migrate::migrate(&mut connection, "memory".as_ref()).expect("a schema");
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .expect("a query that fits the schema");
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().expect("a plan") {
        steps.push(row.get(3).expect("a step"));
    }
    steps
}
