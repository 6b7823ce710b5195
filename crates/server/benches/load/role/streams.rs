//! Owns the ceilings of an event stream: a loop by hand over a bare log, the same log as the body of an answer on hyper,
//! and the usual way with axum, where every client serializes for itself. It must never know the product.
//!
//! The first two answer with HTTP/1.0, as the product does, so that the same bytes go over the wire. The last is left as
//! it comes: in chunks.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    response::{IntoResponse, Sse, sse},
    routing::get,
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Request, Response, Version, header};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use runwright_proto::{Epoch, Event, Seq};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::broadcast,
};

use crate::{Result, net::Address};

use super::{
    control::Control,
    http::{Io, Listener},
    shared_log::SharedLog,
    story::{Story, json},
};

const HEAD: &[u8] = b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n\
    connection: close\r\n\r\n";

/// As much as the product's topics keep.
const KEPT: usize = 1024;

/// Reads a request, answers with a head, and then writes what the log has, with nothing in between.
pub(crate) async fn hand_loop(control: Control, listen: &Address) -> Result<()> {
    let log = Arc::new(SharedLog::default());
    let (listener, address) = Listener::bind(listen).await?;
    let readers = Arc::clone(&log);
    listener.spawn(move |io| {
        let log = Arc::clone(&readers);
        async move { drop(stream_by_hand(io, &log).await) }
    });
    publish_frames(control, &address, &log).await
}

async fn stream_by_hand(mut io: Io, log: &SharedLog) -> std::io::Result<()> {
    let mut cursor = log.end();
    begin_by_hand(&mut io).await?;
    loop {
        let piece = poll_fn(|cx| log.poll_next(&mut cursor, cx)).await;
        io.write_all(&piece).await?;
    }
}

/// Reads a request and answers with a head.
pub(super) async fn begin_by_hand(io: &mut Io) -> std::io::Result<()> {
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        if io.read_buf(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    io.write_all(HEAD).await
}

/// The log as the body of an answer, on hyper alone.
pub(crate) async fn hyper_body(control: Control, listen: &Address) -> Result<()> {
    let log = Arc::new(SharedLog::default());
    let (listener, address) = Listener::bind(listen).await?;
    let readers = Arc::clone(&log);
    listener.spawn_http(hyper::service::service_fn(move |_: Request<Incoming>| {
        let log = Arc::clone(&readers);
        let cursor = log.end();
        let response = event_stream(LogBody { log, cursor });
        async { Ok::<_, Infallible>(response) }
    }));
    publish_frames(control, &address, &log).await
}

struct LogBody {
    log: Arc<SharedLog>,
    cursor: usize,
}

impl Body for LogBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { log, cursor } = self.get_mut();
        log.poll_next(cursor, cx)
            .map(|piece| Some(Ok(Frame::data(piece))))
    }
}

fn event_stream<B>(body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.version_mut() = Version::HTTP_10;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Publishes as often as it is told to; each event is framed once.
async fn publish_frames(mut control: Control, address: &Address, log: &SharedLog) -> Result<()> {
    let mut story = Story::new();
    let mut frame = Vec::new();
    control.ready(address, "/events").await?;
    while let Some(count) = control.next().await {
        for _ in 0..count {
            let (event, seq) = (story.event(), story.place());
            frame.clear();
            frame.extend_from_slice(b"data: ");
            json(&mut frame, &event, seq, story.epoch());
            frame.extend_from_slice(b"\n\n");
            log.append(&frame);
        }
    }
    Ok(())
}

/// What a broadcast carries.
type Told = Arc<(Event, Seq, Epoch)>;

/// A channel of tokio and axum's `Sse`: every client serializes every event.
pub(crate) async fn axum_sse(mut control: Control, listen: &Address) -> Result<()> {
    let events = broadcast::Sender::<Told>::new(KEPT);
    let readers = events.clone();
    let router = Router::new().route(
        "/events",
        get(move || async move { sse_of(readers.subscribe()) }),
    );
    let (listener, address) = Listener::bind(listen).await?;
    listener.spawn_routes(router);
    control.ready(&address, "/events").await?;
    let mut story = Story::new();
    while let Some(count) = control.next().await {
        for _ in 0..count {
            let told = (story.event(), story.place(), story.epoch().clone());
            // Nobody may be there.
            drop(events.send(Arc::new(told)));
        }
    }
    Ok(())
}

fn sse_of(events: broadcast::Receiver<Told>) -> axum::response::Response {
    let events = stream::unfold(events, |mut events| async {
        let (event, seq, epoch) = &*events.recv().await.ok()?;
        let mut data = Vec::with_capacity(256);
        json(&mut data, event, *seq, epoch);
        let data = String::from_utf8(data).expect("invariant: JSON is UTF-8");
        Some((
            Ok::<_, Infallible>(sse::Event::default().data(data)),
            events,
        ))
    });
    Sse::new(events).into_response()
}
