//! The OpenAPI schemas are complete: each name that one refers to is there.

use std::collections::BTreeMap;

use runwright_proto::*;
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

#[derive(OpenApi)]
#[openapi(components(schemas(
    AgentInfo,
    AgentInit,
    AgentMessage,
    AgentSession,
    AnswerQuestions,
    Config,
    CreateSession,
    CreateWorkspace,
    CurrentSession,
    Envelope,
    GrantPermission,
    LspClientInfo,
    McpClientInfo,
    OpenPermission,
    OpenQuestion,
    Problem,
    Receipt,
    Resolved,
    RunList,
    SetModel,
    SetProviderKey,
    SkillContent,
    SkillInfo,
    Status,
    UpdateSession,
    Version,
    Workspace,
)))]
struct Document;

fn schemas() -> BTreeMap<String, Value> {
    let document = serde_json::to_value(Document::openapi()).unwrap();
    serde_json::from_value(document["components"]["schemas"].clone()).unwrap()
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.push(reference.rsplit('/').next().unwrap().to_owned());
            }
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| references(element, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_schema_that_is_referred_to_is_there() {
    let schemas = schemas();
    let mut found = Vec::new();
    schemas
        .values()
        .for_each(|schema| references(schema, &mut found));
    assert!(found.len() > 50, "{found:?}");
    let missing: Vec<_> = found
        .iter()
        .filter(|name| !schemas.contains_key(*name))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn a_part_is_one_of_its_kinds() {
    let part = serde_json::to_value(<Part as utoipa::PartialSchema>::schema()).unwrap();
    let kinds: Vec<&str> = part["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["properties"]["type"]["enum"][0].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "text",
            "reasoning",
            "tool_call",
            "tool_result",
            "finish",
            "image_url",
            "binary",
            "shell_command"
        ],
    );
}

#[test]
fn every_kind_of_event_has_a_schema_under_its_own_name() {
    let envelope = serde_json::to_value(<Envelope as utoipa::PartialSchema>::schema()).unwrap();
    let kinds: Vec<&str> = envelope["allOf"][0]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["properties"]["type"]["enum"][0].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "message",
            "session",
            "file",
            "permission_request",
            "permission_notification",
            "question_batch_request",
            "question_batch_notification",
            "agent_event",
            "run_complete",
            "config_changed",
            "lsp_event",
            "mcp_event",
            "skills_event",
            "update_available",
            "message_delta",
            "gap",
            "end",
        ],
    );
    assert_eq!(Envelope::name(), "Envelope");
}

#[test]
fn words_are_listed() {
    let policy = serde_json::to_value(<BusyPolicy as utoipa::PartialSchema>::schema()).unwrap();
    assert_eq!(
        policy,
        serde_json::json!({ "type": "string", "enum": ["queue", "reject", "interrupt", "steer"] })
    );
}
