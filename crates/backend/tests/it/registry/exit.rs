//! The idle exit, the control command and the shutdown.

use std::time::Duration;

use runwright_backend::{
    AttachRefusal, CreateDecision, CreateRefusal, Effect, Lookup, NotIdle, Profile,
};

use super::{
    CREATE_GRACE, IDLE, NOW, Server, armed, attach, client, exiting_after, idle, open, refused,
    server, start, wait, workspace,
};

/// Closes the workspace of a lone client. Returns what its end leads to.
#[track_caller]
fn close(server: &mut Server, id: usize, who: usize) -> Vec<Effect<super::Handle>> {
    let close = server.release(workspace(id), client(who), idle);
    assert!(matches!(close[..], [Effect::Close(_)]));
    server.closed(workspace(id))
}

#[track_caller]
fn refuses_creates(server: &mut Server) {
    let created = server.create(workspace(9), client(9), Profile::default(), NOW);
    assert_eq!(refused(created), CreateRefusal::ShuttingDown);
    let opening = server.open_known(workspace(9), Profile::default());
    assert_eq!(refused(opening), CreateRefusal::ShuttingDown);
    assert_eq!(
        (server.pending(), server.get(workspace(9))),
        (0, Lookup::Unknown)
    );
}

#[test]
fn the_server_does_not_exit_while_a_create_is_pending() {
    let mut server = exiting_after(Duration::ZERO);
    open(&mut server, workspace(0), client(0), "demo");
    let ticket = start(&mut server, workspace(1), client(1), Profile::default());
    assert_eq!(close(&mut server, 0, 0), []);
    assert_eq!(server.get(workspace(0)), Lookup::Unknown);
    assert_eq!((server.pending(), server.is_closing()), (1, false));
    assert_eq!(server.opened(ticket, "other").outcome, Ok("other"));
}

#[test]
fn the_server_does_not_exit_while_a_create_waits_for_the_end_of_a_workspace() {
    let mut server = exiting_after(Duration::ZERO);
    open(&mut server, workspace(0), client(0), "first");
    assert_eq!(
        server.release(workspace(0), client(0), idle),
        [Effect::Close("first")]
    );
    let waiter = wait(&mut server, workspace(0), client(1));
    assert_eq!(server.closed(workspace(0)), []);
    assert!(matches!(
        server.retry(waiter).outcome,
        CreateDecision::Open(_)
    ));
}

#[test]
fn a_waiting_create_that_gives_up_lets_the_server_exit() {
    let mut server = exiting_after(Duration::ZERO);
    open(&mut server, workspace(0), client(0), "demo");
    assert_eq!(
        server.release(workspace(0), client(0), idle),
        [Effect::Close("demo")]
    );
    let waiter = wait(&mut server, workspace(0), client(1));
    assert_eq!(server.closed(workspace(0)), []);
    assert_eq!(server.give_up(waiter), [Effect::Exit]);
}

#[test]
fn a_waiting_create_that_is_refused_lets_the_server_exit() {
    let mut server = exiting_after(Duration::ZERO);
    open(&mut server, workspace(0), client(0), "demo");
    assert_eq!(
        server.release(workspace(0), client(0), idle),
        [Effect::Close("demo")]
    );
    let waiter = wait(&mut server, workspace(0), client(1));
    assert_eq!(server.closed(workspace(0)), []);
    assert_eq!(server.retire(client(1), NOW, idle), []);
    let retried = server.retry(waiter);
    assert!(matches!(
        retried.outcome,
        CreateDecision::Refuse(CreateRefusal::Retired)
    ));
    assert_eq!(retried.effects, [Effect::Exit]);
}

#[test]
fn an_idle_server_exits_at_once_without_a_delay() {
    let mut server = exiting_after(Duration::ZERO);
    open(&mut server, workspace(0), client(0), "demo");
    assert_eq!(close(&mut server, 0, 0), [Effect::Exit]);
    refuses_creates(&mut server);
}

#[test]
fn a_create_is_pending_until_it_succeeds() {
    let mut server = exiting_after(Duration::ZERO);
    let ticket = start(&mut server, workspace(0), client(0), Profile::default());
    assert_eq!(server.pending(), 1);
    assert_eq!(server.opened(ticket, "demo").outcome, Ok("demo"));
    assert_eq!((server.pending(), server.is_closing()), (0, false));
}

#[test]
fn a_failed_create_leaves_no_empty_server_behind() {
    let mut server = exiting_after(Duration::ZERO);
    let ticket = start(&mut server, workspace(0), client(0), Profile::default());
    assert_eq!(server.open_failed(ticket), [Effect::Exit]);
    assert_eq!((server.pending(), server.is_closing()), (0, true));
}

#[test]
fn an_idle_server_exits_after_its_delay() {
    let mut server = exiting_after(IDLE);
    open(&mut server, workspace(0), client(0), "demo");
    let exit = armed(&close(&mut server, 0, 0), IDLE);
    assert!(!server.is_closing());
    assert_eq!(server.fire(exit, idle), [Effect::Exit]);
    assert_eq!(server.fire(exit, idle), []);
    refuses_creates(&mut server);
}

#[test]
fn a_create_cancels_the_idle_exit() {
    let mut server = exiting_after(IDLE);
    open(&mut server, workspace(0), client(0), "demo");
    let first = armed(&close(&mut server, 0, 0), IDLE);
    let ticket = start(&mut server, workspace(0), client(0), Profile::default());
    assert_eq!(server.fire(first, idle), []);
    let second = armed(&server.open_failed(ticket), IDLE);
    assert_eq!(server.fire(first, idle), []);
    assert_eq!(server.fire(second, idle), [Effect::Exit]);
}

#[test]
fn a_server_that_nobody_uses_exits_only_if_it_was_told_that_it_started() {
    let mut server = exiting_after(IDLE);
    let exit = armed(&server.started(), IDLE);
    assert_eq!(server.fire(exit, idle), [Effect::Exit]);
    assert_eq!(super::server().started(), [], "it never exits by itself");
}

#[test]
fn a_server_that_exits_at_once_gives_its_first_client_time_to_come() {
    let mut server = exiting_after(Duration::ZERO);
    armed(&server.started(), CREATE_GRACE);
    open(&mut server, workspace(0), client(0), "demo");
    assert_eq!(server.started(), [], "it is in use");
}

#[test]
fn an_exit_is_refused_while_a_workspace_lives() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    assert_eq!(server.exit_if_idle(), Err(NotIdle));
    assert!(!server.is_closing());
    assert_eq!(
        server.release(workspace(0), client(0), idle),
        [Effect::Close("demo")]
    );
    assert_eq!(
        server.exit_if_idle(),
        Err(NotIdle),
        "its teardown is not over"
    );
}

#[test]
fn an_exit_is_refused_while_a_create_is_pending() {
    let mut server = server();
    let ticket = start(&mut server, workspace(0), client(0), Profile::default());
    assert_eq!(server.exit_if_idle(), Err(NotIdle));
    assert_eq!(server.opened(ticket, "demo").outcome, Ok("demo"));
}

#[test]
fn an_exit_that_was_granted_is_final() {
    let mut server = server();
    assert_eq!(server.exit_if_idle(), Ok(vec![Effect::Exit]));
    assert_eq!(server.exit_if_idle(), Ok(Vec::new()));
    refuses_creates(&mut server);
}

#[test]
fn a_shutdown_closes_every_open_workspace_once() {
    let mut server = exiting_after(IDLE);
    open(&mut server, workspace(0), client(0), "first");
    let stream = attach(&mut server, workspace(0), client(0));
    let hold = open(&mut server, workspace(1), client(1), "second");
    open(&mut server, workspace(2), client(2), "closing");
    assert_eq!(
        server.release(workspace(2), client(2), idle),
        [Effect::Close("closing")]
    );
    assert_eq!(server.begin_shutdown(), ["first", "second"]);
    assert_eq!(server.begin_shutdown(), [""; 0]);
    assert_eq!(server.detach(stream, idle), []);
    assert_eq!(server.fire(hold, idle), []);
    let attached = server.attach(workspace(0), client(0), NOW);
    assert_eq!(attached.unwrap_err(), AttachRefusal::Closing);
    refuses_creates(&mut server);
    for id in 0..3 {
        assert_eq!(
            server.closed(workspace(id)),
            [],
            "the shell leaves by itself"
        );
    }
    assert!(server.is_idle());
}

#[test]
fn a_workspace_that_opens_during_a_shutdown_closes_again() {
    let mut server = server();
    let ticket = start(&mut server, workspace(0), client(0), Profile::default());
    let waiter = wait(&mut server, workspace(0), client(1));
    assert_eq!(server.begin_shutdown(), [""; 0]);
    let opened = server.opened(ticket, "demo");
    assert_eq!(opened.outcome, Err(CreateRefusal::ShuttingDown));
    assert_eq!(opened.effects, [Effect::Close("demo")]);
    assert_eq!(refused(server.retry(waiter)), CreateRefusal::ShuttingDown);
    assert_eq!(server.closed(workspace(0)), []);
    assert!(server.is_idle());
}
