//! A change on its way through the writer, with the one who waits for it.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::answer::Answer;
use super::batch::Batch;
use crate::error::StoreError;

/// A change, and what is to be done when it is stored or not.
pub(super) trait Job<P>: Send {
    /// Makes the change. May be called again after the batch was undone.
    fn run(&mut self, batch: &mut Batch<'_, P>) -> rusqlite::Result<()>;

    /// Says what became of it.
    fn end(self: Box<Self>, result: Result<(), &StoreError>);
}

/// A change that somebody waits for.
pub(super) struct Write<T, F> {
    change: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

/// A change that nobody waits for, and what is to be done when it is stored or not.
pub(super) struct Told<F, D> {
    change: F,
    done: D,
}

impl<T, F> Write<T, F> {
    pub(super) fn new(change: F, file: Arc<Path>) -> (Self, Answer<T>) {
        let (reply, answer) = oneshot::channel();
        let job = Self {
            change,
            value: None,
            reply,
        };
        (job, Answer::waiting(answer, file))
    }
}

impl<P, T, F> Job<P> for Write<T, F>
where
    T: Send,
    F: FnMut(&mut Batch<'_, P>) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, batch: &mut Batch<'_, P>) -> rusqlite::Result<()> {
        self.value = Some((self.change)(batch)?);
        Ok(())
    }

    fn end(self: Box<Self>, result: Result<(), &StoreError>) {
        let answer = match result {
            Ok(()) => Ok(self.value.expect("invariant: what is stored has run")),
            Err(error) => Err(error.clone()),
        };
        // Whoever asked may have gone away; the change stays.
        drop(self.reply.send(answer));
    }
}

impl<F, D> Told<F, D> {
    pub(super) fn new(change: F, done: D) -> Self {
        Self { change, done }
    }
}

impl<P, F, D> Job<P> for Told<F, D>
where
    F: FnMut(&mut Batch<'_, P>) -> rusqlite::Result<()> + Send,
    D: FnOnce(Result<(), &StoreError>) + Send,
{
    fn run(&mut self, batch: &mut Batch<'_, P>) -> rusqlite::Result<()> {
        (self.change)(batch)
    }

    fn end(self: Box<Self>, result: Result<(), &StoreError>) {
        (self.done)(result);
    }
}
