//! The backend as it is used, with ports that do nothing.

use std::sync::Arc;
use std::time::Duration;

use runwright_backend::{Attachment, Backend, BackendOptions, LifecycleOptions, OnLastDetach};
use runwright_proto::{AgentMessage, ClientId, CreateWorkspace, SessionId, WorkspaceId};
use uuid::Uuid;

use crate::cpu::{cpu_time, runtime};
use crate::ports::SharedPorts;

/// A prompt without a name.
pub(crate) fn message() -> AgentMessage {
    AgentMessage {
        session_id: Some(SessionId::random()),
        prompt: "hello".to_owned(),
        ..AgentMessage::default()
    }
}

/// Opens a known workspace by its id, attaches and detaches a stream, and lets it close, `rounds` times.
pub(crate) fn lives_by_id(rounds: u64) -> Duration {
    runtime().block_on(async {
        let backend = closing_at_once();
        let start = cpu_time();
        for n in 0..rounds {
            live(&backend, workspace(n), client(1)).await;
        }
        cpu_time() - start
    })
}

/// Creates the workspace of a directory, attaches and detaches a stream, and lets it close, `rounds` times.
pub(crate) fn lives_by_path(rounds: u64) -> Duration {
    runtime().block_on(async {
        let backend = closing_at_once();
        let request = CreateWorkspace {
            path: std::env::temp_dir().to_string_lossy().into_owned(),
            ..CreateWorkspace::default()
        };
        let start = cpu_time();
        for _ in 0..rounds {
            let created = backend.create(client(1), request.clone()).await;
            let id = created.expect("it is created").id();
            live(&backend, id, client(1)).await;
        }
        cpu_time() - start
    })
}

/// Attaches the one stream of a workspace, detaches it, and waits until nothing is left of the workspace.
async fn live(backend: &Backend, id: WorkspaceId, client: ClientId) {
    let stream = attach(backend, id, client).await;
    let left = Arc::downgrade(stream.workspace());
    drop(stream);
    while left.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
}

/// Sends a prompt and waits until its run is over, `rounds` times.
pub(crate) fn runs(rounds: u64) -> Duration {
    runtime().block_on(async {
        let backend = closing_at_once();
        let stream = attach(&backend, workspace(0), client(1)).await;
        let workspace = stream.workspace().clone();
        let message = message();
        let start = cpu_time();
        for _ in 0..rounds {
            let sent = workspace.send_message(message.clone(), None).await;
            let receipt = sent.expect("it is accepted").receipt;
            let (session, run) = (receipt.session_id, [receipt.run_id]);
            let ended = workspace.ended(&session, &run, Duration::from_secs(1));
            ended.await.expect("it ends");
        }
        cpu_time() - start
    })
}

/// Opens so many workspaces that stay open without clients.
pub(crate) async fn idle(count: usize, timers_pass: bool) -> Backend {
    let dirs = std::env::temp_dir().join(format!("lifecycle-{}", std::process::id()));
    let backend = Backend::new(Arc::new(SharedPorts::new()), BackendOptions::default());
    for n in 0..count {
        let dir = dirs.join(n.to_string());
        std::fs::create_dir_all(&dir).expect("a directory can be made");
        let request = CreateWorkspace {
            path: dir.to_string_lossy().into_owned(),
            on_last_detach: Some(OnLastDetach::Keep),
            ..CreateWorkspace::default()
        };
        let created = backend.create(client(1), request).await;
        backend.release(created.expect("it is created").id(), client(1));
        pass(timers_pass, n).await;
    }
    std::fs::remove_dir_all(&dirs).expect("the directories can be removed");
    backend
}

/// Opens so many workspaces, each with one idle stream.
pub(crate) async fn attached(count: usize, timers_pass: bool) -> (Backend, Vec<Attachment>) {
    let backend = Backend::new(Arc::new(SharedPorts::new()), BackendOptions::default());
    let mut streams = Vec::with_capacity(count);
    for n in 0..count {
        streams.push(attach(&backend, workspace(n as u64), client(n as u64)).await);
        pass(timers_pass, n).await;
    }
    (backend, streams)
}

/// Lets the timers of each fifty workspaces fire, as in a server that has been up for a minute.
async fn pass(timers_pass: bool, n: usize) {
    if timers_pass && n.is_multiple_of(50) {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}

async fn attach(backend: &Backend, id: WorkspaceId, client: ClientId) -> Attachment {
    let attached = backend.attach(id, client, None).await;
    attached.expect("it is attached")
}

fn workspace(n: u64) -> WorkspaceId {
    WorkspaceId::from(Uuid::from_u128(n.into()))
}

fn client(n: u64) -> ClientId {
    ClientId::from(Uuid::from_u128(n.into()))
}

fn closing_at_once() -> Backend {
    let lifecycle = LifecycleOptions {
        detach_grace: Duration::ZERO,
        linger: Duration::ZERO,
        ..LifecycleOptions::default()
    };
    let options = BackendOptions {
        lifecycle,
        ..BackendOptions::default()
    };
    Backend::new(Arc::new(SharedPorts::new()), options)
}
