//! Workspaces as clients and operators are shown them. It must never show what is secret: no environment, and a
//! configuration only with its secrets redacted.

use runwright_proto::{Config, SessionId, WorkspaceStatus};

use crate::backend::Backend;
use crate::workspace::Workspace;

impl Workspace {
    /// The workspace as clients see it, without secrets: the values of the first who created it.
    #[must_use]
    pub fn view(&self) -> runwright_proto::Workspace {
        let path = self.opened.context.path.to_string_lossy().into_owned();
        let request = &self.opened.request;
        let asked = if request.path.is_empty() {
            path
        } else {
            request.path.clone()
        };
        let data_dir = self.opened.data_dir.to_string_lossy().into_owned();
        let mut config = Config::clone(&self.opened.config).redacted();
        config.options.data_directory.clone_from(&data_dir);
        runwright_proto::Workspace {
            yolo: request.yolo,
            debug: request.debug,
            data_dir,
            config,
            channels: request.channels.clone(),
            on_last_detach: request.on_last_detach,
            ..runwright_proto::Workspace::new(self.id, asked)
        }
    }

    /// The directory, absolute and without symbolic links.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.opened.context.path
    }
}

impl Backend {
    /// What lives here, for operators.
    #[must_use]
    pub fn status(&self) -> Vec<WorkspaceStatus> {
        let workspaces = self.workspaces();
        workspaces
            .iter()
            .map(|workspace| self.status_of(workspace))
            .collect()
    }

    fn status_of(&self, workspace: &Workspace) -> WorkspaceStatus {
        let busy: Vec<SessionId> = workspace
            .reservations
            .busy_sessions()
            .into_iter()
            .map(|(session, _)| session)
            .collect();
        let active = workspace.reservations.active();
        let accepted = workspace.reservations.len();
        WorkspaceStatus {
            id: workspace.id(),
            path: workspace.path().to_string_lossy().into_owned(),
            clients: self.clients(workspace.id()) as u64,
            runs_active: active as u64,
            runs_queued: accepted.saturating_sub(active) as u64,
            busy_sessions: busy,
        }
    }
}
