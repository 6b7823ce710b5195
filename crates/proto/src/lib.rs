//! Wire types of the Runwright server: ids, requests, replies, events, error codes.

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
        Change, ChangeKind, End, EndReason, Envelope, EnvelopeRef, Event, Gap, MessageDelta,
        UnknownEvent,
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
        ConfigChanged, Control, ControlCommand, CurrentSession, NeedsInit, PromptReply, Status,
        UpdateAvailable, Version, WorkspaceStatus,
    },
    text::Text,
    timestamp::Timestamp,
    workspace::{CreateWorkspace, Environment, OnLastDetach, Workspace},
};
