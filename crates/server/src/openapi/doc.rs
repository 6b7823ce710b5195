//! Owns what is written about one route, and how it becomes an operation of the document.
//!
//! It must never know what the route does.

use runwright_proto::{ClientId, Cursor, Envelope, ErrorCode, RunId, SessionId, WorkspaceId};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, Content, ContentBuilder, HeaderBuilder, ObjectBuilder, RefOr, Required,
        Response, ResponseBuilder, Schema, Type,
        path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::{RequestBody, RequestBodyBuilder},
        schema::SchemaType,
    },
};

use super::{
    components::{Components, reference, with_parts},
    problems,
};
use crate::routes::Documented;

/// What a reader of deltas has to know.
const DELTAS: &str = "\
    `1` tells of a message that is being written by what comes to it (`message_delta`) instead of by the whole message. The \
    whole message comes at its end, when something changes that a delta does not tell, and first of all on a stream that \
    does not go on from an id. `0`, or nothing, does not.\n\n\
    A delta puts `text` at the byte `offset` of the text of part `part`: the text of a text part, the thinking of a \
    reasoning part, the input of a tool call. Where a reader has those bytes already they are the same, and what it has \
    behind them stays. A delta at offset 0 for the part after the last one begins a text part. A delta beyond what the \
    reader has means that it lacks the beginning: fetch the messages, or wait for the whole one.\n\n\
    Several deltas may belong to one number of the log: only the last of them has it as its `seq`. Deltas and messages \
    without a `seq` bring a reader up to date and are no place to resume from.";

/// What is written about a route besides its method and path.
pub(crate) struct Doc {
    id: &'static str,
    summary: &'static str,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    status: u16,
    reply: ResponseBuilder,
    problems: Vec<ErrorCode>,
    /// Whether the workspace that the path names need not exist.
    forgiving: bool,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// Makes operations and collects what they refer to.
pub(super) struct Operations<'a>(&'a mut Components);

impl Doc {
    /// Begins with the name of the operation and what it does.
    pub(crate) fn new(id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            parameters: Vec::new(),
            body: None,
            status: 200,
            reply: ResponseBuilder::new().description("Done."),
            problems: Vec::new(),
            forgiving: false,
            schemas: Vec::new(),
        }
    }

    /// Adds a query parameter.
    pub(crate) fn query<T: PartialSchema>(self, name: &str, required: bool, text: &str) -> Self {
        self.parameter(parameter(
            name,
            ParameterIn::Query,
            required,
            text,
            T::schema(),
        ))
        .problems(&[ErrorCode::BadRequest])
    }

    /// Adds a header of the request, which may be missing.
    pub(crate) fn header(self, name: &str, text: &str) -> Self {
        self.parameter(parameter(
            name,
            ParameterIn::Header,
            false,
            text,
            String::schema(),
        ))
    }

    /// Adds the client's id in the query.
    pub(crate) fn client_id(self) -> Self {
        let id = parameter(
            "client_id",
            ParameterIn::Query,
            true,
            "The client.",
            ClientId::schema(),
        );
        self.parameter(id)
            .problems(&[ErrorCode::ClientIdRequired, ErrorCode::ClientIdInvalid])
    }

    /// Adds where a stream begins.
    pub(crate) fn stream_start(self) -> Self {
        let after = "Where to begin: `0` for all that is kept, `now`, or the id of the last event that was seen, also one \
                     from before a restart of the server. With it frames carry `id:` lines.";
        let last = "As `after`, and stronger: what an `EventSource` sends when it reconnects.";
        let last = parameter(
            "Last-Event-ID",
            ParameterIn::Header,
            false,
            last,
            Cursor::schema(),
        );
        self.query::<Cursor>("after", false, after)
            .query::<String>("deltas", false, DELTAS)
            .parameter(last)
            .problems(&[ErrorCode::InvalidCursor])
    }

    /// Adds whether to wait for the end of what is cancelled.
    pub(crate) fn wait(self) -> Self {
        self.query::<bool>(
            "wait",
            false,
            "Whether to answer only after the terminal events.",
        )
        .query::<u64>(
            "timeout",
            false,
            "How long to wait, in seconds: 0 to 600, 30 if not given.",
        )
    }

    /// Sets the body of the request.
    pub(crate) fn body<T: ToSchema>(self) -> Self {
        self.with_body::<T>(Required::True)
    }

    /// As [`body`](Self::body), for a body that may be missing.
    pub(crate) fn optional_body<T: ToSchema>(self) -> Self {
        self.with_body::<T>(Required::False)
    }

    /// Sets the answer: a value.
    pub(crate) fn ok<T: ToSchema>(self) -> Self {
        self.reply::<T>(200, "The value.")
    }

    /// Sets the answer: a list of values.
    pub(crate) fn ok_list<T: ToSchema>(self) -> Self {
        let list = ArrayBuilder::new().items(reference::<T>());
        self.refers_to::<T>().json("The list.", list)
    }

    /// Sets the answer: a list of texts.
    pub(crate) fn ok_list_of_texts(self) -> Self {
        self.json("The list.", ArrayBuilder::new().items(String::schema()))
    }

    /// Sets the answer: a list of texts, or `null` for an empty one.
    pub(crate) fn ok_texts_or_null(self) -> Self {
        let kinds = SchemaType::from_iter([Type::Array, Type::Null]);
        let list = ArrayBuilder::new()
            .schema_type(kinds)
            .items(String::schema());
        self.json("The list.", list)
    }

    /// Sets the answer: values by name.
    pub(crate) fn ok_map<T: ToSchema>(self) -> Self {
        let map = ObjectBuilder::new().additional_properties(Some(reference::<T>()));
        self.refers_to::<T>().json("The values by name.", map)
    }

    /// Sets the answer: an object of whatever form.
    pub(crate) fn ok_object(self) -> Self {
        self.json("The object.", ObjectBuilder::new())
    }

    /// Sets the answer: a bare number.
    pub(crate) fn ok_number(self) -> Self {
        self.json(
            "The number.",
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(0)),
        )
    }

    /// Sets the answer: nothing but the status.
    pub(crate) fn ok_empty(self) -> Self {
        self
    }

    /// Sets the answer: a stream of events.
    pub(crate) fn ok_stream(mut self) -> Self {
        let frames = ContentBuilder::new()
            .item_schema(Some(reference::<Envelope>()))
            .build();
        let text = "The events, each as one `data:` line. The last one is an `end` or, for a run, its `run_complete`.";
        self.reply = self
            .reply
            .description(text)
            .content("text/event-stream", frames);
        self.refers_to::<Envelope>()
    }

    /// Sets the answer and its status.
    pub(crate) fn reply<T: ToSchema>(mut self, status: u16, text: &str) -> Self {
        self.status = status;
        self.refers_to::<T>().json(text, reference::<T>())
    }

    /// Adds a header of the answer.
    pub(crate) fn reply_header(mut self, name: &str, text: &str) -> Self {
        let header = HeaderBuilder::new()
            .schema(Some(String::schema()))
            .description(Some(text))
            .build();
        self.reply = self.reply.header(name, header);
        self
    }

    /// Adds codes that this route answers, besides those which follow from its path and its body.
    pub(crate) fn problems(mut self, codes: &[ErrorCode]) -> Self {
        self.problems.extend_from_slice(codes);
        self
    }

    /// Notes that the route does nothing, and says so with a success, where there is no such workspace.
    pub(crate) fn forgiving(mut self) -> Self {
        self.forgiving = true;
        self
    }

    fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    fn with_body<T: ToSchema>(mut self, required: Required) -> Self {
        let body = RequestBodyBuilder::new()
            .content("application/json", Content::new(Some(reference::<T>())))
            .required(Some(required));
        self.body = Some(body.build());
        self.refers_to::<T>().problems(problems::OF_BODIES)
    }

    fn json(mut self, text: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        let content = Content::new(Some(schema));
        self.reply = self
            .reply
            .description(text)
            .content("application/json", content);
        self
    }

    fn refers_to<T: ToSchema>(mut self) -> Self {
        self.schemas.extend(with_parts::<T>());
        self
    }
}

impl<'a> Operations<'a> {
    pub(super) fn new(components: &'a mut Components) -> Self {
        components.add(problems::schemas());
        Self(components)
    }

    /// Makes the operation of a route.
    pub(super) fn describe(&mut self, route: &Documented) -> Operation {
        let doc = (route.doc)();
        self.0.add(doc.schemas);
        let mut problems = doc.problems;
        problems.extend(problems::of_path(route.path, doc.forgiving));
        let operation = OperationBuilder::new()
            .tag(route.tag)
            .operation_id(Some(doc.id))
            .summary(Some(doc.summary))
            .request_body(doc.body)
            .response(doc.status.to_string(), doc.reply.build());
        let parameters = path_parameters(route.path).chain(doc.parameters);
        let operation = parameters.fold(operation, OperationBuilder::parameter);
        let add = |operation: OperationBuilder, (status, response): (String, Response)| {
            operation.response(status, response)
        };
        let problems = problems::responses(&problems);
        problems.into_iter().fold(operation, add).build()
    }
}

/// The parameters that the path itself names.
fn path_parameters(path: &str) -> impl Iterator<Item = Parameter> {
    let names = path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        let (text, schema) = match name {
            "id" => ("The workspace.", WorkspaceId::schema()),
            "session_id" => ("The session.", SessionId::schema()),
            "run_id" => ("The run, percent-encoded.", RunId::schema()),
            "client_id" => ("The client.", ClientId::schema()),
            _ => ("The name.", String::schema()),
        };
        parameter(name, ParameterIn::Path, true, text, schema)
    })
}

fn parameter(
    name: &str,
    place: ParameterIn,
    required: bool,
    text: &str,
    schema: RefOr<Schema>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(if required {
            Required::True
        } else {
            Required::False
        })
        .description(Some(text))
        .schema(Some(schema))
        .build()
}
