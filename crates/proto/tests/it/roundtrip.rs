//! Whatever value there is, it encodes to what decodes to it again.

use std::{fmt::Debug, sync::Arc};

use proptest::{collection::vec, option, prelude::*};
use runwright_proto::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The two ways a value is decoded: from a text, and from a value that was decoded before.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: &T,
) -> Result<(), TestCaseError> {
    let json = serde_json::to_string(value).unwrap();
    prop_assert_eq!(
        &serde_json::from_str::<T>(&json).unwrap(),
        value,
        "{}",
        json
    );
    let sorted: Value = serde_json::from_str(&json).unwrap();
    prop_assert_eq!(
        &serde_json::from_value::<T>(sorted).unwrap(),
        value,
        "{}",
        json
    );
    Ok(())
}

fn shared() -> impl Strategy<Value = Arc<str>> {
    ".{0,16}".prop_map(Arc::from)
}

fn text() -> impl Strategy<Value = Text> {
    vec(".{0,16}", 0..4).prop_map(|pieces| {
        let mut text = Text::new();
        for piece in pieces {
            // A snapshot that is alive makes the next push a piece of its own.
            let _snapshot = text.clone();
            text.push_str(&piece);
        }
        text
    })
}

fn blob() -> impl Strategy<Value = Blob> {
    vec(any::<u8>(), 0..40).prop_map(Blob::from)
}

fn session_id() -> impl Strategy<Value = SessionId> {
    "[!-.0-~]{1,40}".prop_map(|text| text.parse().unwrap())
}

fn message_id() -> impl Strategy<Value = MessageId> {
    "[!-.0-~]{1,40}".prop_map(|text| text.parse().unwrap())
}

fn run_id() -> impl Strategy<Value = RunId> {
    "[!-~]{1,40}".prop_map(|text| text.parse().unwrap())
}

fn epoch() -> impl Strategy<Value = Epoch> {
    "[0-9a-z]{1,32}".prop_map(|text| text.parse().unwrap())
}

fn one_of<T: Copy + Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

/// JSON of the kind a later version could send.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((".{0,6}", inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn money() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..1e-3,
        0.0..1e6,
        prop::num::f64::POSITIVE | prop::num::f64::ZERO
    ]
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        text().prop_map(|text| Part::Text(TextPart { text })),
        (text(), shared(), any::<i64>(), any::<i64>()).prop_map(
            |(thinking, signature, started_at, finished_at)| {
                Part::Reasoning(Reasoning {
                    thinking,
                    signature,
                    started_at,
                    finished_at,
                })
            }
        ),
        (shared(), shared(), shared(), shared(), any::<bool>()).prop_map(
            |(id, name, input, kind, finished)| Part::ToolCall(ToolCall {
                id,
                name,
                input,
                kind,
                finished
            })
        ),
        (
            shared(),
            shared(),
            shared(),
            blob(),
            shared(),
            shared(),
            any::<bool>()
        )
            .prop_map(
                |(tool_call_id, name, content, data, mime_type, metadata, is_error)| {
                    Part::ToolResult(ToolResult {
                        tool_call_id,
                        name,
                        content,
                        data,
                        mime_type,
                        metadata,
                        is_error,
                    })
                }
            ),
        (one_of(FinishReason::ALL), any::<i64>(), shared(), shared()).prop_map(
            |(reason, time, message, details)| Part::Finish(Finish {
                reason,
                time,
                message,
                details
            })
        ),
        (shared(), shared()).prop_map(|(url, detail)| Part::ImageUrl(ImageUrl { url, detail })),
        (shared(), shared(), blob()).prop_map(|(path, mime_type, data)| Part::Binary(Binary {
            path,
            mime_type,
            data
        })),
        (shared(), shared(), any::<i32>()).prop_map(|(command, output, exit_code)| {
            Part::ShellCommand(ShellCommand {
                command,
                output,
                exit_code,
            })
        }),
        // Words that no known kind begins with.
        ("later_[a-z]{0,8}", json()).prop_map(|(kind, data)| {
            Part::Unknown(UnknownPart {
                kind: Arc::from(kind),
                data,
            })
        }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    (
        vec(part(), 0..5),
        message_id(),
        session_id(),
        one_of(Role::ALL),
        (shared(), shared()),
        any::<(i64, i64, bool)>(),
    )
        .prop_map(
            |(
                parts,
                id,
                session_id,
                role,
                (model, provider),
                (created_at, updated_at, summary),
            )| Message {
                parts,
                model,
                provider,
                updated_at,
                is_summary_message: summary,
                ..Message::new(id, session_id, role, created_at)
            },
        )
}

fn todo() -> impl Strategy<Value = Todo> {
    (".{0,8}", one_of(TodoStatus::ALL), ".{0,8}").prop_map(|(content, status, active_form)| Todo {
        content,
        status,
        active_form,
    })
}

fn session() -> impl Strategy<Value = Session> {
    (
        (
            session_id(),
            option::of(session_id()),
            option::of(message_id()),
            ".{0,12}",
        ),
        any::<(u64, u64, u64, i64, i64)>(),
        (money(), vec(todo(), 0..3), any::<(bool, u64)>()),
    )
        .prop_map(
            |((id, parent_session_id, summary_message_id, title), counts, (cost, todos, seen))| {
                Session {
                    parent_session_id,
                    summary_message_id,
                    message_count: counts.0,
                    prompt_tokens: counts.1,
                    completion_tokens: counts.2,
                    cost,
                    todos,
                    updated_at: counts.4,
                    is_busy: seen.0,
                    attached_clients: seen.1,
                    ..Session::new(id, title, counts.3)
                }
            },
        )
}

fn usage() -> impl Strategy<Value = Usage> {
    (any::<(u64, u64, u64, u64)>(), money()).prop_map(|(tokens, cost)| Usage {
        input_tokens: tokens.0,
        output_tokens: tokens.1,
        cache_read_tokens: tokens.2,
        cache_write_tokens: tokens.3,
        cost,
    })
}

fn run_complete() -> impl Strategy<Value = RunComplete> {
    (
        (
            session_id(),
            option::of(run_id()),
            option::of(message_id()),
            option::of(run_id()),
        ),
        (text(), ".{0,8}", any::<bool>(), one_of(RunState::ALL)),
        (option::of(".{0,8}"), option::of(usage())),
    )
        .prop_map(
            |(ids, (text, error, cancelled, state), (reason, usage))| RunComplete {
                session_id: ids.0,
                run_id: ids.1,
                message_id: ids.2,
                text,
                error,
                cancelled,
                state,
                reason,
                folded_into: ids.3,
                usage,
            },
        )
}

fn agent_event() -> impl Strategy<Value = AgentEvent> {
    (
        (shared(), one_of(AgentEventKind::ALL), option::of(message())),
        (option::of(run_id()), option::of(session_id()), shared()),
        (shared(), any::<bool>(), shared(), shared()),
    )
        .prop_map(
            |((error, kind, message), (run_id, session_id, session_title), rest)| AgentEvent {
                error,
                kind,
                message,
                run_id,
                session_id,
                session_title,
                progress: rest.0,
                done: rest.1,
                aws_sso_command: rest.2,
                aws_sso_url: rest.3,
            },
        )
}

fn permission() -> impl Strategy<Value = PermissionRequest> {
    ("[!-.0-~]{1,40}", session_id(), json(), vec(".{0,8}", 5)).prop_map(
        |(id, session_id, params, texts)| PermissionRequest {
            id: id.parse().unwrap(),
            session_id,
            tool_call_id: texts[0].clone(),
            tool_name: texts[1].clone(),
            description: texts[2].clone(),
            action: texts[3].clone(),
            params,
            path: texts[4].clone(),
        },
    )
}

fn change<T: Debug + Clone>(payload: impl Strategy<Value = T>) -> impl Strategy<Value = Change<T>> {
    (one_of(ChangeKind::ALL), payload).prop_map(|(kind, payload)| Change { kind, payload })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => change(message()).prop_map(Event::Message),
        1 => change(session()).prop_map(Event::Session),
        2 => change(run_complete()).prop_map(Event::RunComplete),
        2 => change(agent_event()).prop_map(Event::AgentEvent),
        1 => change(permission()).prop_map(Event::PermissionRequest),
        1 => (message_id(), any::<(u32, u64)>(), shared()).prop_map(|(id, (part, offset), text)| {
            Event::MessageDelta(MessageDelta { id, part, offset, text })
        }),
        1 => (any::<(u64, u64)>(), epoch())
            .prop_map(|((from, to), epoch)| Event::Gap(Gap { from: Seq(from), to: Seq(to), epoch })),
        1 => one_of(EndReason::ALL).prop_map(|reason| Event::End(End { reason })),
        1 => ("later_[a-z]{0,8}", json()).prop_map(|(kind, payload)| {
            Event::Unknown(UnknownEvent { kind: Arc::from(kind), payload })
        }),
    ]
}

proptest! {
    #[test]
    fn messages(message in message()) {
        check(&message)?;
    }

    #[test]
    fn sessions(session in session()) {
        check(&AgentSession::from(session.clone()))?;
        check(&session)?;
    }

    #[test]
    fn events(event in event(), seq in option::of(any::<u64>()), epoch in option::of(epoch())) {
        let envelope = Envelope { event, seq: seq.map(Seq), epoch };
        let json = serde_json::to_string(&envelope).unwrap();
        let begin = format!(r#"{{"type":"{}","#, envelope.event.kind());
        prop_assert!(json.starts_with(&begin), "{}", json);
        prop_assert!(!json.contains('\n'), "one line of a stream: {}", json);
        check(&envelope)?;
    }

    #[test]
    fn cursors(epoch in epoch(), seq in any::<u64>()) {
        let cursor = Cursor::After { epoch, seq: Seq(seq) };
        prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn ids_of_any_text_are_refused_or_kept(text in ".{0,300}") {
        if let Ok(id) = text.parse::<SessionId>() {
            prop_assert_eq!(id.as_str(), text.as_str());
            check(&id)?;
        }
        if let Ok(id) = text.parse::<RunId>() {
            prop_assert_eq!(id.as_str(), text.as_str());
            check(&id)?;
        }
    }

    /// No input makes the decoder panic, and what it takes it can write and take again.
    #[test]
    fn any_json_decodes_or_fails(value in json(), kind in "(text|finish|message|gap|run_complete|agent_event)") {
        let text = format!(r#"{{"type":"{kind}","data":{value},"payload":{value}}}"#);
        if let Ok(part) = serde_json::from_str::<Part>(&text) {
            check(&part)?;
        }
        if let Ok(envelope) = serde_json::from_str::<Envelope>(&text) {
            check(&envelope)?;
        }
    }
}
