//! Frames, however the bytes arrive.

use super::{Framer, Framing, TooLong};

/// The frames of a text that comes in pieces of one size.
fn frames(framing: Framing, text: &str, size: usize) -> Vec<String> {
    let mut framer = Framer::new(framing, 1000);
    let mut frames = Vec::new();
    for piece in text.as_bytes().chunks(size) {
        framer.push(piece);
        while let Some(frame) = framer.next_frame().unwrap() {
            frames.push(String::from_utf8(frame.to_vec()).unwrap());
        }
    }
    frames.push(String::from_utf8(framer.rest().to_vec()).unwrap());
    frames
}

#[test]
fn events_end_with_a_blank_line_however_they_arrive() {
    let table = [
        (
            "\n",
            vec!["data: a\n\n", "event: b\ndata: c\n\n", "data: d"],
        ),
        (
            "\r\n",
            vec!["data: a\r\n\r", "\nevent: b\r\ndata: c\r\n\r", "\ndata: d"],
        ),
        (
            "\r",
            vec!["data: a\r\r", "event: b\rdata: c\r\r", "data: d"],
        ),
    ];
    for (end, wanted) in table {
        let text = "data: a\n\nevent: b\ndata: c\n\ndata: d".replace('\n', end);
        for size in 1..text.len() {
            assert_eq!(frames(Framing::Events, &text, size), wanted, "{size}");
        }
    }
}

#[test]
fn lines_end_with_a_line_feed() {
    let text = "{\"a\":1}\n{\"b\":2}\r\n{\"c";
    for size in 1..text.len() {
        assert_eq!(
            frames(Framing::Lines, text, size),
            ["{\"a\":1}\n", "{\"b\":2}\r\n", "{\"c"]
        );
    }
}

#[test]
fn a_frame_is_refused_as_soon_as_it_is_too_long() {
    let mut framer = Framer::new(Framing::Events, 8);
    framer.push(b"data: 1\n");
    assert_eq!(framer.next_frame(), Ok(None));
    framer.push(b"\n");
    assert_eq!(framer.next_frame(), Err(TooLong));
}

#[test]
fn a_frame_of_just_the_longest_length_is_let_through() {
    let mut framer = Framer::new(Framing::Events, 9);
    framer.push(b"data: 1\n\ndata: 2\n\n");
    assert_eq!(framer.next_frame().unwrap().unwrap(), &b"data: 1\n\n"[..]);
    assert_eq!(framer.next_frame().unwrap().unwrap(), &b"data: 2\n\n"[..]);
    assert_eq!(framer.next_frame(), Ok(None));
}
