//! What must be true, in the middle and at the end.

use std::collections::BTreeMap;

use runwright_backend::WorkspaceEvent;
use runwright_proto::{Event, Message, Role, RunComplete, RunId, RunState, SessionId};
use tokio::time::Duration;

use super::system::System;

impl System {
    /// Nothing is ready to run: what is counted is what was accepted and has not ended (reliability 2.2: 3, 4, 5). A run
    /// whose end is told is still counted while its record, whose answer was lost, is written once more.
    pub(super) fn check_what_lives(&mut self) {
        let ends = self.ends();
        let open = |(run, _): &(&RunId, &SessionId)| !ends.contains_key(*run);
        let live: Vec<_> = self.accepted.iter().filter(open).collect();
        let status = self.backend.status().remove(0);
        let counted = status.runs_active + status.runs_queued;
        let told = live.len() as u64;
        let agrees = counted == told || (self.had_faults && counted > told);
        assert!(agrees, "{counted} are counted, {live:?} live");
        assert_eq!(self.workspace.has_runs(), counted > 0);
        for session in &self.sessions {
            let busy = live.iter().any(|(_, of)| *of == session);
            let agrees = self.workspace.is_busy(session) == busy || (self.had_faults && !busy);
            assert!(agrees, "busy is {busy}: {live:?}");
        }
    }

    /// Shuts everything down and looks back.
    pub(super) async fn end(mut self) {
        self.settle().await;
        self.backend.shutdown(Duration::from_secs(60)).await;
        self.events.over().await;
        self.events.assert_orderly();
        let ends = self.check_ends().await;
        self.check_cancels(&ends);
        self.check_counts();
        for session in self.sessions.clone() {
            self.check_history(&session).await;
        }
    }

    /// Each accepted run has one terminal event, and the record says the same; a refused one has none (2.2: 11).
    async fn check_ends(&mut self) -> BTreeMap<RunId, RunComplete> {
        let told = self.events.ends().len();
        let ends = self.ends();
        assert_eq!(told, ends.len(), "no run ends twice");
        let (accepted, ended): (Vec<_>, Vec<_>) =
            (self.accepted.keys().collect(), ends.keys().collect());
        assert_eq!(accepted, ended);
        for (run, end) in &ends {
            let record = self.workspace.run(run).await.unwrap();
            // Storage that failed three times in a row never got to know of the end.
            if self.had_faults && !record.state.is_terminal() {
                continue;
            }
            assert_eq!((record.state, &record.reason), (end.state, &end.reason));
        }
        let about = |(_, event): &(_, std::sync::Arc<WorkspaceEvent>)| event.run().cloned();
        for run in self.events.seen().iter().filter_map(about) {
            assert!(!self.refused.contains(&run), "`{run}` was refused");
        }
        ends
    }

    /// A cancel keeps an unstarted run from the agent, and no other run is cancelled (2.2: 8, 10).
    fn check_cancels(&self, ends: &BTreeMap<RunId, RunComplete>) {
        let began = self.backend.runner().began();
        for run in &self.never_to_begin {
            assert!(!began.contains(run), "`{run}` was cancelled before");
            let Some(end) = ends.get(run) else { continue };
            // A prompt that was being folded when the cancel came is part of the other turn.
            let folded = end.state == RunState::Completed && end.folded_into.is_some();
            // One whose prompt could not be written had failed by then, and only its record was not there yet.
            let failed = self.had_faults && end.state == RunState::Failed;
            let cancelled = end.state == RunState::Cancelled;
            assert!(cancelled || folded || failed, "{end:?}");
        }
        for (run, end) in ends {
            let by_itself = matches!(end.reason.as_deref(), Some("superseded" | "abandoned"));
            let wanted = self.cancelled.contains(run) || by_itself || is_aborted(end);
            assert!(end.state != RunState::Cancelled || wanted, "{end:?}");
        }
    }

    /// Nothing is left, whatever panicked or was aborted (2.2: 3, 34).
    fn check_counts(&self) {
        assert!(!self.workspace.has_runs());
        assert!(!self.workspace.agent_info().is_busy);
        assert_eq!(self.backend.runner().active(), 0);
        assert!(self.backend.runner().most_in_one_session() <= 1);
    }

    /// A provider takes the history: every answer is finished, every tool call has its result. Storage that failed in
    /// the middle may have lost some of it, so this holds for the others only.
    async fn check_history(&self, session: &SessionId) {
        if self.had_faults {
            return;
        }
        let messages = self.workspace.messages(session).await.unwrap();
        let answered: Vec<_> = messages.iter().flat_map(Message::tool_results).collect();
        for message in &messages {
            assert!(message.finish().is_some(), "{message:?}");
            for call in message.tool_calls() {
                let is_answer = |result: &&_| {
                    let result: &&runwright_proto::ToolResult = result;
                    result.tool_call_id == call.id
                };
                assert!(answered.iter().any(is_answer), "{message:?}");
            }
        }
        let prompts = messages.iter().filter(|message| message.role == Role::User);
        let expected = self.accepted.values().filter(|of| *of == session);
        assert_eq!(prompts.count(), expected.count(), "each prompt once");
    }

    fn ends(&mut self) -> BTreeMap<RunId, RunComplete> {
        let events = self.events.seen().iter().map(|(_, event)| event.event());
        let mut ends = BTreeMap::new();
        for event in events {
            if let Event::RunComplete(change) = event {
                let end = change.payload.clone();
                ends.insert(end.run_id.clone().unwrap(), end);
            }
        }
        ends
    }
}

/// The word `aborted` takes the place of the reason why the run was asked to stop.
fn is_aborted(end: &RunComplete) -> bool {
    end.reason.as_deref() == Some("aborted")
}
