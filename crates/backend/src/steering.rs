//! Folds waiting prompts into the active turn of their session. It must never know what a runner makes of them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use runwright_agent::{AgentCall, SteeredPrompt, SteeredPrompts, Steering, TranscriptError};

use crate::workspace::Workspace;

/// The prompts that may be folded into one turn.
pub(crate) struct FoldIntoTurn {
    workspace: Arc<Workspace>,
    steering: Steering<Arc<AgentCall>>,
}

impl FoldIntoTurn {
    pub(crate) fn new(workspace: Arc<Workspace>, steering: Steering<Arc<AgentCall>>) -> Self {
        Self {
            workspace,
            steering,
        }
    }
}

#[async_trait]
impl SteeredPrompts for FoldIntoTurn {
    async fn fold(&self) -> Result<Vec<Arc<AgentCall>>, TranscriptError> {
        let offered = self.steering.offered();
        if offered.is_empty() {
            return Ok(Vec::new());
        }
        // A task of its own, so that a runner that is aborted here cannot leave a prompt both in the history and in
        // the queue.
        let writing = take_in(self.workspace.clone(), offered);
        match self.workspace.tasks.tracker.spawn(writing).await {
            Ok(taken) => taken,
            Err(error) => Err(TranscriptError::Storage(Box::new(error))),
        }
    }
}

impl fmt::Debug for FoldIntoTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoldIntoTurn").finish_non_exhaustive()
    }
}

/// Writes the message of each prompt and then takes it out of the queue. A prompt that could not be written goes
/// back, and so do those behind it.
async fn take_in(
    workspace: Arc<Workspace>,
    offered: Vec<SteeredPrompt<Arc<AgentCall>>>,
) -> Result<Vec<Arc<AgentCall>>, TranscriptError> {
    let mut taken = Vec::with_capacity(offered.len());
    for prompt in offered {
        let call = prompt.payload().clone();
        let message = call.user_message(workspace.opened.clock.now().seconds());
        let run = Some(call.run_id());
        workspace
            .opened
            .transcript
            .create_message(run, message)
            .await?;
        prompt.taken();
        taken.push(call);
    }
    Ok(taken)
}
