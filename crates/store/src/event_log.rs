//! The stored log of a workspace: events that must arrive, as they are sent, and the states of messages and sessions in
//! their own rows. Must never know who reads, nor over what.

pub(crate) mod chunk;
mod compact;
mod cut;
pub(crate) mod entries;
mod read;
mod retain;
pub(crate) mod room;
pub(crate) mod store;
pub(crate) mod upkeep;

use std::sync::Arc;

use async_trait::async_trait;
use runwright_agent::{EventLog, EventLogError, LogPage, LogQuery, Publication};
use runwright_proto::ClientId;

use crate::workspace::WorkspaceState;

/// The stored log of one workspace.
#[derive(Debug)]
pub(crate) struct StoredLog {
    state: Arc<WorkspaceState>,
}

impl StoredLog {
    pub(crate) fn new(state: Arc<WorkspaceState>) -> Self {
        Self { state }
    }
}

#[async_trait]
impl EventLog for StoredLog {
    fn announce(&self, publication: Publication) {
        self.state
            .change_unseen("event was not stored", move |_, batch| {
                batch.publish(publication.clone());
                Ok(())
            });
    }

    fn tell(&self, publication: Publication) {
        self.state.tell(publication);
    }

    async fn read(&self, query: LogQuery) -> Result<LogPage, EventLogError> {
        // What is being streamed is read from memory: it is what the disk will have, and nobody has to wait for it.
        let streaming = self.state.streaming(|_| true);
        let (workspace, epoch) = (self.state.row, self.state.epoch.clone());
        let room = self.state.commons.rooms.take();
        let read = move |connection: &_| {
            read::read(connection, workspace, &epoch, &query, streaming, room)
        };
        Ok(self.state.engine().read(read).await?)
    }

    async fn flush(&self) -> Result<(), EventLogError> {
        let flush =
            |connection: &_, batch: &mut crate::workspace::WorkspaceBatch| batch.flush(connection);
        Ok(self.state.change(flush).await?)
    }

    fn attached(&self, client: ClientId) {
        let workspace = self.state.row;
        self.state
            .change_lazily("client was not noted", move |connection, _| {
                store::attach(connection, workspace, client)
            });
    }

    fn detached(&self, client: ClientId) {
        let workspace = self.state.row;
        self.state
            .change_lazily("client was not struck off", move |connection, _| {
                store::detach(connection, workspace, client)
            });
    }

    async fn close(&self) {
        let close =
            |connection: &_, batch: &mut crate::workspace::WorkspaceBatch| batch.close(connection);
        if let Err(error) = self.state.change(close).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(workspace = %self.state.id, error, "workspace was not closed in good order");
        }
    }
}
