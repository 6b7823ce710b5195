//! What others send decodes: members and kinds of later versions, `null` and absence where the contract's language has a
//! zero value, members in any order.

use std::fmt::Debug;

use runwright_proto::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::golden::read;

fn object(file: &str) -> Map<String, Value> {
    serde_json::from_str(&read(file)).unwrap()
}

/// Checks that a member nobody knows changes nothing, wherever it is put.
#[track_caller]
fn check_later_member<T: DeserializeOwned + PartialEq + Debug>(file: &str) {
    /// Objects whose members have names of somebody's choice.
    const MAPS: [&str; 3] = ["providers", "recent_models", "params"];

    fn add_everywhere(value: &mut Value) {
        match value {
            Value::Object(members) => {
                let known = members
                    .iter_mut()
                    .filter(|(name, _)| !MAPS.contains(&name.as_str()));
                known.for_each(|(_, member)| add_everywhere(member));
                members.insert(
                    "member_of_a_later_version".to_owned(),
                    json!({ "a": [1, null] }),
                );
            }
            Value::Array(elements) => elements.iter_mut().for_each(add_everywhere),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    let known: T = serde_json::from_str(&read(file)).unwrap();
    let mut value: Value = serde_json::from_str(&read(file)).unwrap();
    add_everywhere(&mut value);
    let later: T = serde_json::from_str(&value.to_string()).unwrap();
    assert_eq!(later, known, "{file}");
}

#[test]
fn members_of_a_later_version_are_ignored() {
    check_later_member::<Message>("contract/message_all_parts");
    check_later_member::<Vec<Message>>("recorded/messages");
    check_later_member::<Session>("recorded/session");
    check_later_member::<Workspace>("recorded/workspace");
    check_later_member::<AgentInfo>("recorded/agent_info");
    check_later_member::<AgentMessage>("contract/agent_message_attachments");
    check_later_member::<CreateWorkspace>("ours/create_workspace_request");
    check_later_member::<GrantPermission>("recorded/grant_permission_request");
    check_later_member::<Run>("ours/run");
    check_later_member::<Receipt>("ours/receipt");
    check_later_member::<Problem>("ours/problem");
    check_later_member::<Status>("ours/status");
    for event in ["message", "run_complete", "message_delta", "gap", "end"] {
        check_later_member::<Envelope>(&format!("ours/event_{event}"));
    }
    for event in [
        "lsp",
        "mcp",
        "skills",
        "update_available",
        "question_confirm",
        "re_authenticate",
    ] {
        check_later_member::<Envelope>(&format!("contract/event_{event}"));
    }
}

/// Checks that each member of a request may be `null`, and may be missing, with the same result.
#[track_caller]
fn check_zero_values<T: DeserializeOwned + Serialize + PartialEq + Debug>(
    file: &str,
    required: &[&str],
) {
    let whole = object(file);
    for name in whole
        .keys()
        .filter(|name| !required.contains(&name.as_str()))
    {
        let mut without = whole.clone();
        without.remove(name);
        let mut nulled = whole.clone();
        nulled.insert(name.clone(), Value::Null);
        let without: T = serde_json::from_value(without.into())
            .unwrap_or_else(|error| panic!("{file} without `{name}`: {error}"));
        let nulled: T = serde_json::from_value(nulled.into())
            .unwrap_or_else(|error| panic!("{file} with `{name}` null: {error}"));
        assert_eq!(nulled, without, "{file}: `{name}`");
    }
}

#[test]
fn members_of_a_request_may_be_null_or_missing() {
    check_zero_values::<CreateWorkspace>("contract/create_workspace_request", &[]);
    check_zero_values::<CreateWorkspace>("ours/create_workspace_request", &[]);
    check_zero_values::<CreateSession>("recorded/create_session_request", &[]);
    check_zero_values::<UpdateSession>("recorded/update_session_request", &[]);
    check_zero_values::<AgentMessage>("ours/agent_message", &[]);
    check_zero_values::<AgentMessage>("contract/agent_message_attachments", &[]);
    check_zero_values::<AgentInit>("ours/agent_init", &[]);
    check_zero_values::<CurrentSession>("recorded/current_session_request", &[]);
    check_zero_values::<Control>("contract/control", &[]);
    check_zero_values::<FileRead>("contract/file_read", &[]);
    check_zero_values::<GrantPermission>("recorded/grant_permission_request", &["permission"]);
    check_zero_values::<SkipPermissions>("recorded/skip_permissions", &[]);
    check_zero_values::<AnswerQuestions>("contract/answer_questions", &[]);
    check_zero_values::<StartLsp>("recorded/start_lsp_request", &[]);
    check_zero_values::<SetConfig>("contract/set_config_request", &[]);
    check_zero_values::<RemoveConfig>("contract/remove_config_request", &[]);
    check_zero_values::<SetModel>("recorded/set_model_request", &["model_type"]);
    check_zero_values::<SetCompactMode>("contract/set_compact_mode_request", &[]);
    check_zero_values::<SetProviderKey>("contract/set_provider_key_request", &["kind", "api_key"]);
    check_zero_values::<RefreshOauth>("contract/refresh_oauth_request", &[]);
    check_zero_values::<ShellRequest>("recorded/shell_request", &[]);
    check_zero_values::<ReadSkill>("contract/read_skill_request", &[]);
    check_zero_values::<McpName>("contract/mcp_name", &[]);
    check_zero_values::<ReadResource>("contract/read_resource_request", &[]);
    check_zero_values::<GetMcpPrompt>("contract/get_mcp_prompt_request", &[]);
}

#[test]
fn members_of_a_configuration_may_be_null_or_missing() {
    check_zero_values::<Config>("contract/config", &[]);
    let nulls = json!({ "providers": { "p": { "id": "p", "models": null, "api_key": null } }, "options": null });
    let config: Config = serde_json::from_value(nulls).unwrap();
    assert_eq!(
        serde_json::to_string(&config).unwrap(),
        r#"{"providers":{"p":{"id":"p"}},"options":{"tui":{}}}"#
    );
}

#[test]
fn a_prompt_without_run_id_steers_and_one_with_a_run_id_queues() {
    let policy = |json: Value| {
        serde_json::from_value::<AgentMessage>(json)
            .unwrap()
            .busy_policy()
    };
    assert_eq!(policy(json!({ "prompt": "p" })), BusyPolicy::Steer);
    assert_eq!(
        policy(json!({ "prompt": "p", "run_id": "" })),
        BusyPolicy::Steer
    );
    assert_eq!(
        policy(json!({ "prompt": "p", "run_id": "r" })),
        BusyPolicy::Queue
    );
    assert_eq!(
        policy(json!({ "prompt": "p", "when_busy": "reject" })),
        BusyPolicy::Reject
    );
    assert_eq!(
        policy(json!({ "prompt": "p", "run_id": "r", "when_busy": "steer" })),
        BusyPolicy::Steer
    );
}

#[test]
fn a_busy_policy_that_is_none_is_an_error_that_names_the_choices() {
    let error =
        serde_json::from_str::<AgentMessage>(r#"{"prompt":"p","when_busy":"drop"}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown busy policy, expected one of `queue`, `reject`, `interrupt`, `steer` at line 1 column 32",
    );
}

#[test]
fn an_empty_session_id_is_absent_and_a_bad_one_is_an_error() {
    let empty: AgentMessage = serde_json::from_str(r#"{"session_id":"","prompt":"p"}"#).unwrap();
    assert_eq!(empty.session_id, None);
    let error =
        serde_json::from_str::<AgentMessage>(r#"{"session_id":"a/b","prompt":"p"}"#).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("session id has the forbidden byte `0x2f` at offset 1"),
        "{error}"
    );
}

#[test]
fn the_parts_of_a_message_may_be_null_and_must_be_there() {
    let message = |parts: &str| {
        serde_json::from_str::<Message>(&format!(
            r#"{{{parts}"id":"m","role":"user","session_id":"s"}}"#
        ))
    };
    let empty = Message::new("m".parse().unwrap(), "s".parse().unwrap(), Role::User, 0);
    assert_eq!(message(r#""parts":null,"#).unwrap(), empty);
    assert_eq!(message(r#""parts":[],"#).unwrap(), empty);
    assert!(
        message("")
            .unwrap_err()
            .to_string()
            .starts_with("missing field `parts`")
    );
}

#[test]
fn a_part_of_a_later_kind_is_passed_on_unharmed_between_known_ones() {
    let parts = concat!(
        r#"[{"type":"text","data":{"text":"a"}},{"type":"hologram","data":{"depth":[3,{"x":null}]}},"#,
        r#"{"type":"finish","data":{"reason":"end_turn","time":7}}]"#,
    );
    let decoded: Vec<Part> = serde_json::from_str(parts).unwrap();
    assert_eq!(decoded[0], Part::text("a"));
    assert_eq!(decoded[1].kind(), "hologram");
    assert_eq!(serde_json::to_string(&decoded).unwrap(), parts);
}

#[test]
fn a_part_whose_data_comes_first_or_not_at_all_decodes() {
    let part = |json: &str| serde_json::from_str::<Part>(json).unwrap();
    assert_eq!(
        part(r#"{"data":{"text":"a"},"type":"text"}"#),
        Part::text("a")
    );
    assert_eq!(
        part(r#"{"x":1,"type":"text","y":{"data":2},"data":{"text":"a"}}"#),
        Part::text("a")
    );
    assert_eq!(part(r#"{"type":"text","data":null}"#), Part::text(""));
    assert_eq!(
        part(r#"{"type":"finish"}"#),
        Part::Finish(Finish::default())
    );
}

#[test]
fn a_known_part_with_broken_data_is_an_error_and_not_an_unknown_part() {
    for json in [
        r#"{"type":"text","data":{"text":7}}"#,
        r#"{"data":{"text":7},"type":"text"}"#,
        r#"{"type":"binary","data":{"Data":"not base64!"}}"#,
        r#"{"data":{"text":"a"}}"#,
    ] {
        assert!(serde_json::from_str::<Part>(json).is_err(), "{json}");
    }
}

#[test]
fn an_event_whose_payload_comes_first_decodes() {
    let last: Envelope = serde_json::from_str(&read("ours/event_message")).unwrap();
    let members = object("ours/event_message");
    let first = format!(
        r#"{{"payload":{},"epoch":{},"seq":{},"type":{}}}"#,
        members["payload"], members["epoch"], members["seq"], members["type"],
    );
    assert_eq!(serde_json::from_str::<Envelope>(&first).unwrap(), last);
}

#[test]
fn an_event_of_a_later_kind_is_not_an_error() {
    let json = r#"{"type":"weather","seq":7,"epoch":"k3v9","payload":{"type":"updated","payload":{"sun":true}}}"#;
    let envelope: Envelope = serde_json::from_str(json).unwrap();
    assert_eq!(envelope.event.kind(), "weather");
    assert_eq!(
        (envelope.seq, envelope.epoch.clone()),
        (Some(Seq(7)), Some("k3v9".parse().unwrap()))
    );
    assert_eq!(
        serde_json::to_value(&envelope).unwrap(),
        serde_json::from_str::<Value>(json).unwrap()
    );
    assert_eq!(
        serde_json::from_str::<Envelope>(r#"{"type":"weather"}"#).unwrap(),
        Envelope::from(Event::Unknown(UnknownEvent {
            kind: "weather".into(),
            payload: Value::Null
        })),
    );
}

#[test]
fn a_known_event_with_a_broken_payload_is_an_error_and_not_an_unknown_event() {
    for json in [
        r#"{"type":"gap","payload":{"from":"x"}}"#,
        r#"{"payload":{"from":"x"},"type":"gap"}"#,
        r#"{"type":"run_complete"}"#,
        r#"{"payload":{}}"#,
    ] {
        assert!(serde_json::from_str::<Envelope>(json).is_err(), "{json}");
    }
}

#[test]
fn words_of_a_later_version_decode_where_only_the_server_speaks() {
    fn word<T: DeserializeOwned>() -> T {
        serde_json::from_str(r#""of_a_later_version""#).unwrap()
    }

    assert_eq!(word::<FinishReason>(), FinishReason::Unknown);
    assert_eq!(word::<ErrorCode>(), ErrorCode::Unknown);
    assert_eq!(word::<ChangeKind>(), ChangeKind::Unknown);
    assert_eq!(word::<EndReason>(), EndReason::Unknown);
    assert_eq!(word::<AgentEventKind>(), AgentEventKind::Unknown);
    assert_eq!(word::<QuestionKind>(), QuestionKind::Unknown);
    assert_eq!(word::<LspEventKind>(), LspEventKind::Unknown);
    assert_eq!(word::<McpEventKind>(), McpEventKind::Unknown);
    assert_eq!(word::<PermissionAction>(), PermissionAction::Unknown);
    assert_eq!(word::<ControlCommand>(), ControlCommand::Unknown);
    assert_eq!(
        serde_json::from_str::<LspState>("17").unwrap(),
        LspState::Unknown
    );
    assert_eq!(
        serde_json::from_str::<SkillCondition>("17").unwrap(),
        SkillCondition::Unknown
    );
    assert!(serde_json::from_str::<Scope>("2").is_err());
}

/// The list of codes only grows (style 3.8): this is the list of the first release, with its words.
#[test]
fn error_codes_keep_their_words() {
    let first_release = [
        "workspace_not_found",
        "agent_not_initialized",
        "prompt_empty",
        "session_missing",
        "session_not_found",
        "run_not_found",
        "message_not_found",
        "workspace_closing",
        "server_shutting_down",
        "client_id_required",
        "client_id_invalid",
        "client_retired",
        "client_not_attached",
        "path_required",
        "path_invalid",
        "bad_json",
        "bad_request",
        "body_too_large",
        "unsupported_media_type",
        "method_not_allowed",
        "route_not_found",
        "unauthorized",
        "host_not_allowed",
        "origin_not_allowed",
        "rate_limited",
        "queue_full",
        "session_busy",
        "too_many_streams",
        "too_many_connections",
        "idempotency_mismatch",
        "header_too_large",
        "request_timeout",
        "cancel_timeout",
        "server_not_idle",
        "unknown_command",
        "invalid_id",
        "invalid_cursor",
        "internal",
        "storage_unavailable",
        "storage_full",
        "not_ready",
        "channels_mismatch",
        "run_not_queued",
        "run_already_ended",
        "lsp_not_found",
        "skill_not_found",
        "permission_action_invalid",
    ];
    let words: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words[..first_release.len()], first_release);
    for code in ErrorCode::ALL {
        assert_eq!(
            serde_json::from_value::<ErrorCode>(json!(code.as_str())).unwrap(),
            *code
        );
        assert!(!code.title().is_empty());
    }
}

#[test]
fn the_state_of_a_contract_run_is_read_out_of_its_error() {
    let state = |file: &str| {
        let envelope: Envelope = serde_json::from_str(&read(file)).unwrap();
        let Event::RunComplete(change) = envelope.event else {
            panic!("{file}")
        };
        change.payload.state
    };
    assert_eq!(state("recorded/event_run_complete"), RunState::Completed);
    assert_eq!(
        state("recorded/event_run_complete_failed"),
        RunState::Failed
    );
    assert_eq!(
        state("recorded/event_run_complete_cancelled"),
        RunState::Cancelled
    );
    assert_eq!(
        state("recorded/event_run_complete_without_run_id"),
        RunState::Completed
    );
}

#[test]
fn nothing_secret_is_in_a_redacted_configuration_or_in_debug() {
    let marked = read("contract/config");
    let config: Config = serde_json::from_str(
        &marked
            .replace(r#""api_key": "k""#, r#""api_key": "SECRET""#)
            .replace(r#""access_token": "a""#, r#""access_token": "SECRET""#)
            .replace(r#""refresh_token": "r""#, r#""refresh_token": "SECRET""#)
            .replace(r#""client_secret": "s""#, r#""client_secret": "SECRET""#)
            .replace(
                r#""oauth_client_secret": "s""#,
                r#""oauth_client_secret": "SECRET""#,
            )
            .replace(r#""TOKEN": "t""#, r#""TOKEN": "SECRET""#)
            .replace(r#""X-A": "b""#, r#""X-A": "SECRET""#)
            .replace(r#""A": "b""#, r#""A": "SECRET""#)
            .replace("Bearer t", "Bearer SECRET")
            .replace(
                "https://example.com/mcp",
                "https://u:SECRET@example.com/mcp?key=SECRET",
            ),
    )
    .unwrap();
    let plain = serde_json::to_string(&config).unwrap();
    assert_eq!(plain.matches("SECRET").count(), 15, "{plain}");
    assert!(
        !serde_json::to_string(&config.clone().redacted())
            .unwrap()
            .contains("SECRET")
    );
    let debug = format!(
        "{:?}",
        Config {
            mcp: Default::default(),
            ..config.clone()
        }
    );
    assert!(!debug.contains("SECRET"), "{debug}");
}

#[test]
fn redaction_keeps_what_a_client_needs() {
    let workspace: Workspace = serde_json::from_str(&read("recorded/workspace")).unwrap();
    let redacted = workspace.config.clone().redacted();
    assert_eq!(redacted.options, workspace.config.options);
    assert_eq!(redacted.models, workspace.config.models);
    let (before, after) = (
        &workspace.config.providers["fake"],
        &redacted.providers["fake"],
    );
    assert_eq!(
        (&after.id, &after.kind, &after.models),
        (&before.id, &before.kind, &before.models)
    );
    assert_eq!(after.base_url, before.base_url);
    assert!(after.api_key.is_empty());
}
