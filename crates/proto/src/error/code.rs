//! Owns the list of error codes. It only ever grows: a code that was sent once keeps its word and its meaning.
//!
//! It must never know a status code; that is one table in the server.

use std::{
    convert::Infallible,
    fmt::{self, Display},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Defines the codes, each with its word on the wire and its title.
macro_rules! codes {
    ($($(#[$meta:meta])* $variant:ident = $word:literal, $title:literal;)*) => {
        /// Says for programs what kind of problem there is: a stable word on the wire.
        ///
        /// The list only grows. A word of a later version is read as [`Unknown`](Self::Unknown).
        ///
        /// # Examples
        ///
        /// ```
        /// use runwright_proto::ErrorCode;
        ///
        /// assert_eq!(ErrorCode::QueueFull.as_str(), "queue_full");
        /// assert_eq!(serde_json::from_str::<ErrorCode>(r#""of_a_later_version""#)?, ErrorCode::Unknown);
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$meta])* $variant,)*
            /// A code of a later version.
            #[default]
            Unknown,
        }

        impl ErrorCode {
            /// All codes this version can send, in the order in which they were added.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Unknown => "unknown",
                }
            }

            /// Returns the kind of problem in words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                    Self::Unknown => "Unknown problem",
                }
            }
        }

        impl FromStr for ErrorCode {
            type Err = Infallible;

            fn from_str(word: &str) -> Result<Self, Infallible> {
                Ok(match word {
                    $($word => Self::$variant,)*
                    _ => Self::Unknown,
                })
            }
        }
    };
}

codes! {
    /// Nobody knows this workspace. The only code with status 404 on the routes that the contract names.
    WorkspaceNotFound = "workspace_not_found", "Workspace not found";
    /// The workspace has no agent yet.
    AgentNotInitialized = "agent_not_initialized", "Agent not initialized";
    /// A prompt without words and without a text attachment.
    PromptEmpty = "prompt_empty", "Prompt is empty";
    /// A prompt that names no session.
    SessionMissing = "session_missing", "Session id is missing";
    /// Nobody knows this session.
    SessionNotFound = "session_not_found", "Session not found";
    /// Nobody knows this run.
    RunNotFound = "run_not_found", "Run not found";
    /// Nobody knows this message.
    MessageNotFound = "message_not_found", "Message not found";
    /// The workspace takes no more prompts.
    WorkspaceClosing = "workspace_closing", "Workspace is closing";
    /// The server takes no more work.
    ServerShuttingDown = "server_shutting_down", "Server is shutting down";
    /// A request that must name its client does not.
    ClientIdRequired = "client_id_required", "Client id is required";
    /// The client's id is no UUID.
    ClientIdInvalid = "client_id_invalid", "Client id is not a UUID";
    /// The client has said goodbye and cannot come back under this id.
    ClientRetired = "client_retired", "Client has been retired";
    /// The client has no live stream in this workspace.
    ClientNotAttached = "client_not_attached", "Client is not attached";
    /// A workspace was asked for without a path.
    PathRequired = "path_required", "Path is required";
    /// The path cannot be a workspace.
    PathInvalid = "path_invalid", "Path is invalid";
    /// The body is not the JSON this route wants.
    BadJson = "bad_json", "Body cannot be decoded";
    /// The request is wrong in a way no other code names.
    BadRequest = "bad_request", "Bad request";
    /// The body is too large.
    BodyTooLarge = "body_too_large", "Body is too large";
    /// The body is of a kind this route does not take.
    UnsupportedMediaType = "unsupported_media_type", "Unsupported media type";
    /// The route exists, with another method.
    MethodNotAllowed = "method_not_allowed", "Method not allowed";
    /// The route does not exist.
    RouteNotFound = "route_not_found", "Route not found";
    /// No token, or a wrong one.
    Unauthorized = "unauthorized", "Unauthorized";
    /// The request was sent to a name this server does not answer to.
    HostNotAllowed = "host_not_allowed", "Host is not allowed";
    /// The request comes from a web page of another origin.
    OriginNotAllowed = "origin_not_allowed", "Origin is not allowed";
    /// Too many prompts in too short a time.
    RateLimited = "rate_limited", "Too many requests";
    /// The session's queue takes no more prompts.
    QueueFull = "queue_full", "Queue is full";
    /// The session is busy, and the prompt did not want to wait.
    SessionBusy = "session_busy", "Session is busy";
    /// The client has too many streams.
    TooManyStreams = "too_many_streams", "Too many streams";
    /// The server has too many connections.
    TooManyConnections = "too_many_connections", "Too many connections";
    /// The run id, or idempotency key, was used before with another body.
    IdempotencyMismatch = "idempotency_mismatch", "Idempotency key was used with another body";
    /// The headers are too large.
    HeaderTooLarge = "header_too_large", "Headers are too large";
    /// The request took too long to arrive.
    RequestTimeout = "request_timeout", "Request timed out";
    /// The cancelled run did not end before the deadline of the wait.
    CancelTimeout = "cancel_timeout", "Cancellation timed out";
    /// The server was asked to end, and has work or may not be asked.
    ServerNotIdle = "server_not_idle", "Server is not idle";
    /// The server was asked to do something it cannot.
    UnknownCommand = "unknown_command", "Unknown command";
    /// An id in the request cannot be one.
    InvalidId = "invalid_id", "Id is invalid";
    /// The cursor of a stream or a list cannot be one.
    InvalidCursor = "invalid_cursor", "Cursor is invalid";
    /// The server failed.
    Internal = "internal", "Internal server error";
    /// The store does not answer.
    StorageUnavailable = "storage_unavailable", "Storage is unavailable";
    /// The store has no room left.
    StorageFull = "storage_full", "Storage is full";
    /// The server has not finished its start.
    NotReady = "not_ready", "Server is not ready";
    /// The workspace is open with other channels.
    ChannelsMismatch = "channels_mismatch", "Channels differ";
    /// The run is not in the queue any more.
    RunNotQueued = "run_not_queued", "Run is not queued";
    /// The run has ended.
    RunAlreadyEnded = "run_already_ended", "Run has ended";
    /// Nobody knows this language server.
    LspNotFound = "lsp_not_found", "Language server not found";
    /// Nobody knows this skill.
    SkillNotFound = "skill_not_found", "Skill not found";
    /// The answer to a request for approval is no answer.
    PermissionActionInvalid = "permission_action_invalid", "Permission action is invalid";
    /// The route belongs to the contract, and this version of the server cannot do it.
    NotImplemented = "not_implemented", "Not implemented";
    /// What the store keeps is damaged.
    StorageDamaged = "storage_damaged", "Storage is damaged";
}

impl Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::id::deserialize_from_str(deserializer)
    }
}
