//! What a caller may learn about the storage behind a port, besides that it failed.

use std::error::Error;

/// There is no space left: what was to be stored is not, and will be again when there is space.
///
/// An implementation of a port puts it into the chain of sources of its storage error; [`is_storage_full`] finds it
/// there.
#[derive(Debug, thiserror::Error)]
#[error("no space is left")]
pub struct StorageFull(#[source] pub Box<dyn Error + Send + Sync>);

/// What is stored is damaged: it can be read, and is not what was stored. To try again does not help.
///
/// An implementation of a port puts it into the chain of sources of its storage error; [`is_storage_damaged`] finds it
/// there. A disk that fails to read is not damage: it is tried again.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StorageDamaged(pub Box<dyn Error + Send + Sync>);

/// Whether an error comes from storage that is full.
///
/// ```
/// use runwright_agent::{JournalError, StorageFull, is_storage_full};
///
/// let full = JournalError::Storage(Box::new(StorageFull("disk quota exceeded".into())));
/// let broken = JournalError::Storage("the disk does not answer".into());
/// assert!(is_storage_full(&full) && !is_storage_full(&broken));
/// ```
#[must_use]
pub fn is_storage_full(error: &(dyn Error + 'static)) -> bool {
    is_of::<StorageFull>(error)
}

/// Whether an error comes from storage that is damaged.
///
/// ```
/// use runwright_agent::{StorageDamaged, TranscriptError, is_storage_damaged};
///
/// let damaged = TranscriptError::Storage(Box::new(StorageDamaged("a page is corrupt".into())));
/// let broken = TranscriptError::Storage("the disk does not answer".into());
/// assert!(is_storage_damaged(&damaged) && !is_storage_damaged(&broken));
/// ```
#[must_use]
pub fn is_storage_damaged(error: &(dyn Error + 'static)) -> bool {
    is_of::<StorageDamaged>(error)
}

fn is_of<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<E>() {
            return true;
        }
        next = error.source();
    }
    false
}
