//! Owns the two ceilings of a replay: rows of framed events in a table, and the same bytes in a file. Neither cuts a row,
//! merges what is kept elsewhere, or hands over to another thread. It must never know the product.

use std::{fs::File, hint::black_box, os::unix::fs::FileExt, path::Path};

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags};

use crate::Result;

/// Events in a row (performance 9).
const ROW: usize = 64;

/// How many bytes are handed over at once.
const PAGE: usize = 256 * 1024;

/// Rows of events, the last number of each being its key.
#[derive(Debug)]
pub(crate) struct Rows(Connection);

/// Events one after the other, the length of each before it.
#[derive(Debug)]
pub(crate) struct Flat {
    file: File,
    length: u64,
}

impl Rows {
    /// Stores frames.
    pub(crate) fn of(frames: &[Bytes], dir: &Path) -> Result<Self> {
        let path = dir.join("rows.db");
        let mut writer = Connection::open(&path)?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.execute_batch(
            "CREATE TABLE rows (id INTEGER PRIMARY KEY, workspace INTEGER NOT NULL, last_seq INTEGER NOT NULL,
                                frames BLOB NOT NULL, UNIQUE (workspace, last_seq)) STRICT",
        )?;
        let transaction = writer.transaction()?;
        let mut last = 0_i64;
        for row in frames.chunks(ROW) {
            last += i64::try_from(row.len())?;
            transaction
                .prepare_cached(
                    "INSERT INTO rows (workspace, last_seq, frames) VALUES (1, ?1, ?2)",
                )?
                .execute((last, row.concat()))?;
        }
        transaction.commit()?;
        drop(writer);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Self(Connection::open_with_flags(&path, flags)?))
    }

    /// Reads everything and returns how many bytes it is.
    pub(crate) fn read(&self) -> Result<usize> {
        let mut statement = self.0.prepare_cached(
            "SELECT last_seq, frames FROM rows WHERE workspace = 1 AND last_seq > ?1 ORDER BY last_seq",
        )?;
        let (mut after, mut total) = (0_i64, 0);
        loop {
            let mut page = Vec::with_capacity(PAGE + PAGE / 8);
            let mut rows = statement.query([after])?;
            while page.len() < PAGE
                && let Some(row) = rows.next()?
            {
                after = row.get(0)?;
                page.extend_from_slice(row.get_ref(1)?.as_blob()?);
            }
            if page.is_empty() {
                return Ok(total);
            }
            total += black_box(Bytes::from(page)).len();
        }
    }
}

impl Flat {
    /// Stores frames.
    pub(crate) fn of(frames: &[Bytes], dir: &Path) -> Result<Self> {
        let path = dir.join("flat.log");
        let mut bytes = Vec::new();
        for frame in frames {
            bytes.extend_from_slice(&u32::try_from(frame.len())?.to_le_bytes());
            bytes.extend_from_slice(frame);
        }
        std::fs::write(&path, &bytes)?;
        Ok(Self {
            file: File::open(path)?,
            length: bytes.len() as u64,
        })
    }

    /// Reads everything, from event to event, and returns how many bytes it is.
    pub(crate) fn read(&self) -> Result<usize> {
        let (mut at, mut total) = (0, 0);
        while at < self.length {
            let length = (self.length - at).min(PAGE as u64);
            let mut page = vec![0; usize::try_from(length)?];
            self.file.read_exact_at(&mut page, at)?;
            let whole = walk(&page);
            if whole == 0 {
                return Err("an event does not end".into());
            }
            page.truncate(whole);
            total += black_box(Bytes::from(page)).len();
            at += whole as u64;
        }
        Ok(total)
    }
}

/// Where the last event ends that is there as a whole.
fn walk(page: &[u8]) -> usize {
    let mut at = 0;
    while let Some((length, rest)) = page[at..].split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        if rest.len() < length {
            break;
        }
        at += size_of::<u32>() + length;
    }
    at
}
