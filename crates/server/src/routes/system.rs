//! Owns the routes about the server itself: whether it is up, what it is, what it does, and its end.
//!
//! It must never know a workspace's inside.

use std::{
    env::consts::{ARCH, OS},
    sync::LazyLock,
};

use axum::extract::State;
use bytes::Bytes;
use runwright_proto::{Control, ControlCommand, ErrorCode, Status, Version};

use super::{
    Routes,
    reply::{Answer, Encoded},
};
use crate::{
    extract::Json,
    map_error::not_idle,
    openapi::{Doc, openapi_json},
    problem::ApiError,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("system")
        .get("/livez", up, || {
            Doc::new("livez", "Tells that the process answers.").ok_empty()
        })
        .get("/readyz", ready, || {
            Doc::new(
                "readyz",
                "Tells whether the server takes requests: not while it shuts down.",
            )
            .ok_empty()
            .problems(&[ErrorCode::ServerShuttingDown])
        })
        .get("/v1/health", up, || {
            Doc::new("health", "Tells that the server answers.").ok_empty()
        })
        .get("/v1/version", version, || {
            Doc::new("version", "Returns which server this is.").ok::<Version>()
        })
        .get("/v1/status", status, || {
            Doc::new(
                "status",
                "Returns what the server does, workspace by workspace.",
            )
            .ok::<Status>()
        })
        .get("/v1/config", config, || {
            Doc::new(
                "serverConfig",
                "Returns an empty object: what the contract has here.",
            )
            .ok_object()
        })
        .post("/v1/control", control, || {
            Doc::new(
                "control",
                "Ends the server if it is idle and was started with `--allow-remote-shutdown`.",
            )
            .body::<Control>()
            .ok_empty()
            .problems(&[ErrorCode::UnknownCommand, ErrorCode::ServerNotIdle])
        })
        .get("/v1/openapi.json", openapi, || {
            Doc::new("openapi", "Returns this document.").ok_object()
        })
}

async fn up() {}

async fn ready(State(state): State<AppState>) -> Answer<()> {
    if state.is_shutting_down() {
        return Err(ApiError::new(
            ErrorCode::ServerShuttingDown,
            "server is shutting down",
        ));
    }
    Ok(())
}

/// An existing client compares `version` and `build_id` with its own and takes any difference for an old server, which it
/// keeps because of the 409 of `control`.
async fn version(State(state): State<AppState>) -> Json<Version> {
    let version = state.info().version.clone();
    Json(Version {
        build_id: version.clone(),
        version,
        platform: format!("{OS}/{}", architecture()),
        ..Version::default()
    })
}

/// The processor, in the words of the contract.
fn architecture() -> &'static str {
    match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

async fn status(State(state): State<AppState>) -> Json<Status> {
    Json(Status {
        version: state.info().version.clone(),
        uptime_ms: state.uptime_ms(),
        model: state.info().model.clone(),
        workspaces: state.backend().status(),
    })
}

async fn config() -> Encoded {
    Encoded::EMPTY_OBJECT
}

/// Both commands ask first, as in the contract. 409 keeps an existing client from replacing this server by one of its own
/// (contract 1.4), so it is the answer unless the operator has allowed otherwise (semantics 4).
async fn control(State(state): State<AppState>, Json(control): Json<Control>) -> Answer<()> {
    match control.command {
        ControlCommand::Unknown => Err(ApiError::new(ErrorCode::UnknownCommand, "unknown command")),
        ControlCommand::Shutdown | ControlCommand::ShutdownIfIdle
            if state.info().allow_remote_shutdown =>
        {
            state.backend().exit_if_idle().map_err(ApiError::from)
        }
        ControlCommand::Shutdown | ControlCommand::ShutdownIfIdle => Err(not_idle()),
    }
}

async fn openapi() -> Encoded {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi_json().into());
    Encoded(DOCUMENT.clone())
}
