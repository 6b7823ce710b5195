//! Claims: holds, streams, graces, release, current sessions.

use runwright_backend::{AttachRefusal, Effect, LifecycleOptions, Lookup, Registry};

use super::{
    CREATE_GRACE, DETACH_GRACE, HOUR, LINGER, NOW, Server, armed, attach, client, clients, idle,
    join, open, options, server, without_detach_grace, workspace,
};

#[test]
fn registering_twice_leaves_one_hold() {
    let mut server = server();
    let first = open(&mut server, workspace(0), client(0), "demo");
    let second = armed(&join(&mut server, workspace(0), client(0)), CREATE_GRACE);
    assert_ne!(first, second);
    assert_eq!(clients(&server, workspace(0)), [(client(0), 0)]);
}

#[test]
fn attaching_consumes_the_hold() {
    let mut server = server();
    let hold = open(&mut server, workspace(0), client(0), "demo");
    let _stream = attach(&mut server, workspace(0), client(0));
    assert_eq!(server.fire(hold, idle), []);
    assert_eq!(clients(&server, workspace(0)), [(client(0), 1)]);
}

#[test]
fn attaching_without_a_create_makes_a_claim_by_stream() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    let (handle, _stream) = server.attach(workspace(0), client(1), NOW).unwrap();
    assert_eq!(handle, "demo");
    assert_eq!(
        clients(&server, workspace(0)),
        [(client(0), 0), (client(1), 1)]
    );
}

#[test]
fn two_streams_of_a_client_end_with_the_second_detach() {
    let mut server = without_detach_grace();
    open(&mut server, workspace(0), client(0), "demo");
    let first = attach(&mut server, workspace(0), client(0));
    let second = attach(&mut server, workspace(0), client(0));
    assert_eq!(clients(&server, workspace(0)), [(client(0), 2)]);
    assert_eq!(server.detach(first, idle), []);
    assert_eq!(server.detach(second, idle), [Effect::Close("demo")]);
}

#[test]
fn without_grace_the_last_detach_closes_the_workspace() {
    let mut server = without_detach_grace();
    open(&mut server, workspace(0), client(0), "demo");
    let stream = attach(&mut server, workspace(0), client(0));
    assert_eq!(server.detach(stream, idle), [Effect::Close("demo")]);
    assert_eq!(server.get(workspace(0)), Lookup::Closing);
    assert_eq!(server.closed(workspace(0)), []);
    assert_eq!(server.get(workspace(0)), Lookup::Unknown);
}

#[test]
fn a_hold_that_nobody_attached_to_expires_once() {
    let mut server = server();
    let hold = open(&mut server, workspace(0), client(0), "demo");
    assert_eq!(server.fire(hold, idle), [Effect::Close("demo")]);
    assert_eq!(server.fire(hold, idle), []);
}

#[test]
fn releasing_the_only_hold_closes_at_once_and_only_once() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    assert_eq!(
        server.release(workspace(0), client(0), idle),
        [Effect::Close("demo")]
    );
    assert_eq!(server.release(workspace(0), client(0), idle), []);
}

#[test]
fn a_release_with_a_stream_waits_for_its_end_and_skips_the_grace() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    let stream = attach(&mut server, workspace(0), client(0));
    assert_eq!(server.release(workspace(0), client(0), idle), []);
    assert_eq!(clients(&server, workspace(0)), [(client(0), 1)]);
    assert_eq!(server.detach(stream, idle), [Effect::Close("demo")]);
}

#[test]
fn a_release_of_nothing_changes_nothing_and_attach_works_after_it() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    assert_eq!(server.release(workspace(0), client(1), idle), []);
    assert_eq!(server.release(workspace(7), client(1), idle), []);
    let _stream = attach(&mut server, workspace(0), client(1));
    assert_eq!(server.release(workspace(0), client(1), idle), []);
    assert_eq!(
        clients(&server, workspace(0)),
        [(client(0), 0), (client(1), 1)]
    );
}

#[test]
fn attaching_after_a_release_makes_a_fresh_claim() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    join(&mut server, workspace(0), client(1));
    assert_eq!(server.release(workspace(0), client(1), idle), []);
    assert_eq!(clients(&server, workspace(0)), [(client(0), 0)]);
    let stream = attach(&mut server, workspace(0), client(1));
    armed(&server.detach(stream, idle), DETACH_GRACE);
}

#[test]
fn a_workspace_survives_the_exit_of_one_of_two_clients() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    join(&mut server, workspace(0), client(1));
    assert_eq!(server.release(workspace(0), client(0), idle), []);
    assert_eq!(server.get(workspace(0)), Lookup::Open("demo"));
}

#[test]
fn a_hold_that_expires_beside_an_attach_leaves_the_client_attached_or_gone() {
    for attach_first in [true, false] {
        let mut server = server();
        let hold = open(&mut server, workspace(0), client(0), "demo");
        if attach_first {
            let _stream = attach(&mut server, workspace(0), client(0));
            assert_eq!(server.fire(hold, idle), []);
            assert_eq!(clients(&server, workspace(0)), [(client(0), 1)]);
        } else {
            assert_eq!(server.fire(hold, idle), [Effect::Close("demo")]);
            let attached = server.attach(workspace(0), client(0), NOW);
            assert_eq!(attached.unwrap_err(), AttachRefusal::Closing);
        }
    }
}

#[test]
fn fifty_clients_that_come_and_go_leave_only_the_one_that_stays() {
    let mut server = without_detach_grace();
    open(&mut server, workspace(0), client(0), "demo");
    let _anchor = attach(&mut server, workspace(0), client(0));
    let mut streams: Vec<_> = (1..=50)
        .map(|n| attach(&mut server, workspace(0), client(n)))
        .collect();
    while !streams.is_empty() {
        let stream = streams.swap_remove(streams.len() / 2);
        assert_eq!(server.detach(stream, idle), []);
    }
    assert_eq!(clients(&server, workspace(0)), [(client(0), 1)]);
}

#[test]
fn one_of_two_attached_clients_detaches_and_the_other_stays() {
    let mut server = without_detach_grace();
    open(&mut server, workspace(0), client(0), "demo");
    let first = attach(&mut server, workspace(0), client(0));
    let _second = attach(&mut server, workspace(0), client(1));
    assert_eq!(server.detach(first, idle), []);
    assert_eq!(clients(&server, workspace(0)), [(client(1), 1)]);
}

#[test]
fn a_stream_that_comes_back_within_the_grace_keeps_the_workspace() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    let stream = attach(&mut server, workspace(0), client(0));
    let grace = armed(&server.detach(stream, idle), DETACH_GRACE);
    assert_eq!(clients(&server, workspace(0)), [(client(0), 0)]);
    let _stream = attach(&mut server, workspace(0), client(0));
    assert_eq!(server.fire(grace, idle), []);
    assert_eq!(server.get(workspace(0)), Lookup::Open("demo"));
}

#[test]
fn the_detach_grace_ends() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    let stream = attach(&mut server, workspace(0), client(0));
    let grace = armed(&server.detach(stream, idle), DETACH_GRACE);
    assert_eq!(server.fire(grace, idle), [Effect::Close("demo")]);
}

#[test]
fn creating_again_arms_the_hold_anew_and_the_old_timer_cannot_end_it() {
    let mut server = server();
    let old = open(&mut server, workspace(0), client(0), "demo");
    let new = armed(&join(&mut server, workspace(0), client(0)), CREATE_GRACE);
    assert_eq!(server.fire(old, idle), []);
    assert_eq!(clients(&server, workspace(0)), [(client(0), 0)]);
    assert_eq!(server.fire(new, idle), [Effect::Close("demo")]);
}

#[test]
fn creating_again_takes_a_release_back() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    let stream = attach(&mut server, workspace(0), client(0));
    assert_eq!(server.release(workspace(0), client(0), idle), []);
    assert_eq!(join(&mut server, workspace(0), client(0)), []);
    armed(&server.detach(stream, idle), DETACH_GRACE);
}

#[test]
fn a_stream_of_an_earlier_life_of_the_workspace_changes_nothing() {
    let mut server = without_detach_grace();
    open(&mut server, workspace(0), client(0), "first");
    let stale = attach(&mut server, workspace(0), client(0));
    assert_eq!(
        server.retire(client(0), NOW, idle),
        [Effect::Close("first")]
    );
    assert_eq!(server.closed(workspace(0)), []);
    open(&mut server, workspace(0), client(1), "second");
    let _stream = attach(&mut server, workspace(0), client(1));
    assert_eq!(server.detach(stale, idle), []);
    assert_eq!(clients(&server, workspace(0)), [(client(1), 1)]);
}

#[test]
fn a_stream_from_before_a_retirement_is_not_a_stream_of_the_claim_after_it() {
    let mut server = without_detach_grace();
    open(&mut server, workspace(0), client(0), "demo");
    let stale = attach(&mut server, workspace(0), client(1));
    assert_eq!(server.retire(client(1), NOW, idle), []);
    let two_days_on = 48 * HOUR;
    let (_, stream) = server.attach(workspace(0), client(1), two_days_on).unwrap();
    assert_eq!(server.detach(stale, idle), []);
    assert_eq!(
        clients(&server, workspace(0)),
        [(client(0), 0), (client(1), 1)]
    );
    assert_eq!(server.detach(stream, idle), []);
    assert_eq!(clients(&server, workspace(0)), [(client(0), 0)]);
}

#[test]
fn a_new_claim_ends_the_linger_window() {
    let mut server: Server = Registry::new(LifecycleOptions {
        linger: LINGER,
        ..options()
    });
    open(&mut server, workspace(0), client(0), "demo");
    let first = armed(&server.release(workspace(0), client(0), idle), LINGER);
    let hold = armed(&join(&mut server, workspace(0), client(1)), CREATE_GRACE);
    assert_eq!(server.fire(first, idle), []);
    let second = armed(&server.fire(hold, idle), LINGER);
    let _stream = attach(&mut server, workspace(0), client(2));
    assert_eq!(server.fire(second, idle), []);
    assert_eq!(server.get(workspace(0)), Lookup::Open("demo"));
}

#[test]
fn the_end_of_the_linger_window_closes_the_workspace() {
    let mut server: Server = Registry::new(LifecycleOptions {
        linger: LINGER,
        ..options()
    });
    open(&mut server, workspace(0), client(0), "demo");
    let linger = armed(&server.release(workspace(0), client(0), idle), LINGER);
    assert_eq!(server.get(workspace(0)), Lookup::Open("demo"));
    assert_eq!(server.fire(linger, idle), [Effect::Close("demo")]);
}
