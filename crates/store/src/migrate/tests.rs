//! From every schema there was, with something in each table, to the newest one.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::*;

/// The rows of each table.
type Content = BTreeMap<String, Vec<Vec<Value>>>;

fn empty() -> Connection {
    Connection::open_in_memory().unwrap()
}

fn migrated(connection: &mut Connection, schemas: &[&str]) -> Result<(), OpenStoreError> {
    migrate_to(connection, Path::new("test.db"), schemas)
}

fn user_version(connection: &Connection) -> u32 {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// What makes the tables and indices, in the order of their names.
fn objects(connection: &Connection) -> Vec<(String, Option<String>)> {
    let mut select = connection
        .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
        .unwrap();
    let rows = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
               AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut select = connection.prepare(sql).unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn content(connection: &Connection, tables: &[String]) -> Content {
    let rows = |table: &String| {
        let mut select = connection
            .prepare(&format!("SELECT * FROM {table}"))
            .unwrap();
        let columns = select.column_count();
        let rows = select
            .query_map([], |row| (0..columns).map(|n| row.get(n)).collect())
            .unwrap();
        (table.clone(), rows.map(Result::unwrap).collect())
    };
    tables.iter().map(rows).collect()
}

/// Puts one row into each table, with a value of its type in each column.
fn fill(connection: &Connection) {
    for table in tables(connection) {
        let sql = format!(
            "SELECT group_concat(CASE type WHEN 'TEXT' THEN '''text''' WHEN 'BLOB' THEN 'x''b10b''' \
             WHEN 'REAL' THEN '1.5' ELSE '7' END) FROM pragma_table_info('{table}')"
        );
        let values: String = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        connection
            .execute(&format!("INSERT INTO {table} VALUES ({values})"), [])
            .unwrap();
    }
}

#[test]
fn an_empty_database_gets_the_newest_schema_once() {
    let mut connection = empty();
    migrated(&mut connection, &SCHEMAS).unwrap();
    assert_eq!(user_version(&connection), 2);
    fill(&connection);
    let (schema, rows) = (
        objects(&connection),
        content(&connection, &tables(&connection)),
    );
    let changes = connection.total_changes();

    migrated(&mut connection, &SCHEMAS).unwrap();
    assert_eq!(objects(&connection), schema);
    assert_eq!(content(&connection, &tables(&connection)), rows);
    assert_eq!(connection.total_changes(), changes);
}

#[test]
fn every_schema_there_was_becomes_the_newest_and_keeps_its_rows() {
    let mut fresh = empty();
    migrated(&mut fresh, &SCHEMAS).unwrap();
    for known in 1..SCHEMAS.len() {
        let mut connection = empty();
        migrated(&mut connection, &SCHEMAS[..known]).unwrap();
        fill(&connection);
        let before = tables(&connection);
        let rows = content(&connection, &before);

        migrated(&mut connection, &SCHEMAS).unwrap();
        assert_eq!(content(&connection, &before), rows, "from schema {known}");
        assert_eq!(objects(&connection), objects(&fresh), "from schema {known}");
    }
}

#[test]
fn a_schema_that_fails_leaves_the_one_before_it() {
    let mut connection = empty();
    migrated(&mut connection, &SCHEMAS[..1]).unwrap();
    let before = objects(&connection);
    let bad = "CREATE TABLE new (a); CREATE TABLE runs (b);";
    let error = migrated(&mut connection, &[SCHEMAS[0], bad]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "schema 2 could not be made in `test.db`; nothing was changed"
    );
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("table runs already exists"), "{cause}");
    assert_eq!(
        (user_version(&connection), objects(&connection)),
        (1, before)
    );

    migrated(&mut connection, &SCHEMAS).unwrap();
    assert_eq!(user_version(&connection), 2);
}

#[test]
fn a_newer_database_is_left_alone() {
    let mut connection = empty();
    migrated(&mut connection, &SCHEMAS).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    let error = migrated(&mut connection, &SCHEMAS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`test.db` has schema 3, and this program knows schemas up to 2; start the newer program, or restore a \
         backup"
    );
    assert_eq!(user_version(&connection), 3);
}

#[test]
fn a_database_of_somebody_else_is_left_alone() {
    for sql in [
        "CREATE TABLE theirs (a)",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 7",
    ] {
        let mut connection = empty();
        connection.execute_batch(sql).unwrap();
        let before = objects(&connection);
        let error = migrated(&mut connection, &SCHEMAS).unwrap_err();
        assert!(
            matches!(error, OpenStoreError::Foreign { .. }),
            "{sql}: {error}"
        );
        assert_eq!(objects(&connection), before, "{sql}");
    }
}
