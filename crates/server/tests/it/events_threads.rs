//! Readers of deltas while messages are written on another thread: whoever is cut anywhere and comes back never lacks a
//! byte. What the locks order is checked here; which story is told, by `events_story`.

use futures_util::future::join_all;
use runwright_agent::Pace;
use runwright_proto::{Finish, Message, Part, Text};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::api::{Api, Got, Known, Press, Work, message, parse};

/// How many messages are written at a time, and of how many pieces.
const MESSAGES: usize = 4;
const PIECES: usize = 4_000;

/// Writes on a thread of its own, as fast as it can, and returns what the messages are in the end.
fn write(press: Press) -> JoinHandle<Vec<Message>> {
    spawn_blocking(move || {
        let mut messages: Vec<Message> = (0..MESSAGES)
            .map(|n| message(&format!("m{n}"), ""))
            .collect();
        for message in &messages {
            press.created(message.id.as_str());
        }
        let mut texts = vec![Text::new(); MESSAGES];
        for piece in 0..PIECES {
            let which = piece % MESSAGES;
            texts[which].push_str(&format!("{piece} "));
            messages[which].parts = vec![Part::text(texts[which].clone())];
            press.updated(messages[which].clone(), Pace::Streamed);
            if piece % 7 == 0 {
                press.created(&format!("other{piece}"));
            }
        }
        for message in &mut messages {
            message.parts.push(Part::Finish(Finish::stop()));
            press.updated(message.clone(), Pace::Now);
        }
        press.created("end");
        messages
    })
}

/// Reads to the end, a few frames at a time, and comes back with its cursor each time.
async fn read(api: &Api, work: &Work<'_>, frames: usize) -> Known {
    let mut known = Known::default();
    let (mut cursor, mut last) = ("0".to_owned(), 0);
    loop {
        let path = format!("{}&deltas=1&after={cursor}", work.events());
        let mut stream = api.stream(&path).await;
        for _ in 0..frames {
            for got in parse(&stream.frame().await.expect("the stream goes on")) {
                let Got { id, envelope } = &got;
                if let Some(seq) = envelope.seq {
                    assert!(last < seq.0, "{seq} comes after {last}");
                    last = seq.0;
                }
                cursor = id.clone().unwrap_or(cursor);
                known.hear(&got);
            }
            if known.0.keys().any(|id| id.as_str() == "end") {
                return known;
            }
        }
    }
}

async fn check(api: Api, press: impl AsyncFn(&Work<'_>) -> Press) {
    let work = api.open("demo").await;
    let written = write(press(&work).await);
    let readers = [1, 2, 5, usize::MAX].map(|frames| read(&api, &work, frames));
    let known = join_all(readers).await;
    let messages = written.await.unwrap();
    for known in known {
        for message in &messages {
            assert_eq!(known.0[&message.id], message.parts, "{}", message.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_lacks_a_byte_of_what_is_written_on_another_thread() {
    check(Api::new(), async |work| work.press().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_lacks_a_byte_of_what_memory_does_not_keep() {
    let stored = async |work: &Work<'_>| -> Press {
        work.stored_log().set_page(50);
        work.stored_press()
    };
    check(Api::stored(64), stored).await;
}
