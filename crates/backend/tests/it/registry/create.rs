//! Create, join, wait, open on demand, and retirement.

use std::time::Duration;

use runwright_backend::{
    AttachRefusal, CreateDecision, CreateRefusal, Effect, LifecycleOptions, Lookup, Profile,
    Registry,
};
use runwright_proto::OnLastDetach;

use super::{
    CREATE_GRACE, HOUR, LINGER, NOW, Server, armed, attach, busy, client, clients, idle, join,
    open, open_with, options, refused, server, start, wait, with, workspace,
};

#[test]
fn two_creates_of_a_path_share_one_workspace() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    let joined = server.create(workspace(0), client(1), Profile::default(), NOW);
    assert!(matches!(joined.outcome, CreateDecision::Join("demo")));
    armed(&joined.effects, CREATE_GRACE);
    assert_eq!(
        clients(&server, workspace(0)),
        [(client(0), 0), (client(1), 0)]
    );
}

#[test]
fn different_paths_are_different_workspaces() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "first");
    open(&mut server, workspace(1), client(0), "second");
    assert_eq!(
        server.list(),
        [(workspace(0), "first"), (workspace(1), "second")]
    );
}

#[test]
fn creates_at_the_same_time_converge_on_one_workspace() {
    let mut server = server();
    let ticket = start(&mut server, workspace(0), client(0), Profile::default());
    let waiters: Vec<_> = (1..64)
        .map(|n| wait(&mut server, workspace(0), client(n)))
        .collect();
    assert_eq!(server.get(workspace(0)), Lookup::Opening);
    assert_eq!(server.opened(ticket, "demo").outcome, Ok("demo"));
    for waiter in waiters {
        assert!(matches!(
            server.retry(waiter).outcome,
            CreateDecision::Join("demo")
        ));
    }
    assert_eq!(clients(&server, workspace(0)).len(), 64);
    assert_eq!(server.pending(), 0);
}

#[test]
fn a_create_that_waited_for_a_failure_opens_the_workspace_itself() {
    let mut server = server();
    let ticket = start(&mut server, workspace(0), client(0), Profile::default());
    let waiter = wait(&mut server, workspace(0), client(1));
    assert_eq!(server.open_failed(ticket), []);
    let CreateDecision::Open(ticket) = server.retry(waiter).outcome else {
        panic!("it is its turn");
    };
    assert_eq!(server.opened(ticket, "demo").outcome, Ok("demo"));
    assert_eq!(clients(&server, workspace(0)), [(client(1), 0)]);
}

#[test]
fn a_create_of_a_closing_workspace_waits_for_its_end_and_opens_it_anew() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "first");
    assert_eq!(
        server.release(workspace(0), client(0), idle),
        [Effect::Close("first")]
    );
    let waiter = wait(&mut server, workspace(0), client(0));
    let CreateDecision::Wait(waiter) = server.retry(waiter).outcome else {
        panic!("it is not over yet");
    };
    assert_eq!(waiter.workspace(), workspace(0));
    assert_eq!(server.closed(workspace(0)), []);
    let CreateDecision::Open(ticket) = server.retry(waiter).outcome else {
        panic!("it is over");
    };
    assert_eq!(server.opened(ticket, "second").outcome, Ok("second"));
}

#[test]
fn the_end_of_a_teardown_means_nothing_to_a_workspace_that_is_not_closing() {
    let mut server = server();
    let ticket = start(&mut server, workspace(0), client(0), Profile::default());
    assert_eq!(server.closed(workspace(0)), []);
    assert_eq!(server.get(workspace(0)), Lookup::Opening);
    assert_eq!(server.opened(ticket, "demo").outcome, Ok("demo"));
    assert_eq!(server.closed(workspace(0)), []);
    assert_eq!(server.get(workspace(0)), Lookup::Open("demo"));
}

#[test]
fn an_attach_beside_a_teardown_wins_or_is_refused() {
    for attach_first in [true, false] {
        let mut server = server();
        open(&mut server, workspace(0), client(0), "demo");
        if attach_first {
            let _stream = attach(&mut server, workspace(0), client(1));
            assert_eq!(server.release(workspace(0), client(0), idle), []);
            assert_eq!(clients(&server, workspace(0)), [(client(1), 1)]);
        } else {
            let close = server.release(workspace(0), client(0), idle);
            assert_eq!(close, [Effect::Close("demo")]);
            let attached = server.attach(workspace(0), client(1), NOW);
            assert_eq!(attached.unwrap_err(), AttachRefusal::Closing);
            assert_eq!(server.closed(workspace(0)), []);
            let attached = server.attach(workspace(0), client(1), NOW);
            assert_eq!(attached.unwrap_err(), AttachRefusal::NotFound);
        }
    }
}

#[test]
fn a_workspace_that_is_being_opened_cannot_be_attached_to() {
    let mut server = server();
    let _ticket = start(&mut server, workspace(0), client(0), Profile::default());
    let attached = server.attach(workspace(0), client(0), NOW);
    assert_eq!(attached.unwrap_err(), AttachRefusal::NotFound);
}

#[test]
fn the_first_creator_decides_the_policy() {
    let mut server = server();
    let keep = with(OnLastDetach::Keep);
    open_with(&mut server, workspace(0), client(0), ("demo", keep));
    let joined = server.create(workspace(0), client(1), with(OnLastDetach::Finish), NOW);
    assert!(matches!(joined.outcome, CreateDecision::Join("demo")));
    assert_eq!(server.release(workspace(0), client(0), idle), []);
    assert_eq!(server.release(workspace(0), client(1), idle), []);
    assert_eq!(server.get(workspace(0)), Lookup::Open("demo"));
}

#[test]
fn channels_must_be_the_same_in_content_and_order() {
    let channels = |names: &[&str]| Profile {
        channels: names.iter().map(|&name| name.to_owned()).collect(),
        ..Profile::default()
    };
    let mut server = server();
    let existing = channels(&["a", "b"]);
    open_with(
        &mut server,
        workspace(0),
        client(0),
        ("demo", existing.clone()),
    );
    for other in [channels(&[]), channels(&["a"]), channels(&["b", "a"])] {
        let refusal = CreateRefusal::ChannelsMismatch {
            existing: existing.channels.clone(),
            requested: other.channels.clone(),
        };
        let text = "requested channels differ from the existing workspace";
        assert!(
            refusal.to_string().starts_with(text),
            "clients look for it (contract E7)"
        );
        let created = server.create(workspace(0), client(1), other, NOW);
        assert_eq!(refused(created), refusal);
        assert_eq!(clients(&server, workspace(0)), [(client(0), 0)]);
    }
    let joined = server.create(workspace(0), client(1), existing, NOW);
    assert!(matches!(joined.outcome, CreateDecision::Join("demo")));
}

#[test]
fn opening_on_demand_claims_nothing_and_lingers() {
    let mut server: Server = Registry::new(LifecycleOptions {
        linger: 2 * LINGER,
        ..options()
    });
    let CreateDecision::Open(ticket) = server.open_known(workspace(0), Profile::default()).outcome
    else {
        panic!("nobody has it open");
    };
    let opened = server.opened(ticket, "demo");
    assert_eq!(opened.outcome, Ok("demo"));
    let linger = armed(&opened.effects, 2 * LINGER);
    assert_eq!(server.clients(workspace(0)), Some(Vec::new()));
    assert_eq!(server.fire(linger, idle), [Effect::Close("demo")]);
}

#[test]
fn without_a_linger_window_opening_on_demand_lasts_for_the_create_grace() {
    let mut server = server();
    let opening = server.open_known(workspace(0), Profile::default()).outcome;
    let CreateDecision::Open(ticket) = opening else {
        panic!("nobody has it open")
    };
    let opened = server.opened(ticket, "demo");
    let grace = armed(&opened.effects, CREATE_GRACE);
    let _stream = attach(&mut server, workspace(0), client(0));
    assert_eq!(server.fire(grace, idle), []);
}

#[test]
fn opening_on_demand_joins_what_is_open_and_waits_for_what_opens() {
    let mut server = server();
    let channels = Profile {
        channels: vec!["a".to_owned()],
        ..Profile::default()
    };
    let ticket = start(&mut server, workspace(0), client(0), channels);
    let opening = server.open_known(workspace(0), Profile::default()).outcome;
    let CreateDecision::Wait(waiter) = opening else {
        panic!("it is being opened")
    };
    assert_eq!(server.opened(ticket, "demo").outcome, Ok("demo"));
    assert!(matches!(
        server.retry(waiter).outcome,
        CreateDecision::Join("demo")
    ));
    assert_eq!(clients(&server, workspace(0)), [(client(0), 0)]);
}

#[test]
fn retiring_drops_every_claim_and_spares_shared_workspaces() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "streaming");
    let stream = attach(&mut server, workspace(0), client(0));
    open(&mut server, workspace(1), client(0), "held");
    open(&mut server, workspace(2), client(0), "shared");
    join(&mut server, workspace(2), client(1));
    let closes = [Effect::Close("streaming"), Effect::Close("held")];
    assert_eq!(server.retire(client(0), NOW, idle), closes);
    assert_eq!(clients(&server, workspace(2)), [(client(1), 0)]);
    assert_eq!(server.retire(client(0), NOW, idle), [], "idempotent");
    assert_eq!(server.detach(stream, idle), [], "its stream ends later");
}

#[test]
fn a_retired_client_may_neither_create_nor_attach() {
    let mut server = server();
    open(&mut server, workspace(0), client(1), "demo");
    assert_eq!(server.retire(client(0), NOW, idle), []);
    for id in [workspace(0), workspace(1)] {
        let created = server.create(id, client(0), Profile::default(), NOW);
        assert_eq!(refused(created), CreateRefusal::Retired);
        let attached = server.attach(id, client(0), NOW);
        assert_eq!(attached.unwrap_err(), AttachRefusal::Retired);
    }
    assert_eq!(clients(&server, workspace(0)), [(client(1), 0)]);
    assert_eq!(server.get(workspace(1)), Lookup::Unknown);
}

#[test]
fn a_retired_client_is_remembered_for_a_day() {
    let mut server = server();
    open(&mut server, workspace(0), client(1), "demo");
    assert_eq!(server.retire(client(0), HOUR, idle), []);
    let just_before = 25 * HOUR - Duration::from_nanos(1);
    let attached = server.attach(workspace(0), client(0), just_before);
    assert_eq!(attached.unwrap_err(), AttachRefusal::Retired);
    assert_eq!(
        server.attach(workspace(0), client(0), 25 * HOUR).unwrap().0,
        "demo"
    );
}

#[test]
fn retiring_again_starts_the_day_again() {
    let mut server = server();
    open(&mut server, workspace(0), client(1), "demo");
    assert_eq!(server.retire(client(0), HOUR, idle), []);
    assert_eq!(server.retire(client(0), 2 * HOUR, idle), []);
    let attached = server.attach(workspace(0), client(0), 25 * HOUR);
    assert_eq!(attached.unwrap_err(), AttachRefusal::Retired);
    assert_eq!(
        server.attach(workspace(0), client(0), 26 * HOUR).unwrap().0,
        "demo"
    );
}

#[test]
fn a_create_whose_client_retires_meanwhile_fails_at_its_commit() {
    let mut server = server();
    let ticket = start(&mut server, workspace(0), client(0), Profile::default());
    let waiter = wait(&mut server, workspace(0), client(1));
    assert_eq!(server.retire(client(0), NOW, busy), []);
    let opened = server.opened(ticket, "first");
    assert_eq!(opened.outcome, Err(CreateRefusal::Retired));
    assert_eq!(opened.effects, [Effect::Close("first")]);
    assert_eq!(server.closed(workspace(0)), []);
    let CreateDecision::Open(ticket) = server.retry(waiter).outcome else {
        panic!("whoever waited opens it anew");
    };
    assert_eq!(server.opened(ticket, "second").outcome, Ok("second"));
    assert_eq!(clients(&server, workspace(0)), [(client(1), 0)]);
}

#[test]
fn a_create_that_waits_while_its_client_retires_is_refused() {
    let mut server = server();
    let ticket = start(&mut server, workspace(0), client(0), Profile::default());
    let waiter = wait(&mut server, workspace(0), client(1));
    assert_eq!(server.retire(client(1), NOW, idle), []);
    assert_eq!(server.opened(ticket, "demo").outcome, Ok("demo"));
    assert_eq!(refused(server.retry(waiter)), CreateRefusal::Retired);
    assert_eq!(clients(&server, workspace(0)), [(client(0), 0)]);
    assert_eq!(server.pending(), 0);
}
