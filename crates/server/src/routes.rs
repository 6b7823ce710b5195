//! Owns the routes: which path and method is which call of the backend, one resource for each module, each route with its
//! documentation beside it.
//!
//! A handler extracts, makes one call, and maps; rules are the backend's. It must never know how a request came in.

mod agent;
mod agent_sessions;
mod clients;
mod config;
mod events;
mod files;
mod lsp;
mod mcp;
mod messages;
mod permissions;
mod project;
mod prompts;
mod questions;
mod queue;
mod reply;
mod runs;
mod sessions;
mod skills;
mod system;
mod table;
mod wait;
mod workspaces;

use axum::Router;

pub(crate) use self::table::{Documented, Routes};
use crate::{problem::with_fallbacks, state::AppState};

/// Makes the router of a server, with an answer for every path and method.
pub fn router(state: AppState) -> Router {
    with_fallbacks(all().into_router()).with_state(state)
}

/// All routes, in the order in which they are documented.
pub(crate) fn all() -> Routes {
    [
        system::routes,
        clients::routes,
        workspaces::routes,
        events::routes,
        sessions::routes,
        messages::routes,
        files::routes,
        agent::routes,
        prompts::routes,
        agent_sessions::routes,
        queue::routes,
        runs::routes,
        permissions::routes,
        questions::routes,
        config::routes,
        project::routes,
        skills::routes,
        lsp::routes,
        mcp::routes,
    ]
    .into_iter()
    .fold(Routes::new(""), |all, routes| all.and(routes()))
}
