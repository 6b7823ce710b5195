//! Owns the OpenAPI document: the table of routes in the form that generators and people read.
//!
//! Made from the same table as the router, and the statuses from the same table as the answers, so it cannot tell of a
//! route or a status that does not exist. `crates/server/openapi.json` is a copy that a test keeps up to date, so that a
//! change of the wire is seen in a review.
//!
//! It must never know a handler.

mod components;
mod doc;
mod problems;

use utoipa::openapi::{
    InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, OpenApiVersion, PathItem, PathsBuilder,
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    tag::{Tag, TagBuilder},
};

pub(crate) use self::doc::Doc;
use self::{components::Components, doc::Operations};
use crate::routes;

/// The name of the only way to prove who one is.
const BEARER: &str = "bearer";

/// What the routes are about, in the order of the document.
const TAGS: &[(&str, &str)] = &[
    ("system", "The server itself."),
    ("clients", "Clients and their end."),
    ("workspaces", "Directories that agents work in."),
    ("events", "What happens, as it happens."),
    ("sessions", "Conversations of a workspace."),
    ("messages", "What was said."),
    ("files", "Files that sessions wrote and read."),
    ("agent", "The agent of a workspace and its prompts."),
    ("runs", "Accepted prompts and what becomes of them."),
    ("permissions", "Approvals that tools ask for."),
    ("questions", "Questions that runs ask."),
    ("config", "The configuration of a workspace."),
    ("project", "Introducing a project to the agent."),
    (
        "skills",
        "Instructions that a workspace offers to its agent.",
    ),
    ("lsp", "Language servers."),
    ("mcp", "MCP servers."),
];

/// Returns the document as indented JSON with a line end.
///
/// # Panics
///
/// Never: the document has string keys and is written to memory.
#[must_use]
pub fn openapi_json() -> String {
    let document = document();
    let mut json = document
        .to_pretty_json()
        .expect("invariant: a document has string keys and is written to memory");
    json.push('\n');
    json
}

fn document() -> OpenApi {
    let mut components = Components::default();
    let mut operations = Operations::new(&mut components);
    let mut paths = PathsBuilder::new();
    for route in routes::all().into_documented() {
        let path = route.path;
        let operation = operations.describe(&route);
        paths = paths.path(path, PathItem::new(route.method, operation));
    }
    components.add_security(BEARER, bearer());
    OpenApiBuilder::new()
        // The first that can describe the items of a stream.
        .openapi(OpenApiVersion::Version32)
        .info(info())
        .paths(paths)
        .components(Some(components.build()))
        .security(Some([
            SecurityRequirement::default(),
            SecurityRequirement::new(BEARER, [] as [&str; 0]),
        ]))
        .tags(Some(tags()))
        .build()
}

fn info() -> utoipa::openapi::Info {
    InfoBuilder::new()
        .title("Runwright")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Runs coding-agent prompts for many clients at once. A prompt that was accepted will end; everybody who \
             follows a workspace sees the same ordered story; a cancel is never lost.",
        ))
        .license(Some(LicenseBuilder::new().name(env!("CARGO_PKG_LICENSE")).build()))
        .build()
}

/// On a Unix socket there is no token: the peer's user is what counts.
fn bearer() -> SecurityScheme {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("Needed over TCP, except with `--no-auth`."));
    SecurityScheme::Http(bearer.build())
}

fn tags() -> Vec<Tag> {
    let tag =
        |&(name, text): &(&str, &str)| TagBuilder::new().name(name).description(Some(text)).build();
    TAGS.iter().map(tag).collect()
}
