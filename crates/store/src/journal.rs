//! The record of the runs of a workspace on disk. Must never know who asks for a run or carries it out.

mod accept;
mod end;
mod list;
pub(crate) mod names;
pub(crate) mod record;
pub(crate) mod untold;

use std::sync::Arc;

use async_trait::async_trait;
use runwright_agent::{
    Acceptance, AgentCall, Earlier, JournalError, NewRun, RunEnd, RunJournal, RunQuery,
};
use runwright_proto::{Run, RunId, RunList};

pub(crate) use self::end::finish;
use self::names::Knowledge;
use crate::workspace::WorkspaceState;

/// The record of the runs of one workspace.
#[derive(Debug)]
pub(crate) struct Journal {
    state: Arc<WorkspaceState>,
}

impl Journal {
    pub(crate) fn new(state: Arc<WorkspaceState>) -> Self {
        Self { state }
    }

    /// Looks whether anybody may have used a name of the request; reads the names if nobody has done so.
    async fn is_new(&self, call: &AgentCall) -> Result<bool, JournalError> {
        let names = &self.state.names;
        let asked = accept::asked_names(names, call);
        if asked.is_empty() {
            return Ok(true);
        }
        if names.look_up(&asked) == Knowledge::NotLoaded {
            let state = Arc::clone(&self.state);
            let read = move |connection: &_| accept::load_names(connection, &state);
            self.state.engine().read(read).await?;
        }
        Ok(names.look_up(&asked) == Knowledge::New)
    }

    /// Waits until the ends that were just read are published: the commit makes an end readable a moment before.
    async fn are_told(&self, runs: &[Run]) {
        for run in runs {
            if run.state.is_terminal() {
                self.state.untold.told(&run.run_id).await;
            }
        }
    }
}

#[async_trait]
impl RunJournal for Journal {
    async fn find(&self, call: &AgentCall) -> Result<Option<Earlier>, JournalError> {
        if self.is_new(call).await? {
            return Ok(None);
        }
        let (workspace, call) = (self.state.row, call.clone());
        let read = move |connection: &_| accept::earlier(connection, workspace, &call);
        Ok(self.state.engine().read(read).await?)
    }

    async fn accept(&self, run: NewRun) -> Result<Acceptance, JournalError> {
        let (state, now) = (Arc::clone(&self.state), self.state.now());
        let record = move |connection: &_, batch: &mut _| {
            accept::accept(connection, batch, &state, &run, now)
        };
        Ok(self.state.accept(record).await?)
    }

    async fn start(&self, run: &RunId) -> Result<(), JournalError> {
        let (workspace, id, now) = (self.state.row, run.clone(), self.state.now());
        let start = move |connection: &_, _: &mut _| end::start(connection, workspace, &id, now);
        if self.state.change(start).await? {
            return Ok(());
        }
        Err(JournalError::UnknownRun(run.clone()))
    }

    async fn finish(&self, run: &RunId, end: RunEnd) -> Result<bool, JournalError> {
        let (workspace, id, now) = (self.state.row, run.clone(), self.state.now());
        let finish = move |connection: &_, batch: &mut _| {
            finish(connection, batch, workspace, &id, &end, now)
        };
        let won = self.state.change(finish).await?;
        won.ok_or_else(|| JournalError::UnknownRun(run.clone()))
    }

    async fn run(&self, run: &RunId) -> Result<Option<Run>, JournalError> {
        let (workspace, run) = (self.state.row, run.clone());
        let read = move |connection: &_| record::find(connection, workspace, &run);
        let found = self.state.engine().read(read).await?;
        self.are_told(found.as_slice()).await;
        Ok(found)
    }

    async fn runs(&self, query: RunQuery) -> Result<RunList, JournalError> {
        let workspace = self.state.row;
        let read = move |connection: &_| list::list(connection, workspace, &query);
        let page = self.state.engine().read(read).await?;
        let page = page.map_err(JournalError::UnknownRun)?;
        self.are_told(&page.runs).await;
        Ok(page)
    }
}
