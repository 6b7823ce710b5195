//! The scripted provider itself, by clients that speak HTTP byte by byte.

mod answers;
mod client;
mod closing;
mod cutting;
mod failures;
mod flooding;
mod requests;
mod steps;
mod unreachable;
