//! Small readable ids: number `n` of each kind, in the order of the numbers.

use runwright_proto::{ClientId, SessionId, WorkspaceId};
use uuid::Uuid;

pub(crate) fn workspace(n: usize) -> WorkspaceId {
    Uuid::from_u128(n as u128).into()
}

pub(crate) fn client(n: usize) -> ClientId {
    Uuid::from_u128(n as u128).into()
}

pub(crate) fn session(n: usize) -> SessionId {
    format!("session-{n}").parse().unwrap()
}
