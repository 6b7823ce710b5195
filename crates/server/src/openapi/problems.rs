//! Owns the answers that are not a success: which codes follow from a path or a body, and their statuses.
//!
//! It must never know a route.

use std::collections::BTreeMap;

use runwright_proto::{ErrorCode, Problem};
use utoipa::openapi::{Content, RefOr, Response, ResponseBuilder, Schema};

use super::components::{reference, with_parts};
use crate::problem::ApiError;

/// What any body may be refused for.
pub(super) const OF_BODIES: &[ErrorCode] = &[
    ErrorCode::BadJson,
    ErrorCode::RequestTimeout,
    ErrorCode::BodyTooLarge,
    ErrorCode::UnsupportedMediaType,
];

/// What any request may be refused for; not told for each route.
const OF_ALL: &str = "Any other problem: `unauthorized`, `origin_not_allowed`, `host_not_allowed`, `header_too_large`, \
                      `too_many_connections`, `storage_full`, `storage_unavailable`, `storage_damaged`, `internal`.";

/// Returns what a request with this path may be refused for; a forgiving route does without the workspace.
pub(super) fn of_path(path: &str, forgiving: bool) -> &'static [ErrorCode] {
    match (path.contains("/workspaces/{id}"), forgiving) {
        (false, _) => &[],
        (true, true) => &[ErrorCode::InvalidId],
        (true, false) => &[
            ErrorCode::WorkspaceNotFound,
            ErrorCode::WorkspaceClosing,
            ErrorCode::ServerShuttingDown,
            ErrorCode::InvalidId,
        ],
    }
}

/// Returns the schemas that the answers refer to.
pub(super) fn schemas() -> Vec<(String, RefOr<Schema>)> {
    with_parts::<Problem>()
}

/// Returns the answers for these codes, one for each status.
pub(super) fn responses(codes: &[ErrorCode]) -> Vec<(String, Response)> {
    let mut by_status: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for code in codes {
        let status = ApiError::new(*code, "").status().as_u16().to_string();
        let words = by_status.entry(status).or_default();
        if !words.contains(&code.as_str()) {
            words.push(code.as_str());
        }
    }
    let told = by_status.into_iter().map(|(status, words)| {
        let text = format!("`{}`", words.join("`, `"));
        (status, response(&text))
    });
    told.chain([("default".to_owned(), response(OF_ALL))])
        .collect()
}

fn response(text: &str) -> Response {
    let content = Content::new(Some(reference::<Problem>()));
    ResponseBuilder::new()
        .description(text)
        .content("application/problem+json", content)
        .build()
}
