//! Turns of a session that a provider answers: what is asked, what readers see, and how it ends. The provider says what
//! the test tells it to, and time is paused.

mod answers;
mod cancels;
mod failures;
mod provider;
mod stage;
mod titles;
mod turns_model;
