//! Heads that are read and heads that are made, as whole values.

use super::*;

#[test]
fn a_head_is_read_when_it_is_complete() {
    let bytes = b"POST /v1/x?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}";
    for end in 0..bytes.len() - 2 {
        assert_eq!(Head::read(&bytes[..end]), None, "{end}");
    }
    let (head, length) = Head::read(bytes).unwrap();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = Head {
        method: "POST".to_owned(),
        target: "/v1/x?a=b".to_owned(),
        headers: vec![header("host", "h"), header("content-length", "2")],
    };
    assert_eq!((&head, &bytes[length..]), (&expected, &b"{}"[..]));
    assert_eq!((head.body_length(), head.closes()), (2, false));
}

#[test]
fn a_client_may_want_the_connection_closed() {
    let (head, _) = Head::read(b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n").unwrap();
    assert_eq!((head.body_length(), head.closes()), (0, true));
}

#[test]
fn a_chunk_has_its_length_in_hexadecimal() {
    let expected = format!("1a\r\n{}\r\n", "x".repeat(26));
    assert_eq!(chunk(&[b'x'; 26]), expected.as_bytes());
}

#[test]
fn a_response_with_a_length_has_the_headers_it_is_given() {
    let headers = [("retry-after".to_owned(), "2".to_owned())];
    let expected = "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nrequest-id: req_scripted\r\nx-request-id: req_scripted\r\nretry-after: 2\r\ncontent-length: 5\r\n\r\n";
    assert_eq!(sized(429, "application/json", &headers, 5), expected);
}
