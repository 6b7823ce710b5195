//! Owns the clients that send requests: connections that are kept alive, each with one request on its way. It must never
//! know what the requests mean.

use std::{
    io::{Read, Write},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    Result,
    net::{Address, PATIENCE, Stream, status},
    poller::Poller,
};

/// How many clients ask at the same time where nothing else is said (performance 1).
pub(crate) const CONNECTIONS: usize = 64;

/// Connections to one server.
pub(crate) struct Requests {
    poller: Poller,
    clients: Vec<Client>,
}

/// What a client sends: the same bytes each time, but for a number.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    /// Where twelve hexadecimal digits are to be different in each request.
    digits: Option<usize>,
}

#[derive(Debug)]
struct Client {
    stream: Stream,
    template: Template,
    answer: Vec<u8>,
    asked: Instant,
}

impl Template {
    pub(crate) fn get(address: &Address, path: &str) -> Self {
        let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", address.host());
        Self {
            bytes: head.into_bytes(),
            digits: None,
        }
    }

    /// A JSON body in which the marker `############` stands for a number that is different in each request.
    pub(crate) fn post(address: &Address, path: &str, body: &str) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            address.host(),
            body.len()
        );
        let text = head + body;
        Self {
            digits: text.find("############"),
            bytes: text.into_bytes(),
        }
    }

    fn number(&mut self, number: u64) {
        if let Some(at) = self.digits {
            let digits = format!("{:012x}", number & 0xffff_ffff_ffff);
            self.bytes[at..at + 12].copy_from_slice(digits.as_bytes());
        }
    }
}

impl Requests {
    /// Connects so many clients; `template` says what each sends.
    pub(crate) fn connect(
        address: &Address,
        count: usize,
        template: impl Fn(usize) -> Template,
    ) -> Result<Self> {
        let poller = Poller::new()?;
        let mut clients = Vec::with_capacity(count);
        for number in 0..count {
            let stream = address.connect()?;
            stream.set_nonblocking()?;
            poller.add(&stream, number)?;
            clients.push(Client {
                stream,
                template: template(number),
                answer: Vec::with_capacity(4096),
                asked: Instant::now(),
            });
        }
        Ok(Self { poller, clients })
    }

    /// Has about `count` requests answered, the first with the number `first`, and returns how long each took.
    ///
    /// Every client asks the same number of times, and as soon as it has its answer.
    pub(crate) fn send(&mut self, count: usize, first: u64) -> Result<Vec<Duration>> {
        let each = count / self.clients.len();
        let total = each * self.clients.len();
        let mut asked = vec![1; self.clients.len()];
        let mut next = first;
        for client in &mut self.clients {
            client.ask(next)?;
            next += 1;
        }
        let mut latencies = Vec::with_capacity(total);
        while latencies.len() < total {
            let mut silent = true;
            for number in self.poller.wait(PATIENCE)? {
                silent = false;
                let client = &mut self.clients[number];
                let Some(latency) = client.receive()? else {
                    continue;
                };
                latencies.push(latency);
                if asked[number] < each {
                    asked[number] += 1;
                    client.ask(next)?;
                    next += 1;
                }
            }
            if silent {
                return Err("the server has fallen silent".into());
            }
        }
        Ok(latencies)
    }
}

impl Client {
    fn ask(&mut self, number: u64) -> Result<()> {
        self.template.number(number);
        self.answer.clear();
        self.asked = Instant::now();
        // The answer to the request before has come, so the socket is empty and takes it all.
        let written = self.stream.write(&self.template.bytes)?;
        if written < self.template.bytes.len() {
            return Err("a request was not taken at once".into());
        }
        Ok(())
    }

    /// Reads what has come; the time since the request if that was the rest of the answer.
    fn receive(&mut self) -> Result<Option<Duration>> {
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer)?;
        if read == 0 {
            return Err("the server closed a connection that is kept alive".into());
        }
        self.answer.extend_from_slice(&buffer[..read]);
        let Some(end) = length_of_answer(&self.answer)? else {
            return Ok(None);
        };
        if self.answer.len() > end {
            return Err("an answer is longer than it says".into());
        }
        Ok((self.answer.len() == end).then(|| self.asked.elapsed()))
    }
}

/// How long an answer is, once its head is complete.
fn length_of_answer(answer: &[u8]) -> Result<Option<usize>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = || String::from_utf8_lossy(answer).into_owned();
    if !(200..300).contains(&status(answer)?) {
        return Err(format!("a request was refused: {}", text()).into());
    }
    let head = std::str::from_utf8(&answer[..end])?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>())
    });
    let length = length.ok_or_else(|| format!("an answer has no length: {}", text()))?;
    Ok(Some(end + 4 + length?))
}
