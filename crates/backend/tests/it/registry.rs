//! The properties of the registry that have a name: those of contract 4.7, and Runwright's own (semantics 4).
//!
//! Each test is one property. What holds in every order of commands is left to `lifecycle_model`.

mod claims;
mod create;
mod exit;
mod runs;
mod sessions;

use std::time::Duration;

use runwright_backend::{
    AttachTicket, ClientView, CreateDecision, CreateRefusal, Decided, Effect, LifecycleOptions,
    OpenTicket, Profile, Registry, TimerKey, WaitTicket,
};
use runwright_proto::{ClientId, OnLastDetach, WorkspaceId};

use crate::ids::{client, workspace};

/// The handle of an open workspace.
type Handle = &'static str;
type Server = Registry<Handle>;

const NOW: Duration = Duration::from_secs(1);
const CREATE_GRACE: Duration = Duration::from_secs(30);
const DETACH_GRACE: Duration = Duration::from_secs(10);
const LINGER: Duration = Duration::from_secs(20);
const IDLE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A server that closes an abandoned workspace at once, so that a test sees it.
fn server() -> Server {
    Registry::new(options())
}

fn options() -> LifecycleOptions {
    LifecycleOptions {
        linger: Duration::ZERO,
        ..LifecycleOptions::default()
    }
}

fn without_detach_grace() -> Server {
    Registry::new(LifecycleOptions {
        detach_grace: Duration::ZERO,
        ..options()
    })
}

fn exiting_after(idle: Duration) -> Server {
    Registry::new(LifecycleOptions {
        idle_exit: Some(idle),
        ..options()
    })
}

fn with(on_last_detach: OnLastDetach) -> Profile {
    Profile {
        on_last_detach,
        ..Profile::default()
    }
}

fn idle(_: &Handle) -> bool {
    false
}

fn busy(_: &Handle) -> bool {
    true
}

/// Begins to create a workspace that nobody has open.
#[track_caller]
fn start(server: &mut Server, id: WorkspaceId, who: ClientId, profile: Profile) -> OpenTicket {
    let created = server.create(id, who, profile, NOW);
    assert_eq!(created.effects, []);
    let CreateDecision::Open(ticket) = created.outcome else {
        panic!("it should be opened: {:?}", created.outcome);
    };
    ticket
}

/// Creates a workspace that nobody has open. Returns the hold of the creator.
#[track_caller]
fn open(server: &mut Server, id: WorkspaceId, who: ClientId, handle: Handle) -> TimerKey {
    open_with(server, id, who, (handle, Profile::default()))
}

#[track_caller]
fn open_with(
    server: &mut Server,
    id: WorkspaceId,
    who: ClientId,
    (handle, profile): (Handle, Profile),
) -> TimerKey {
    let ticket = start(server, id, who, profile);
    let opened = server.opened(ticket, handle);
    assert_eq!(opened.outcome, Ok(handle));
    armed(&opened.effects, CREATE_GRACE)
}

/// Joins an open workspace. Returns what has to be done for it.
#[track_caller]
fn join(server: &mut Server, id: WorkspaceId, who: ClientId) -> Vec<Effect<Handle>> {
    let created = server.create(id, who, Profile::default(), NOW);
    assert!(matches!(created.outcome, CreateDecision::Join(_)));
    created.effects
}

#[track_caller]
fn wait(server: &mut Server, id: WorkspaceId, who: ClientId) -> WaitTicket {
    let created = server.create(id, who, Profile::default(), NOW);
    let CreateDecision::Wait(ticket) = created.outcome else {
        panic!("it should wait: {:?}", created.outcome);
    };
    ticket
}

#[track_caller]
fn attach(server: &mut Server, id: WorkspaceId, who: ClientId) -> AttachTicket {
    server.attach(id, who, NOW).unwrap().1
}

/// The one timer that was armed, and nothing else.
#[track_caller]
fn armed(effects: &[Effect<Handle>], expected: Duration) -> TimerKey {
    match effects {
        [Effect::Arm { timer, after }] if *after == expected => *timer,
        _ => panic!("one timer of {expected:?} should be armed: {effects:?}"),
    }
}

#[track_caller]
fn refused(decided: Decided<Handle, CreateDecision<Handle>>) -> CreateRefusal {
    assert_eq!(decided.effects, []);
    let CreateDecision::Refuse(refusal) = decided.outcome else {
        panic!("it should be refused: {:?}", decided.outcome);
    };
    refusal
}

/// The clients of a workspace with the number of their streams.
fn clients(server: &Server, id: WorkspaceId) -> Vec<(ClientId, usize)> {
    let claims = server.clients(id).unwrap_or_default();
    let view = |ClientView {
                    client, streams, ..
                }| (client, streams);
    claims.into_iter().map(view).collect()
}
