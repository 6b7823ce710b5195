//! Owns the ceiling of a replay: all events in memory, as they are sent, and a loop by hand that writes them. It must never
//! know the product.

use std::sync::Arc;

use runwright_proto::{EnvelopeRef, write_frame, write_frame_id};
use tokio::io::AsyncWriteExt;

use crate::{Result, net::Address, replay::EVENTS};

use super::{
    control::Control,
    http::{Io, Listener},
    story::Story,
    streams::begin_by_hand,
};

/// How much is written at once: as much as the product reads at once.
const PIECE: usize = 256 * 1024;

/// Answers every request with all events.
pub(crate) async fn from_memory(mut control: Control, listen: &Address) -> Result<()> {
    let frames: Arc<[u8]> = frames().into();
    let (listener, address) = Listener::bind(listen).await?;
    listener.spawn(move |io| {
        let frames = Arc::clone(&frames);
        async move { drop(write_by_hand(io, &frames).await) }
    });
    control.ready(&address, "").await?;
    while control.next().await.is_some() {}
    Ok(())
}

fn frames() -> Vec<u8> {
    let mut frames = Vec::new();
    let mut story = Story::new();
    for _ in 0..EVENTS {
        let (event, seq) = (story.event(), story.place());
        let epoch = story.epoch();
        write_frame_id(&mut frames, epoch, seq);
        let envelope = EnvelopeRef {
            event: &event,
            seq: Some(seq),
            epoch: Some(epoch),
        };
        write_frame(&mut frames, envelope);
    }
    frames
}

async fn write_by_hand(mut io: Io, frames: &[u8]) -> std::io::Result<()> {
    begin_by_hand(&mut io).await?;
    for piece in frames.chunks(PIECE) {
        io.write_all(piece).await?;
    }
    Ok(())
}
