//! Databases that are sound, that are not, and copies of them.

mod backups;
mod checks;
mod hand;
