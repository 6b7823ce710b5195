//! Owns the clients that watch the streams of workspaces for a mark. It must never know what else is on them.

use std::io::{self, Read};

use tokio::time::Instant;

use crate::{
    Result,
    net::{Address, PATIENCE, Stream},
    poller::Poller,
    readers::open,
};

/// What the terminal event of a run begins with.
const END_OF_RUN: &[u8] = br#"data: {"type":"run_complete""#;

/// One stream, waited on.
pub(super) struct Watcher {
    stream: Stream,
    /// What was read and not looked at, or may be the beginning of a mark.
    unread: Vec<u8>,
    buffer: Vec<u8>,
}

/// Many streams, read at the same time.
pub(super) struct Crowd {
    poller: Poller,
    watched: Vec<Watched>,
    buffer: Vec<u8>,
}

/// One of many streams.
struct Watched {
    stream: Stream,
    /// What may be the beginning of a mark.
    tail: Vec<u8>,
}

impl Watcher {
    /// Opens a stream.
    pub(super) fn open(address: &Address, path: &str) -> Result<Self> {
        Ok(Self {
            stream: open(address, path)?,
            unread: Vec::new(),
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Reads until a run has ended.
    pub(super) fn end_of_run(&mut self) -> Result<()> {
        self.find(END_OF_RUN).map(|_| ())
    }

    /// Reads until a mark has come, and says when that was.
    pub(super) fn find(&mut self, mark: &[u8]) -> Result<Instant> {
        let mut came = Instant::now();
        loop {
            if let Some(place) = place_of(mark, &self.unread) {
                self.unread.drain(..place + mark.len());
                return Ok(came);
            }
            let kept = self.unread.len().min(mark.len() - 1);
            self.unread.drain(..self.unread.len() - kept);
            let read = self.stream.read(&mut self.buffer)?;
            came = Instant::now();
            if read == 0 {
                return Err("a stream ended".into());
            }
            self.unread.extend_from_slice(&self.buffer[..read]);
        }
    }
}

impl Crowd {
    /// Opens a stream for each path.
    pub(super) fn open(address: &Address, paths: impl Iterator<Item = String>) -> Result<Self> {
        let poller = Poller::new()?;
        let mut watched = Vec::new();
        for path in paths {
            let stream = open(address, &path)?;
            stream.set_nonblocking()?;
            poller.add(&stream, watched.len())?;
            let tail = Vec::new();
            watched.push(Watched { stream, tail });
        }
        Ok(Self {
            poller,
            watched,
            buffer: vec![0; 256 * 1024],
        })
    }

    /// Reads everything until so many more runs have ended, on all streams together. How many bytes that was.
    pub(super) fn ends_of_runs(&mut self, runs: usize) -> Result<usize> {
        let (mut ended, mut bytes) = (0, 0);
        while ended < runs {
            let mut is_silent = true;
            for number in self.poller.wait(PATIENCE)? {
                is_silent = false;
                let watched = &mut self.watched[number];
                let read = watched.read(&mut self.buffer)?;
                ended += watched.count_ends(&self.buffer[..read]);
                bytes += read;
            }
            if is_silent {
                return Err("the server has fallen silent".into());
            }
        }
        Ok(bytes)
    }
}

impl Watched {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self.stream.read(buffer) {
            Ok(0) => Err("a stream ended".into()),
            Ok(read) => Ok(read),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    fn count_ends(&mut self, read: &[u8]) -> usize {
        self.tail.extend_from_slice(read);
        let mut ends = 0;
        let mut from = 0;
        while let Some(place) = place_of(END_OF_RUN, &self.tail[from..]) {
            from += place + END_OF_RUN.len();
            ends += 1;
        }
        let kept = (self.tail.len() - from).min(END_OF_RUN.len() - 1);
        self.tail.drain(..self.tail.len() - kept);
        ends
    }
}

fn place_of(mark: &[u8], bytes: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}
