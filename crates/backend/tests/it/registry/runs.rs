//! What the runs of a workspace mean for its life (semantics 4: they are never cut because clients left).

use runwright_backend::{Effect, LifecycleOptions, Lookup, Registry, TimerKey};
use runwright_proto::OnLastDetach;

use super::{
    LINGER, NOW, Server, armed, attach, busy, client, idle, join, open_with, options, with,
    workspace,
};

/// A workspace that lingers, with one client that holds it.
fn held(policy: OnLastDetach) -> (Server, TimerKey) {
    let mut server = Registry::new(LifecycleOptions {
        linger: LINGER,
        ..options()
    });
    let hold = open_with(&mut server, workspace(0), client(0), ("demo", with(policy)));
    (server, hold)
}

#[test]
fn runs_end_before_an_abandoned_workspace_lingers_and_closes() {
    let (mut server, hold) = held(OnLastDetach::Finish);
    assert_eq!(server.fire(hold, busy), []);
    assert_eq!(server.get(workspace(0)), Lookup::Open("demo"));
    let linger = armed(&server.runs_ended(workspace(0), idle), LINGER);
    assert_eq!(server.fire(linger, idle), [Effect::Close("demo")]);
}

#[test]
fn every_way_of_leaving_waits_for_the_runs() {
    type Leave = fn(&mut Server, TimerKey) -> Vec<Effect<&'static str>>;
    let ways: [Leave; 4] = [
        |server, hold| server.fire(hold, busy),
        |server, _| server.release(workspace(0), client(0), busy),
        |server, _| server.retire(client(0), NOW, busy),
        |server, _| {
            let stream = attach(server, workspace(0), client(0));
            assert_eq!(server.release(workspace(0), client(0), busy), []);
            server.detach(stream, busy)
        },
    ];
    for leave in ways {
        let (mut server, hold) = held(OnLastDetach::Finish);
        assert_eq!(leave(&mut server, hold), []);
        assert_eq!(server.clients(workspace(0)), Some(Vec::new()));
        armed(&server.runs_ended(workspace(0), idle), LINGER);
    }
}

#[test]
fn the_cancel_policy_cancels_the_runs_and_then_lingers_and_closes() {
    let (mut server, hold) = held(OnLastDetach::Cancel);
    assert_eq!(server.fire(hold, busy), [Effect::CancelRuns("demo")]);
    let linger = armed(&server.runs_ended(workspace(0), idle), LINGER);
    assert_eq!(server.fire(linger, idle), [Effect::Close("demo")]);
}

#[test]
fn the_cancel_policy_has_nothing_to_cancel_in_an_idle_workspace() {
    let (mut server, hold) = held(OnLastDetach::Cancel);
    armed(&server.fire(hold, idle), LINGER);
}

#[test]
fn a_kept_workspace_is_not_closed_for_lack_of_clients() {
    for has_runs in [busy, idle] {
        let (mut server, hold) = held(OnLastDetach::Keep);
        assert_eq!(server.fire(hold, has_runs), []);
        assert_eq!(server.runs_ended(workspace(0), idle), []);
        assert_eq!(server.begin_shutdown(), ["demo"]);
    }
}

#[test]
fn a_run_that_starts_while_the_workspace_lingers_gets_the_window_after_its_end() {
    let (mut server, hold) = held(OnLastDetach::Finish);
    let first = armed(&server.fire(hold, idle), LINGER);
    assert_eq!(server.fire(first, busy), []);
    let second = armed(&server.runs_ended(workspace(0), idle), LINGER);
    assert_eq!(server.fire(first, idle), []);
    assert_eq!(server.fire(second, idle), [Effect::Close("demo")]);
}

#[test]
fn a_run_that_ends_while_the_workspace_lingers_starts_the_window_again() {
    let (mut server, hold) = held(OnLastDetach::Finish);
    let first = armed(&server.fire(hold, idle), LINGER);
    let second = armed(&server.runs_ended(workspace(0), idle), LINGER);
    assert_eq!(server.fire(first, idle), []);
    assert_eq!(server.fire(second, idle), [Effect::Close("demo")]);
}

#[test]
fn the_end_of_the_runs_means_nothing_to_a_claimed_or_busy_or_unknown_workspace() {
    let (mut server, hold) = held(OnLastDetach::Finish);
    assert_eq!(server.runs_ended(workspace(0), idle), [], "claimed");
    assert_eq!(server.fire(hold, busy), []);
    assert_eq!(
        server.runs_ended(workspace(0), busy),
        [],
        "the next run has begun"
    );
    assert_eq!(server.runs_ended(workspace(1), idle), [], "unknown");
}

#[test]
fn a_client_that_comes_back_while_runs_go_on_keeps_the_workspace() {
    let (mut server, hold) = held(OnLastDetach::Finish);
    assert_eq!(server.fire(hold, busy), []);
    join(&mut server, workspace(0), client(0));
    assert_eq!(server.runs_ended(workspace(0), idle), []);
    assert_eq!(server.get(workspace(0)), Lookup::Open("demo"));
}
