//! Owns the route of a workspace's event stream.
//!
//! The order at its opening is a promise (semantics 3): the subscription begins, the client is attached, and only then the
//! 200 goes out. What is published after it reaches this stream, and the client counts as attached.
//!
//! It must never know what is on the stream.

use axum::{body::Body, extract::State, response::Response};
use runwright_proto::{ErrorCode, WorkspaceId};

use super::{Routes, reply::Answer};
use crate::{
    extract::{ClientIdQuery, Path},
    openapi::Doc,
    sse::{EventBody, StreamStart, event_stream},
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("events").get("/v1/workspaces/{id}/events", events, || {
        Doc::new(
            "events",
            "Follows everything that happens in a workspace, and attaches the client to it.",
        )
        .client_id()
        .stream_start()
        .ok_stream()
        .problems(&[ErrorCode::ClientRetired, ErrorCode::TooManyStreams])
    })
}

async fn events(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    ClientIdQuery(client): ClientIdQuery,
    start: StreamStart,
) -> Answer<Response> {
    if start.head_only {
        state.workspace(id).await?;
        return Ok(event_stream(start.version, Body::empty()));
    }
    let slot = state.streams().enter(client)?;
    let attached = state
        .backend()
        .attach(id, client, start.cursor.as_ref())
        .await;
    let attachment = start.of(attached.map_err(|error| state.refused(error))?);
    let body = EventBody::new(attachment, start.form(), state.clocks(), slot);
    Ok(event_stream(start.version, Body::new(body)))
}
