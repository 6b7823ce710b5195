//! Owns the routes of MCP servers. No workspace has any yet: there is nothing to list, nothing to refresh, and nothing to
//! ask.
//!
//! It must never know their protocol.

use axum::extract::State;
use runwright_proto::{
    AuthUrl, ErrorCode, GetMcpPrompt, McpClientInfo, McpName, McpPrompt, PendingAuth, PromptReply,
    ReadResource, ResourceContent, WorkspaceId,
};

use super::{
    Routes,
    reply::{Answer, empty_list, empty_object, not_implemented},
};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    readable(Routes::new("mcp"))
        .post("/v1/workspaces/{id}/mcp/refresh-tools", refresh, || {
            refreshed("refreshMcpTools", "Reads tools again.")
        })
        .post("/v1/workspaces/{id}/mcp/refresh-prompts", refresh, || {
            refreshed("refreshMcpPrompts", "Reads prompts again.")
        })
        .post("/v1/workspaces/{id}/mcp/refresh-resources", refresh, || {
            refreshed("refreshMcpResources", "Reads resources again.")
        })
        .post(
            "/v1/workspaces/{id}/mcp/read-resource",
            not_implemented,
            || {
                later("readMcpResource", "Returns a resource of an MCP server.")
                    .body::<ReadResource>()
                    .ok_list::<ResourceContent>()
            },
        )
        .post(
            "/v1/workspaces/{id}/mcp/get-prompt",
            not_implemented,
            || {
                later("getMcpPrompt", "Returns a prompt of an MCP server.")
                    .body::<GetMcpPrompt>()
                    .ok::<PromptReply>()
            },
        )
        .get("/v1/workspaces/{id}/mcp/auth-url", not_implemented, || {
            later(
                "mcpAuthUrl",
                "Returns where the user grants an MCP server access.",
            )
            .query::<String>("name", true, "The MCP server.")
            .ok::<AuthUrl>()
        })
        .post("/v1/workspaces/{id}/mcp/auth", not_implemented, || {
            later("authMcp", "Has the user grant an MCP server access.")
                .body::<McpName>()
                .ok_object()
        })
        .post(
            "/v1/workspaces/{id}/mcp/docker/enable",
            not_implemented,
            || later("enableDockerMcp", "Starts Docker's MCP server.").ok_empty(),
        )
        .post(
            "/v1/workspaces/{id}/mcp/docker/disable",
            not_implemented,
            || later("disableDockerMcp", "Stops Docker's MCP server.").ok_empty(),
        )
}

fn readable(routes: Routes) -> Routes {
    routes
        .get("/v1/workspaces/{id}/mcp/states", empty_object, || {
            Doc::new(
                "mcpStates",
                "Returns the MCP servers of a workspace by name.",
            )
            .ok_map::<McpClientInfo>()
        })
        .get("/v1/workspaces/{id}/mcp/pending-auth", empty_list, || {
            Doc::new(
                "mcpPendingAuth",
                "Lists the MCP servers that wait for the user to grant access.",
            )
            .ok_list::<PendingAuth>()
        })
        .get("/v1/workspaces/{id}/mcp/prompts", empty_list, || {
            Doc::new("listMcpPrompts", "Lists the prompts of the MCP servers.")
                .ok_list::<McpPrompt>()
        })
}

fn refreshed(id: &'static str, summary: &'static str) -> Doc {
    Doc::new(id, summary).body::<McpName>().ok_empty()
}

fn later(id: &'static str, summary: &'static str) -> Doc {
    Doc::new(id, summary).problems(&[ErrorCode::NotImplemented])
}

async fn refresh(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Json(_): Json<McpName>,
) -> Answer<()> {
    state.workspace(id).await.map(drop)
}
