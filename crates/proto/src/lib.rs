//! The wire types of the Runwright server: what a client sends, what it gets back, what it hears.
//!
//! Everything here is data with `serde`: no I/O, no clock, no runtime. A client, a proxy, a recorder or another server can
//! be built on it alone.
//!
//! # The contract in one page
//!
//! The wire is `/v1` over HTTP, on a Unix socket or on TCP. It is what existing clients already speak, "the contract";
//! what Runwright adds are more members, routes and query parameters, so such a client works unmodified.
//!
//! 1. A client makes itself a [`ClientId`] and joins a directory: `POST /v1/workspaces` with [`CreateWorkspace`] gives a
//!    [`Workspace`], whose [`WorkspaceId`] is the same for as long as the path is.
//! 2. It asks for the agent, `POST …/agent/init` with [`AgentInit`], and sees with `GET …/agent` ([`AgentInfo`]) that it
//!    is ready.
//! 3. It makes a [`Session`] with [`CreateSession`] and opens the stream of [`Envelope`]s: `GET …/events?client_id=`. With
//!    `?after=` and a [`Cursor`] the stream begins with what the client missed.
//! 4. It posts a prompt, `POST …/agent` with [`AgentMessage`], and gets a [`Receipt`] with status 202: the run is on disk
//!    and will end, whatever becomes of the client.
//! 5. It hears [`Event::Message`] with the whole [`Message`] each time it has grown, answers an
//!    [`Event::PermissionRequest`] with [`GrantPermission`], and at the end of the run hears exactly one
//!    [`Event::RunComplete`].
//! 6. Whatever goes wrong is a [`Problem`] with an [`ErrorCode`].
//!
//! # Rules of the encoding
//!
//! - Members keep the order in which they are declared, `type` always comes first. In an [`Event`] and in a [`Part`] it
//!   decides how the rest is read.
//! - Members that are not known are ignored, kinds that are not known are kept ([`Part::Unknown`], [`Event::Unknown`]),
//!   words that are not known become `Unknown` where only a server says them. A known kind with broken data is an error.
//! - `null` and absence are the zero value, as in the contract's own language. Names of members are case-sensitive.
//! - An id that may be missing is the empty text on the contract's wire, and an `Option` here.
//! - Times are Unix seconds, or say in their names that they are milliseconds (`…_ms`). A few are RFC 3339
//!   ([`Timestamp`]).
//! - What must not be logged does not show in `Debug` ([`Secret`], [`Environment`], [`Blob`]);
//!   [`Config::redacted`] takes secrets out of a reply.
//!
//! # Examples
//!
//! A prompt, its receipt, and the event with which it ends:
//!
//! ```
//! use runwright_proto::{AgentMessage, Envelope, Event, Receipt, RunState};
//!
//! let prompt = AgentMessage {
//!     session_id: Some("00000000-0000-4000-8000-000000000003".parse()?),
//!     run_id: Some("nightly-7".parse()?),
//!     prompt: "Fix the parser".to_owned(),
//!     ..AgentMessage::default()
//! };
//! let body = serde_json::to_string(&prompt)?;
//! assert_eq!(
//!     body,
//!     r#"{"session_id":"00000000-0000-4000-8000-000000000003","run_id":"nightly-7","prompt":"Fix the parser"}"#,
//! );
//!
//! let reply = r#"{"run_id":"nightly-7","session_id":"00000000-0000-4000-8000-000000000003",
//!     "state":"running","position":0,"seq":41}"#;
//! let receipt: Receipt = serde_json::from_str(reply)?;
//! assert_eq!(receipt.state, RunState::Running);
//!
//! let data = r#"{"type":"run_complete","seq":57,"epoch":"k3v9","payload":{"type":"updated","payload":{
//!     "session_id":"00000000-0000-4000-8000-000000000003","run_id":"nightly-7","message_id":"m-1",
//!     "text":"Done.","state":"completed"}}}"#;
//! let envelope: Envelope = serde_json::from_str(data)?;
//! let Event::RunComplete(end) = envelope.event else { unreachable!("the type says so") };
//! assert_eq!(end.payload.run_id, Some(receipt.run_id));
//! assert_eq!(end.payload.text, "Done.");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! - `openapi`: implements `utoipa::ToSchema` for the types of requests, replies and events.

mod agent;
mod blob;
mod config;
mod error;
mod event;
mod file;
mod id;
mod lsp;
mod mcp;
mod message;
#[cfg(feature = "openapi")]
mod openapi;
mod permission;
mod question;
mod run;
mod secret;
mod session;
mod shell;
mod skill;
mod system;
mod text;
mod timestamp;
mod wire;
mod workspace;

pub use self::{
    agent::{
        AgentEvent, AgentEventKind, AgentInfo, AgentInit, AgentMessage, AgentSession, Attachment,
        BusyPolicy, Receipt,
    },
    blob::Blob,
    config::{
        Attribution, CatwalkModel, CatwalkProvider, CompletionOptions, Config, CopilotImport,
        GrepTool, HookConfig, ListTool, LspConfig, McpConfig, ModelOptions, ModelType, Models,
        OauthClient, OauthToken, Options, Permissions, ProviderConfig, ProviderKey,
        ProviderKeyKind, RefreshOauth, RemoveConfig, Scope, SelectedModel, SetCompactMode,
        SetConfig, SetModel, SetProviderKey, Tools, TuiOptions,
    },
    error::{ErrorCode, ParseWordError, Problem},
    event::{
        Change, ChangeKind, End, EndReason, Envelope, EnvelopeRef, Event, FRAME_OVERHEAD, Gap,
        MessageDelta, UnknownEvent, write_change_frame, write_frame, write_frame_id,
    },
    file::{File, FileRead},
    id::{
        ClientId, Cursor, Epoch, MessageId, ParseIdError, PermissionId, QuestionId, RunId, Seq,
        SessionId, WorkspaceId,
    },
    lsp::{LspClientInfo, LspEvent, LspEventKind, LspState, StartLsp},
    mcp::{
        AuthUrl, GetMcpPrompt, McpClientInfo, McpEvent, McpEventKind, McpName, McpPrompt,
        McpPromptArgument, McpState, PendingAuth, ReadResource, ResourceContent,
    },
    message::{
        Binary, Finish, FinishReason, ImageUrl, Message, Part, Reasoning, Role, ShellCommand,
        TextPart, ToolCall, ToolResult, UnknownPart,
    },
    permission::{
        GrantPermission, OpenPermission, PermissionAction, PermissionNotification, PermissionRef,
        PermissionRequest, Resolved, SkipPermissions,
    },
    question::{
        Answer, AnswerQuestions, Choice, OpenQuestion, Question, QuestionKind,
        QuestionNotification, QuestionRequest,
    },
    run::{Run, RunComplete, RunList, RunState, Usage},
    secret::Secret,
    session::{CreateSession, Session, Todo, TodoStatus, UpdateSession},
    shell::{ShellReply, ShellRequest},
    skill::{
        ReadSkill, SkillCondition, SkillContent, SkillInfo, SkillState, SkillSummary, SkillsEvent,
    },
    system::{
        ConfigChanged, Control, ControlCommand, CurrentSession, ModelStatus, NeedsInit,
        PromptReply, Status, UpdateAvailable, Version, WorkspaceStatus,
    },
    text::Text,
    timestamp::Timestamp,
    workspace::{CreateWorkspace, Environment, OnLastDetach, Workspace},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;
