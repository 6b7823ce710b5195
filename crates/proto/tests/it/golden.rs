//! Each golden file decodes, and encodes to what it was: the same members in the same order.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use runwright_proto::*;
use serde::{Serialize, de::DeserializeOwned};

use crate::json::Json;

/// A golden file and what is done with it.
struct Case {
    file: &'static str,
    reencode: fn(&str) -> Result<String, serde_json::Error>,
    /// Members that the contract has and we do not keep.
    dropped: &'static [&'static str],
    /// Members that we have and the contract has not.
    added: &'static [&'static str],
    /// Members whose own order means nothing.
    unordered: &'static [&'static str],
}

impl Case {
    const fn dropping(self, dropped: &'static [&'static str]) -> Self {
        Self { dropped, ..self }
    }

    const fn adding(self, added: &'static [&'static str]) -> Self {
        Self { added, ..self }
    }

    const fn unordered(self, unordered: &'static [&'static str]) -> Self {
        Self { unordered, ..self }
    }
}

const fn case<T: Serialize + DeserializeOwned>(file: &'static str) -> Case {
    Case {
        file,
        reencode: reencode::<T>,
        dropped: &[],
        added: &[],
        unordered: &[],
    }
}

fn reencode<T: Serialize + DeserializeOwned>(text: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(&serde_json::from_str::<T>(text)?)
}

fn recorded() -> Vec<Case> {
    vec![
        case::<Message>("recorded/message_user"),
        case::<Message>("recorded/message_assistant_started"),
        case::<Message>("recorded/message_assistant_streaming"),
        case::<Message>("recorded/message_assistant_finished"),
        case::<Message>("recorded/message_tool_call_started"),
        case::<Message>("recorded/message_tool_call_finished"),
        case::<Message>("recorded/message_tool_result"),
        case::<Message>("recorded/message_canceled"),
        case::<Message>("recorded/message_error"),
        case::<Message>("recorded/message_shell_command"),
        case::<Message>("recorded/message_summary"),
        case::<Vec<Message>>("recorded/messages"),
        case::<Envelope>("recorded/event_message"),
        case::<Envelope>("recorded/event_session"),
        case::<Envelope>("recorded/event_file"),
        case::<Envelope>("recorded/event_permission_request"),
        case::<Envelope>("recorded/event_permission_request_bash")
            .unordered(&["payload.payload.params"]),
        case::<Envelope>("recorded/event_permission_notification"),
        case::<Envelope>("recorded/event_question_batch_request"),
        case::<Envelope>("recorded/event_question_batch_notification"),
        case::<Envelope>("recorded/event_agent_finished"),
        case::<Envelope>("recorded/event_agent_error"),
        case::<Envelope>("recorded/event_config_changed"),
        case::<Envelope>("recorded/event_run_complete").adding(&["payload.payload.state"]),
        case::<Envelope>("recorded/event_run_complete_failed").adding(&["payload.payload.state"]),
        case::<Envelope>("recorded/event_run_complete_cancelled")
            .adding(&["payload.payload.state"]),
        case::<Envelope>("recorded/event_run_complete_without_run_id")
            .adding(&["payload.payload.state"]),
        case::<CreateWorkspace>("recorded/create_workspace_request").dropping(&["id"]),
        case::<Workspace>("recorded/workspace").dropping(&["env"]),
        case::<Session>("recorded/session"),
        case::<Vec<Session>>("recorded/sessions"),
        case::<Session>("recorded/session"),
        case::<AgentSession>("recorded/agent_session"),
        case::<AgentInfo>("recorded/agent_info"),
        case::<AgentMessage>("recorded/agent_message_run"),
        case::<AgentMessage>("recorded/agent_message_interactive"),
        case::<AgentInit>("recorded/agent_init_run"),
        case::<AgentInit>("recorded/agent_init_interactive"),
        case::<Vec<String>>("recorded/files_read"),
        case::<Vec<String>>("recorded/prompts"),
        case::<SkipPermissions>("recorded/skip_permissions"),
        case::<GrantPermission>("recorded/grant_permission_request").dropping(&[
            "permission.session_id",
            "permission.tool_call_id",
            "permission.tool_name",
            "permission.description",
            "permission.action",
            "permission.params",
            "permission.path",
        ]),
        case::<Resolved>("recorded/resolved"),
        case::<AnswerQuestions>("recorded/answer_questions_request"),
        case::<NeedsInit>("recorded/needs_init"),
        case::<CurrentSession>("recorded/current_session_request"),
        case::<StartLsp>("recorded/start_lsp_request"),
        case::<SetModel>("recorded/set_model_request"),
        case::<ShellRequest>("recorded/shell_request").dropping(&["session_id"]),
        case::<ShellReply>("recorded/shell_reply"),
        case::<Vec<SkillInfo>>("recorded/skills"),
        case::<CreateSession>("recorded/create_session_request").dropping(&[
            "id",
            "parent_session_id",
            "message_count",
            "prompt_tokens",
            "completion_tokens",
            "summary_message_id",
            "cost",
            "created_at",
            "updated_at",
            "is_busy",
            "attached_clients",
        ]),
        case::<UpdateSession>("recorded/update_session_request").dropping(&[
            "id",
            "parent_session_id",
            "message_count",
            "prompt_tokens",
            "completion_tokens",
            "summary_message_id",
            "created_at",
            "updated_at",
            "is_busy",
            "attached_clients",
        ]),
        case::<Problem>("recorded/problem_workspace_not_found")
            .adding(&["type", "title", "status", "detail", "code"]),
    ]
}

fn contract() -> Vec<Case> {
    vec![
        case::<Message>("contract/message_all_parts"),
        case::<Envelope>("contract/event_message_deleted"),
        case::<Envelope>("contract/event_lsp"),
        case::<Envelope>("contract/event_mcp"),
        case::<Envelope>("contract/event_skills"),
        case::<Envelope>("contract/event_update_available"),
        case::<Envelope>("contract/event_re_authenticate"),
        case::<Envelope>("contract/event_question_confirm"),
        case::<AgentMessage>("contract/agent_message_attachments"),
        case::<AnswerQuestions>("contract/answer_questions"),
        case::<Version>("contract/version"),
        case::<Control>("contract/control"),
        case::<File>("contract/file"),
        case::<FileRead>("contract/file_read"),
        case::<Timestamp>("contract/last_read_never"),
        case::<PromptReply>("contract/prompt_reply"),
        case::<BTreeMap<String, LspClientInfo>>("contract/lsps"),
        case::<BTreeMap<String, McpClientInfo>>("contract/mcp_states"),
        case::<Vec<McpPrompt>>("contract/mcp_prompts"),
        case::<McpName>("contract/mcp_name"),
        case::<GetMcpPrompt>("contract/get_mcp_prompt_request"),
        case::<ReadResource>("contract/read_resource_request"),
        case::<Vec<ResourceContent>>("contract/resource_contents"),
        case::<Vec<PendingAuth>>("contract/pending_auth"),
        case::<AuthUrl>("contract/auth_url"),
        case::<ReadSkill>("contract/read_skill_request"),
        case::<SkillContent>("contract/skill_content"),
        case::<SetConfig>("contract/set_config_request"),
        case::<RemoveConfig>("contract/remove_config_request"),
        case::<SetCompactMode>("contract/set_compact_mode_request"),
        case::<SetProviderKey>("contract/set_provider_key_request"),
        case::<SetProviderKey>("contract/set_provider_key_oauth_request"),
        case::<CopilotImport>("contract/copilot_import"),
        case::<RefreshOauth>("contract/refresh_oauth_request"),
        case::<Vec<CatwalkProvider>>("contract/providers"),
        case::<Config>("contract/config"),
        case::<CreateWorkspace>("contract/create_workspace_request"),
    ]
}

fn ours() -> Vec<Case> {
    vec![
        case::<Receipt>("ours/receipt"),
        case::<AgentMessage>("ours/agent_message"),
        case::<AgentInit>("ours/agent_init"),
        case::<Run>("ours/run"),
        case::<Run>("ours/run_queued"),
        case::<RunList>("ours/run_list"),
        case::<Envelope>("ours/event_run_complete"),
        case::<Envelope>("ours/event_run_complete_folded"),
        case::<Envelope>("ours/event_message"),
        case::<Envelope>("ours/event_message_delta"),
        case::<Envelope>("ours/event_gap"),
        case::<Envelope>("ours/event_end"),
        case::<Envelope>("ours/event_permission_resolved"),
        case::<Problem>("ours/problem"),
        case::<Resolved>("ours/resolved_late"),
        case::<Vec<OpenPermission>>("ours/open_permissions"),
        case::<Vec<OpenQuestion>>("ours/open_questions"),
        case::<Status>("ours/status"),
        case::<CreateWorkspace>("ours/create_workspace_request"),
        case::<Workspace>("ours/workspace"),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

/// Reads a golden file, named without its ending.
pub(crate) fn read(file: &str) -> String {
    let path = folder().join(file).with_extension("json");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn check(case: &Case) {
    let text = read(case.file);
    let encoded = (case.reencode)(&text).unwrap_or_else(|error| panic!("{}: {error}", case.file));
    let (mut expected, mut encoded) = (Json::parse(&text), Json::parse(&encoded));
    case.dropped.iter().for_each(|path| expected.remove(path));
    case.added.iter().for_each(|path| encoded.remove(path));
    for path in case.unordered {
        expected.sort(path);
        encoded.sort(path);
    }
    assert_eq!(encoded, expected, "{}", case.file);
}

#[test]
fn recorded_conversations_encode_to_what_they_were() {
    recorded().iter().for_each(check);
}

#[test]
fn every_shape_of_the_contract_encodes_to_what_it_was() {
    contract().iter().for_each(check);
}

#[test]
fn every_shape_of_ours_encodes_to_what_it_was() {
    ours().iter().for_each(check);
}

#[test]
fn every_golden_file_is_used() {
    let used: BTreeSet<String> = [recorded(), contract(), ours()]
        .iter()
        .flatten()
        .map(|case| format!("{}.json", case.file))
        .collect();
    let mut there = BTreeSet::new();
    for group in ["recorded", "contract", "ours"] {
        for entry in fs::read_dir(folder().join(group)).unwrap() {
            there.insert(format!(
                "{group}/{}",
                entry.unwrap().file_name().to_str().unwrap()
            ));
        }
    }
    assert_eq!(used, there);
}

/// The seeds are copies, because a fuzzer adds to the folder of its seeds.
#[test]
fn the_seeds_of_the_fuzz_targets_are_the_golden_files() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (kind, target) in [("message_", "decode_message"), ("event_", "decode_event")] {
        let cases = [recorded(), contract(), ours()];
        for case in cases
            .iter()
            .flatten()
            .filter(|case| case.file.contains(&format!("/{kind}")))
        {
            let seed = corpus
                .join(target)
                .join(case.file.replace('/', "_") + ".json");
            let copy = fs::read_to_string(&seed)
                .unwrap_or_else(|error| panic!("{}: {error}", seed.display()));
            assert_eq!(copy, read(case.file), "{}", seed.display());
        }
    }
}

#[test]
fn whole_numbers_of_money_have_no_fraction_on_the_wire() {
    let session: Session = serde_json::from_str(&read("recorded/session")).unwrap();
    let text = serde_json::to_string(&Session {
        cost: 3.0,
        ..session.clone()
    })
    .unwrap();
    assert!(text.contains(r#""cost":3,"#), "{text}");
    let text = serde_json::to_string(&Session {
        cost: 0.25,
        ..session
    })
    .unwrap();
    assert!(text.contains(r#""cost":0.25,"#), "{text}");
}
