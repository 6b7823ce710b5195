//! Owns the clients that read event streams and count what they get. It must never know what the events say.

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use crate::{
    Result,
    net::{Address, PATIENCE, Stream, status},
    poller::Poller,
};

/// Streams from one server.
pub(crate) struct Readers {
    poller: Poller,
    readers: Vec<Reader>,
    /// How many came, on all streams.
    events: u64,
    buffer: Vec<u8>,
}

/// One stream and what came on it.
#[derive(Debug)]
struct Reader {
    stream: Stream,
    /// The byte before those that come next.
    last: u8,
}

impl Readers {
    /// Opens `count` streams, each for a client of its own, and waits for the head of each answer.
    pub(crate) fn connect(address: &Address, path: &str, count: usize) -> Result<Self> {
        let poller = Poller::new()?;
        let mut readers = Vec::with_capacity(count);
        for number in 0..count {
            let stream = open(address, path)?;
            stream.set_nonblocking()?;
            poller.add(&stream, number)?;
            readers.push(Reader {
                stream,
                last: b'\n',
            });
        }
        Ok(Self {
            poller,
            readers,
            events: 0,
            buffer: vec![0; 256 * 1024],
        })
    }

    /// Reads until `more` events have come to each.
    pub(crate) fn receive(&mut self, more: u64) -> Result<()> {
        let target = self.events + more * self.readers.len() as u64;
        while self.events < target {
            if !self.read_some(PATIENCE)? {
                return Err("the server has fallen silent".into());
            }
        }
        Ok(())
    }

    fn read_some(&mut self, patience: Duration) -> Result<bool> {
        let mut any = false;
        for number in self.poller.wait(patience)? {
            any = true;
            self.events += self.readers[number].read(&mut self.buffer)?;
        }
        Ok(any)
    }
}

impl Reader {
    /// Reads what is there and counts the events in it.
    fn read(&mut self, buffer: &mut [u8]) -> Result<u64> {
        let read = match self.stream.read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        if read == 0 {
            return Err("a stream ended".into());
        }
        let mut events = 0;
        // An event is the only line that ends with a brace: a heartbeat is empty, the size of a chunk a number.
        for &byte in &buffer[..read] {
            events += u64::from(byte == b'\n' && self.last == b'}');
            self.last = byte;
        }
        Ok(events)
    }
}

/// Opens a stream. After the head of its answer nothing that is published is missed (semantics 3).
pub(crate) fn open(address: &Address, path: &str) -> Result<Stream> {
    let mut stream = address.connect()?;
    let client = uuid::Uuid::new_v4();
    let host = address.host();
    let mark = if path.contains('?') { '&' } else { '?' };
    // In one piece, as clients send it: a head that comes in pieces is put together in a larger buffer.
    let head = format!(
        "GET {path}{mark}client_id={client} HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    match status(&head)? {
        200 => Ok(stream),
        _ => Err(format!("a stream was refused: {}", String::from_utf8_lossy(&head)).into()),
    }
}
