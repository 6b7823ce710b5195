//! Owns the ceilings of a request: the least that accepting a prompt and answering a poll can be, with axum's routing and
//! extractors, and on hyper alone. It must never know the product.
//!
//! Accepting is: read the JSON, make an id, start a task, answer with a receipt. That much no server gets around.

use std::{convert::Infallible, hint::black_box};

use axum::{
    Json, Router,
    extract::Path,
    routing::{get, post},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::{Result, net::Address};

use super::{control::Control, http::Listener};

/// Makes the answer to a prompt as long as the product's, which also says where the run is and how the request is called.
const FILLER: HeaderName = HeaderName::from_static("x-filler");
const FILL: HeaderValue = HeaderValue::from_static(
    "-----------------------------------------------------------------------------------------------------\
     ----------------------------------------------------",
);

/// What a prompt says.
#[derive(Debug, Deserialize)]
struct Prompt {
    session_id: Uuid,
    run_id: Option<Uuid>,
    prompt: String,
}

/// What is promised; as many bytes as the product's receipt.
#[derive(Debug, Serialize)]
struct Receipt {
    run_id: Uuid,
    session_id: Uuid,
    state: &'static str,
    position: u32,
    seq: u64,
}

/// Answers with routes and extractors; `GET …/sized/{n}` is a poll with an answer of that many bytes.
pub(crate) async fn axum(mut control: Control, listen: &Address) -> Result<()> {
    let tasks = TaskTracker::new();
    let accept = move |Path(workspace): Path<Uuid>, Json(prompt): Json<Prompt>| {
        let receipt = receipt(&tasks, prompt);
        black_box(workspace);
        async move { (StatusCode::ACCEPTED, [(FILLER, FILL)], Json(receipt)) }
    };
    let answer = Bytes::from(vec![b' '; 4096]);
    let sized = move |Path((workspace, size)): Path<(Uuid, usize)>| {
        black_box(workspace);
        let json = HeaderValue::from_static("application/json");
        let answer = answer.slice(..size);
        async move { ([(header::CONTENT_TYPE, json)], answer) }
    };
    let router = Router::new()
        .route("/v1/workspaces/{id}/agent", post(accept))
        .route("/v1/workspaces/{id}/sized/{size}", get(sized))
        .route("/v1/health", get(|| async {}));
    let (listener, address) = Listener::bind(listen).await?;
    listener.spawn_routes(router);
    control.ready(&address, "").await?;
    while control.next().await.is_some() {}
    Ok(())
}

/// Answers every request as a prompt.
pub(crate) async fn hyper(mut control: Control, listen: &Address) -> Result<()> {
    let tasks = TaskTracker::new();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let tasks = tasks.clone();
        async move { Ok::<_, Infallible>(accepted(&tasks, request).await) }
    });
    let (listener, address) = Listener::bind(listen).await?;
    listener.spawn_http(service);
    control.ready(&address, "").await?;
    while control.next().await.is_some() {}
    Ok(())
}

async fn accepted(tasks: &TaskTracker, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let refused = |status| {
        let mut response = Response::new(Full::default());
        *response.status_mut() = status;
        response
    };
    let Ok(body) = request.into_body().collect().await else {
        return refused(StatusCode::BAD_REQUEST);
    };
    let Ok(prompt) = serde_json::from_slice(&body.to_bytes()) else {
        return refused(StatusCode::BAD_REQUEST);
    };
    let Ok(receipt) = serde_json::to_vec(&receipt(tasks, prompt)) else {
        return refused(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = Response::new(Full::from(receipt));
    *response.status_mut() = StatusCode::ACCEPTED;
    let json = HeaderValue::from_static("application/json");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(FILLER, FILL);
    response
}

fn receipt(tasks: &TaskTracker, prompt: Prompt) -> Receipt {
    let run_id = prompt.run_id.unwrap_or_else(Uuid::now_v7);
    let text = prompt.prompt;
    tasks.spawn(async move { drop(black_box(text)) });
    Receipt {
        run_id,
        session_id: prompt.session_id,
        state: "running",
        position: 0,
        seq: 0,
    }
}
