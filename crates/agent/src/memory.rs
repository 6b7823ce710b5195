//! A journal and a transcript that live in memory: for tests, and for whoever embeds the house without a disk. What
//! they hold is gone with the process; everything else is as the ports promise.

mod journal;
mod transcript;

pub use self::journal::MemoryJournal;
pub use self::transcript::MemoryTranscript;
