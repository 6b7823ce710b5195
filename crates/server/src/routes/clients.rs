//! Owns the end of a client.
//!
//! It must never know what the client holds.

use axum::extract::State;
use runwright_proto::{ClientId, ErrorCode};

use super::{Routes, reply::Answer};
use crate::{extract::Path, openapi::Doc, problem::ApiError, state::AppState};

pub(super) fn routes() -> Routes {
    Routes::new("clients").delete("/v1/clients/{client_id}", retire, || {
        Doc::new(
            "retireClient",
            "Ends a client: its claims are dropped, and its id is refused for a day. Idempotent.",
        )
        .ok_empty()
        .problems(&[ErrorCode::ClientIdInvalid])
    })
}

async fn retire(State(state): State<AppState>, Path(client): Path<String>) -> Answer<()> {
    // Not an id that axum parses: the code for a bad client id is its own.
    let client: ClientId = client
        .parse()
        .map_err(|_| ApiError::new(ErrorCode::ClientIdInvalid, "invalid client_id"))?;
    state.backend().retire(client);
    Ok(())
}
