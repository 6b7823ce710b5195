//! Owns the way from the bench to a role. It must never know what is done with a number.

use std::{io, os::fd::AsFd};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::net::Address;

/// The socket that is the standard input of a role.
#[derive(Debug)]
pub(crate) struct Control(UnixStream);

impl Control {
    pub(crate) fn open() -> io::Result<Self> {
        let stdin = io::stdin().as_fd().try_clone_to_owned()?;
        let stream = std::os::unix::net::UnixStream::from(stdin);
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream).map(Self)
    }

    /// Says that the role listens, and what else it has to say.
    pub(crate) async fn ready(&mut self, address: &Address, words: &str) -> io::Result<()> {
        let line = format!("{address} {words}\n");
        self.0.write_all(line.as_bytes()).await
    }

    /// Says what came of the last number.
    pub(crate) async fn say(&mut self, words: &str) -> io::Result<()> {
        self.0.write_all(format!("{words}\n").as_bytes()).await
    }

    /// Waits for the next number; nothing when the role is to end.
    pub(crate) async fn next(&mut self) -> Option<u32> {
        self.0.read_u32_le().await.ok()
    }
}
