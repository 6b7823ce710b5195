//! Owns the wait for many connections at once. It must never know what comes on them.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use rustix::event::{Timespec, epoll};

use crate::Result;

const AT_ONCE: usize = 256;

/// Waits for connections to be readable.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(AT_ONCE),
        })
    }

    /// Watches a connection under a number.
    pub(crate) fn add(&self, stream: impl AsFd, number: usize) -> io::Result<()> {
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&self.epoll, stream, data, epoll::EventFlags::IN)?;
        Ok(())
    }

    /// Waits until something is readable and names it; nothing if nothing was for that long.
    pub(crate) fn wait(&mut self, patience: Duration) -> Result<impl Iterator<Item = usize>> {
        let patience = Timespec::try_from(patience)?;
        self.events.clear();
        epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            Some(&patience),
        )?;
        Ok(self.events.iter().map(|event| event.data.u64() as usize))
    }
}
