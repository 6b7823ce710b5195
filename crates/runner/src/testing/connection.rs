//! One connection: reads requests, has each answered, and notices at once when the client goes. It must never know
//! what an answer is.

use std::io;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::time::Instant;

use super::framing::About;
use super::house::House;
use super::http::Head;
use super::request::Ask;
use super::stage::Stage;
use super::{Cut, Ending, Exchange, Request, Script, player};

/// Serves a connection until one side closes it.
pub(super) async fn serve(mut socket: TcpStream, house: Arc<House>) {
    let _open = house.open();
    // A client that is gone already is noticed when it is read from.
    socket.set_nodelay(true).ok();
    if let Some(gate) = house.next_unread() {
        tokio::select! {
            () = gate.pass() => {}
            () = hung_up_unread(&socket) => return,
        }
        let Ok(again) = registered_again(socket) else {
            return;
        };
        socket = again;
    }
    let mut inbox = Vec::new();
    while let Ok(Some((request, closes))) = read_request(&mut socket, &mut inbox).await {
        let ask = request.ask();
        let (exchange, script) = house.take(ask, request);
        let ending = answer(&mut socket, &mut inbox, &house, ask, &exchange, &script).await;
        match ending {
            Ending::Complete if !closes => exchange.end(ending),
            Ending::Complete | Ending::Cut(Cut::Close) => {
                socket.shutdown().await.ok();
                exchange.end(ending);
                return;
            }
            Ending::Cut(Cut::Reset) => {
                let set = socket.set_zero_linger();
                set.expect("the system can reset a connection");
                drop(socket);
                exchange.end(ending);
                return;
            }
            Ending::HungUp => {
                exchange.end(ending);
                return;
            }
        }
    }
}

/// Plays the script, unless the client hangs up before.
async fn answer(
    socket: &mut TcpStream,
    inbox: &mut Vec<u8>,
    house: &House,
    ask: Ask,
    exchange: &Exchange,
    script: &Script,
) -> Ending {
    let (reader, writer) = socket.split();
    let stage = Stage::new(writer, exchange);
    let playing = play(house, ask, exchange.request(), script, stage);
    tokio::select! {
        biased;
        // What cannot be written has nobody who reads it.
        ending = playing => ending.unwrap_or(Ending::HungUp),
        () = hung_up(reader, inbox) => Ending::HungUp,
    }
}

async fn play(
    house: &House,
    ask: Ask,
    request: &Request,
    script: &Script,
    stage: Stage<'_>,
) -> io::Result<Ending> {
    match ask {
        Ask::Unknown => player::unknown(&request.path, stage).await,
        Ask::Models(protocol) => player::models(script, protocol, &house.models(), stage).await,
        Ask::Answer { protocol, streamed } => {
            let about = About {
                model: request.model().to_owned(),
                usage: script.usage,
                include_usage: request.body["stream_options"]["include_usage"] == Value::Bool(true),
            };
            if streamed {
                player::stream(script, protocol, about, stage).await
            } else {
                player::whole(script, protocol, about, stage).await
            }
        }
    }
}

/// Reads the next request, and whether the connection closes after it. `None` when the client sends no more.
async fn read_request(
    socket: &mut TcpStream,
    inbox: &mut Vec<u8>,
) -> io::Result<Option<(Request, bool)>> {
    let (head, body_at) = loop {
        if let Some(head) = Head::read(inbox) {
            break head;
        }
        if socket.read_buf(inbox).await? == 0 {
            return Ok(None);
        }
    };
    let end = body_at + head.body_length();
    while inbox.len() < end {
        if socket.read_buf(inbox).await? == 0 {
            return Ok(None);
        }
    }
    let request: Vec<u8> = inbox.drain(..end).collect();
    let closes = head.closes();
    let (path, query) = match head.target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (head.target, None),
    };
    let request = Request {
        method: head.method,
        path,
        query,
        headers: head.headers,
        body: serde_json::from_slice(&request[body_at..]).unwrap_or_default(),
        arrived: Instant::now(),
    };
    Ok(Some((request, closes)))
}

/// Waits until the client closes the connection. What it sends before that is kept.
async fn hung_up(mut reader: ReadHalf<'_>, inbox: &mut Vec<u8>) {
    while let Ok(1..) = reader.read_buf(inbox).await {}
}

/// The same, without taking anything out of the socket. Leaves it unaware of what is in it.
async fn hung_up_unread(socket: &TcpStream) {
    loop {
        match socket.ready(Interest::READABLE).await {
            Ok(ready) if !ready.is_read_closed() => {
                // Says that what there is was noticed, so that it waits for more or for the close.
                let noticed = socket.try_io(Interest::READABLE, || {
                    Err::<(), _>(io::ErrorKind::WouldBlock.into())
                });
                debug_assert!(noticed.is_err(), "nothing was read");
            }
            Ok(_) | Err(_) => return,
        }
    }
}

/// The same socket, aware of what is in it.
fn registered_again(socket: TcpStream) -> io::Result<TcpStream> {
    TcpStream::from_std(socket.into_std()?)
}
