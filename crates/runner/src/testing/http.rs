//! As much of HTTP/1.1 as a server needs that wants to break it: heads are read, and everything that is sent is made
//! here byte by byte. Pure: bytes in, bytes out. It must never know a socket.

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
}

impl Head {
    /// Reads the head at the beginning of these bytes, and says how long it is. `None` while it is not complete.
    ///
    /// # Panics
    /// When it is none, which is a mistake of the client under test.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let text = std::str::from_utf8(&bytes[..end]).expect("the head of a request is UTF-8");
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (words.next(), words.next());
        assert_eq!(words.next(), Some("HTTP/1.1"), "a request in HTTP/1.1");
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').expect("a header has a colon");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let head = Self {
            method: method.unwrap_or_default().to_owned(),
            target: target.unwrap_or_default().to_owned(),
            headers: headers.collect(),
        };
        Some((head, end + 4))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(header, _)| header == name);
        named.next().map(|(_, value)| value.as_str())
    }

    /// How many bytes of body follow.
    ///
    /// # Panics
    /// When the body has no length: clients of providers send JSON that they have in memory.
    pub(super) fn body_length(&self) -> usize {
        let chunked = self.header("transfer-encoding").is_some();
        assert!(!chunked, "a request whose body has a length");
        let length = self.header("content-length").map(str::parse);
        length
            .unwrap_or(Ok(0))
            .expect("a `content-length` is a number")
    }

    /// Whether the client wants the connection closed after the response.
    pub(super) fn closes(&self) -> bool {
        let connection = self.header("connection");
        connection.is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// The head of a response whose body comes in chunks.
pub(super) fn streamed(content_type: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncache-control: no-cache\r\nrequest-id: req_scripted\r\nx-request-id: req_scripted\r\ntransfer-encoding: chunked\r\n\r\n"
    )
}

/// The head of a response whose body has a length.
pub(super) fn sized(
    status: u16,
    content_type: &str,
    headers: &[(String, String)],
    length: usize,
) -> String {
    let mut head = format!(
        "HTTP/1.1 {status} {}\r\ncontent-type: {content_type}\r\nrequest-id: req_scripted\r\nx-request-id: req_scripted\r\n",
        reason(status)
    );
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + &format!("content-length: {length}\r\n\r\n")
}

/// One chunk of a body.
pub(super) fn chunk(data: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
    chunk.extend_from_slice(data);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// The end of a body that came in chunks.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Payload Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        529 => "Overloaded",
        _ => "Scripted",
    }
}

#[cfg(test)]
mod tests;
