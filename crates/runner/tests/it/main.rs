//! The built-in agent through its port.

mod offline;
mod stage;
