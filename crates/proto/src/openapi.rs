//! Owns the OpenAPI schemas of types whose encoding is written by hand; all others derive theirs.
//!
//! It must never know a route. Only built with the feature `openapi`.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat,
        schema::{AllOfBuilder, Type},
    },
};

use crate::{
    AgentEvent, Binary, Blob, Change, ClientId, ConfigChanged, Cursor, End, Envelope, Epoch,
    ErrorCode, File, Finish, Gap, ImageUrl, LspEvent, McpEvent, Message, MessageDelta, MessageId,
    Part, PermissionId, PermissionNotification, PermissionRequest, QuestionId,
    QuestionNotification, QuestionRequest, Reasoning, RunComplete, RunId, Seq, Session, SessionId,
    ShellCommand, SkillsEvent, Text, TextPart, Timestamp, ToolCall, ToolResult, UpdateAvailable,
    WorkspaceId,
};

/// The schemas that a type refers to, by name.
type Named = Vec<(String, RefOr<Schema>)>;

/// Describes a type that is one of a list of words.
pub(crate) fn words<'a>(words: impl Iterator<Item = &'a str>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .into()
}

/// Describes a type that is one of a list of numbers.
pub(crate) fn codes(codes: impl Iterator<Item = i64>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .enum_values(Some(codes))
        .into()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn formatted(format: KnownFormat) -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(format)))
}

fn matching(max: usize, pattern: &str) -> ObjectBuilder {
    text()
        .min_length(Some(1))
        .max_length(Some(max))
        .pattern(Some(pattern))
}

macro_rules! schema {
    ($($name:ident: $schema:expr,)*) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $schema.into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed(stringify!($name))
                }
            }
        )*
    };
}

/// Visible ASCII without the slash.
const SEGMENT: &str = "^[!-.0-~]+$";

schema! {
    WorkspaceId: formatted(KnownFormat::Uuid),
    ClientId: formatted(KnownFormat::Uuid),
    SessionId: matching(SessionId::MAX_LEN, SEGMENT),
    MessageId: matching(MessageId::MAX_LEN, SEGMENT),
    PermissionId: matching(PermissionId::MAX_LEN, SEGMENT),
    QuestionId: matching(QuestionId::MAX_LEN, SEGMENT),
    RunId: matching(RunId::MAX_LEN, "^[!-~]+$"),
    Epoch: matching(Epoch::MAX_LEN, "^[0-9a-z]+$"),
    Cursor: text().pattern(Some("^(0|now|[0-9a-z]+-[0-9]+)$")),
    Text: text(),
    Blob: text().content_encoding("base64"),
    Timestamp: formatted(KnownFormat::DateTime),
    Seq: ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)),
    ErrorCode: words(ErrorCode::ALL.iter().map(|code| code.as_str())),
}

/// The kinds of a [`Part`] in a form whose schema can be derived.
#[derive(ToSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum PartSchema {
    Text(TextPart),
    Reasoning(Reasoning),
    ToolCall(ToolCall),
    ToolResult(ToolResult),
    Finish(Finish),
    ImageUrl(ImageUrl),
    Binary(Binary),
    ShellCommand(ShellCommand),
}

impl PartialSchema for Part {
    fn schema() -> RefOr<Schema> {
        PartSchema::schema()
    }
}

impl ToSchema for Part {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Part")
    }

    fn schemas(schemas: &mut Named) {
        PartSchema::schemas(schemas);
    }
}

/// The kinds of an [`Event`](crate::Event) in a form whose schema can be derived.
#[derive(ToSchema)]
#[serde(tag = "type", content = "payload", rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum EventSchema {
    Message(Change<Message>),
    Session(Change<Session>),
    File(Change<File>),
    PermissionRequest(Change<PermissionRequest>),
    PermissionNotification(Change<PermissionNotification>),
    QuestionBatchRequest(Change<QuestionRequest>),
    QuestionBatchNotification(Change<QuestionNotification>),
    AgentEvent(Change<AgentEvent>),
    RunComplete(Change<RunComplete>),
    ConfigChanged(Change<ConfigChanged>),
    LspEvent(Change<LspEvent>),
    McpEvent(Change<McpEvent>),
    SkillsEvent(Change<SkillsEvent>),
    UpdateAvailable(Change<UpdateAvailable>),
    MessageDelta(MessageDelta),
    Gap(Gap),
    End(End),
}

impl PartialSchema for Envelope {
    fn schema() -> RefOr<Schema> {
        let place = ObjectBuilder::new()
            .property("seq", Seq::schema())
            .property("epoch", Epoch::schema());
        AllOfBuilder::new()
            .item(EventSchema::schema())
            .item(place)
            .into()
    }
}

impl ToSchema for Envelope {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Envelope")
    }

    fn schemas(schemas: &mut Named) {
        EventSchema::schemas(schemas);
    }
}
