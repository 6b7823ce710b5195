//! Current sessions and who counts as present.

use runwright_backend::{ClientView, CurrentSessionRefusal};

use super::{
    DETACH_GRACE, armed, attach, client, idle, open, server, without_detach_grace, workspace,
};
use crate::ids::session;

#[test]
fn each_client_selects_switches_and_clears_its_own_session() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    let _first = attach(&mut server, workspace(0), client(0));
    let _second = attach(&mut server, workspace(0), client(1));
    let mut select = |who, selected: Option<usize>| {
        let selected = selected.map(session);
        server
            .set_current_session(workspace(0), client(who), selected)
            .unwrap();
        let claims = server.clients(workspace(0)).unwrap();
        claims
            .into_iter()
            .map(|claim| claim.current_session)
            .collect::<Vec<_>>()
    };
    assert_eq!(select(0, Some(1)), [Some(session(1)), None]);
    assert_eq!(select(1, Some(1)), [Some(session(1)), Some(session(1))]);
    assert_eq!(select(0, Some(2)), [Some(session(2)), Some(session(1))]);
    assert_eq!(select(0, None), [None, Some(session(1))]);
}

#[test]
fn a_selected_session_dies_with_the_claim() {
    let mut server = without_detach_grace();
    open(&mut server, workspace(0), client(0), "demo");
    let stream = attach(&mut server, workspace(0), client(1));
    server
        .set_current_session(workspace(0), client(1), Some(session(1)))
        .unwrap();
    assert_eq!(server.detach(stream, idle), []);
    let select = server.set_current_session(workspace(0), client(1), Some(session(1)));
    assert_eq!(select, Err(CurrentSessionRefusal::NotAttached));
    let _stream = attach(&mut server, workspace(0), client(1));
    assert_eq!(server.attached(workspace(0), &session(1)), Some(0));
}

#[test]
fn a_selected_session_survives_the_detach_grace() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    let stream = attach(&mut server, workspace(0), client(0));
    server
        .set_current_session(workspace(0), client(0), Some(session(1)))
        .unwrap();
    armed(&server.detach(stream, idle), DETACH_GRACE);
    assert_eq!(server.attached(workspace(0), &session(1)), Some(0));
    let _stream = attach(&mut server, workspace(0), client(0));
    assert_eq!(server.attached(workspace(0), &session(1)), Some(1));
}

#[test]
fn a_client_with_only_a_hold_cannot_select_a_session() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    let select = server.set_current_session(workspace(0), client(0), Some(session(1)));
    assert_eq!(select, Err(CurrentSessionRefusal::NotAttached));
    let claim = ClientView {
        client: client(0),
        streams: 0,
        current_session: None,
    };
    assert_eq!(server.clients(workspace(0)), Some(vec![claim]));
}

#[test]
fn an_unknown_client_or_workspace_cannot_select_a_session() {
    let mut server = server();
    open(&mut server, workspace(0), client(0), "demo");
    let mut select = |id, who| server.set_current_session(workspace(id), client(who), None);
    assert_eq!(select(0, 1), Err(CurrentSessionRefusal::NotAttached));
    assert_eq!(select(1, 0), Err(CurrentSessionRefusal::NotFound));
}

#[test]
fn a_detach_leaves_the_selection_of_the_other_client() {
    let mut server = without_detach_grace();
    open(&mut server, workspace(0), client(0), "demo");
    let _first = attach(&mut server, workspace(0), client(0));
    let second = attach(&mut server, workspace(0), client(1));
    server
        .set_current_session(workspace(0), client(0), Some(session(1)))
        .unwrap();
    server
        .set_current_session(workspace(0), client(1), Some(session(2)))
        .unwrap();
    assert_eq!(server.detach(second, idle), []);
    assert_eq!(server.attached(workspace(0), &session(1)), Some(1));
    assert_eq!(server.attached(workspace(0), &session(2)), Some(0));
}

#[test]
fn only_clients_with_a_stream_and_that_session_are_counted_as_attached() {
    let mut server = without_detach_grace();
    open(&mut server, workspace(0), client(0), "demo");
    let counts =
        |server: &super::Server| [1, 2].map(|n| server.attached(workspace(0), &session(n)));
    let _first = attach(&mut server, workspace(0), client(1));
    let second = attach(&mut server, workspace(0), client(2));
    assert_eq!(
        counts(&server),
        [Some(0), Some(0)],
        "held or without a selection"
    );
    server
        .set_current_session(workspace(0), client(1), Some(session(1)))
        .unwrap();
    server
        .set_current_session(workspace(0), client(2), Some(session(1)))
        .unwrap();
    assert_eq!(counts(&server), [Some(2), Some(0)]);
    server
        .set_current_session(workspace(0), client(1), Some(session(2)))
        .unwrap();
    assert_eq!(counts(&server), [Some(1), Some(1)]);
    assert_eq!(server.detach(second, idle), []);
    assert_eq!(counts(&server), [Some(0), Some(1)]);
}

#[test]
fn an_unknown_workspace_has_no_clients_to_count() {
    let server = server();
    assert_eq!(server.attached(workspace(0), &session(1)), None);
    assert_eq!(server.clients(workspace(0)), None);
}
