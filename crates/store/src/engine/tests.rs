//! The engine as its users see it. Nothing here sleeps: a change that waits for the test stands for a slow disk.

mod batches;
mod closing;
mod faults;
mod idle;
mod lazy;
mod mixtures;
mod overload;
mod reading;
mod stage;
