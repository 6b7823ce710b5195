//! The engine as its users see it. Nothing here sleeps: a change that waits for the test stands for a slow disk.

mod batches;
mod stage;
