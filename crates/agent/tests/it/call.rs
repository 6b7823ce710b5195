//! What makes a prompt valid, and what becomes of it.

use runwright_agent::{AgentCall, CallError};
use runwright_proto::{AgentMessage, Attachment, BusyPolicy, RunId, SessionId};
use serde_json::{Value, json};

const SESSION: &str = "00000000-0000-4000-8000-000000000003";

fn session() -> SessionId {
    SESSION.parse().unwrap()
}

fn message(prompt: &str) -> AgentMessage {
    AgentMessage {
        session_id: Some(session()),
        prompt: prompt.to_owned(),
        ..AgentMessage::default()
    }
}

fn attachment(mime_type: &str) -> Attachment {
    Attachment {
        file_path: "/tmp/notes".to_owned(),
        file_name: "notes".to_owned(),
        mime_type: mime_type.to_owned(),
        content: "hi".as_bytes().into(),
    }
}

fn call(message: AgentMessage) -> AgentCall {
    AgentCall::try_from(message).unwrap()
}

#[test]
fn the_first_check_that_fails_is_reported() {
    let image = vec![attachment("image/png")];
    let text = vec![attachment("image/png"), attachment("text/plain")];
    let none: Vec<Attachment> = Vec::new();
    let cases = [
        ("", &none, true, Err(CallError::EmptyPrompt)),
        ("", &none, false, Err(CallError::EmptyPrompt)),
        ("", &image, true, Err(CallError::EmptyPrompt)),
        ("", &image, false, Err(CallError::EmptyPrompt)),
        ("", &text, false, Err(CallError::SessionMissing)),
        ("", &text, true, Ok(())),
        ("hello", &none, false, Err(CallError::SessionMissing)),
        ("hello", &none, true, Ok(())),
        ("hello", &image, true, Ok(())),
        (" ", &none, true, Ok(())),
    ];
    for (prompt, attachments, has_session, expected) in cases {
        let message = AgentMessage {
            session_id: has_session.then(session),
            attachments: attachments.clone(),
            ..message(prompt)
        };
        let shown = format!("{message:?}");
        assert_eq!(AgentCall::try_from(message).map(drop), expected, "{shown}");
    }
}

#[test]
fn a_valid_prompt_keeps_what_it_was_made_of() {
    let run: RunId = "nightly".parse().unwrap();
    let attachments = vec![attachment("text/plain")];
    let named = call(AgentMessage {
        run_id: Some(run.clone()),
        attachments: attachments.clone(),
        when_busy: Some(BusyPolicy::Reject),
        ..message("hello")
    });
    assert_eq!(named.session_id(), &session());
    assert_eq!((named.run_id(), named.is_named()), (&run, true));
    assert_eq!(named.prompt(), "hello");
    assert_eq!(named.attachments(), attachments);
    assert_eq!(named.when_busy(), BusyPolicy::Reject);
    assert_eq!(named.idempotency_key(), None);
    let keyed = named.with_idempotency_key("key");
    assert_eq!(keyed.idempotency_key().map(|key| &**key), Some("key"));
}

#[test]
fn a_prompt_without_a_name_gets_one_of_its_own() {
    let (first, second) = (call(message("hello")), call(message("hello")));
    assert!(!first.is_named());
    assert_ne!(first.run_id(), second.run_id());
}

#[test]
fn a_prompt_that_says_nothing_of_a_busy_session_steers_it_or_waits_if_it_is_named() {
    let named = AgentMessage {
        run_id: Some(RunId::generate()),
        ..message("hello")
    };
    assert_eq!(call(message("hello")).when_busy(), BusyPolicy::Steer);
    assert_eq!(call(named).when_busy(), BusyPolicy::Queue);
}

#[test]
fn the_same_request_is_the_same_whatever_its_run_is_called() {
    let queue = |message| AgentMessage {
        when_busy: Some(BusyPolicy::Queue),
        ..message
    };
    let original = call(queue(message("hello")));
    let same = call(AgentMessage {
        run_id: Some(RunId::generate()),
        ..queue(message("hello"))
    });
    assert!(original.same_request(&same.with_idempotency_key("key")));
    let others = [
        queue(message("goodbye")),
        AgentMessage {
            session_id: Some(SessionId::random()),
            ..queue(message("hello"))
        },
        AgentMessage {
            attachments: vec![attachment("text/plain")],
            ..queue(message("hello"))
        },
        AgentMessage {
            when_busy: Some(BusyPolicy::Steer),
            ..message("hello")
        },
    ];
    for other in others {
        let other = call(other);
        assert!(!original.same_request(&other), "{other:?}");
        assert!(!other.same_request(&original), "{other:?}");
    }
}

/// As the unmodified client and server were recorded (`run-plain`).
#[test]
fn the_message_of_a_prompt_is_its_text_and_a_finish_part() {
    let prompt = "hello there [[say 5]] [[delay 20]]";
    let mut recorded = json!({
        "parts": [
            {"type": "text", "data": {"text": prompt}},
            {"type": "finish", "data": {"reason": "stop", "time": 0}},
        ],
        "id": "00000000-0000-4000-8000-000000000004",
        "role": "user",
        "session_id": SESSION,
        "model": "",
        "provider": "",
        "created_at": 1_795_357_442,
        "updated_at": 1_795_357_442,
    });
    let user_message = call(message(prompt)).user_message(1_795_357_442);
    recorded["id"] = Value::from(user_message.id.as_str());
    assert_eq!(serde_json::to_value(user_message).unwrap(), recorded);
}

#[test]
fn each_attachment_is_a_part_of_the_message() {
    let prompt = AgentMessage {
        attachments: vec![attachment("text/plain"), attachment("image/png")],
        ..message("look")
    };
    let binary = |mime_type: &str| json!({"type": "binary", "data": {"Path": "/tmp/notes", "MIMEType": mime_type, "Data": "aGk="}});
    let expected = json!([
        {"type": "text", "data": {"text": "look"}},
        binary("text/plain"),
        binary("image/png"),
        {"type": "finish", "data": {"reason": "stop", "time": 0}},
    ]);
    let user_message = call(prompt).user_message(7);
    assert_eq!(serde_json::to_value(user_message.parts).unwrap(), expected);
}

#[test]
fn each_message_of_a_prompt_has_an_id_of_its_own() {
    let call = call(message("hello"));
    assert_ne!(call.user_message(7).id, call.user_message(7).id);
}
