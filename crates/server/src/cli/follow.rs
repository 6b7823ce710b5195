//! Follows one run to its end over its event stream, and resumes where it was when the stream is cut. It must never
//! know how a run is started.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use runwright_proto::{
    ChangeKind, Cursor, Envelope, Event, Message, MessageId, Role, RunComplete, RunId, WorkspaceId,
};

use super::failure::Failure;
use super::http::Server;
use super::print::Output;

/// How often a cut stream is resumed before the server counts as gone, and how long the first wait is; each is twice
/// the one before. Together some 6 s: a server that restarts is back by then.
const RESUMES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Follows one run.
pub(super) struct Follower<'a> {
    server: &'a Server,
    output: &'a Output,
    base: String,
    cursor: Cursor,
    /// How much of each message is printed.
    printed: BTreeMap<MessageId, usize>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        server: &'a Server,
        output: &'a Output,
        workspace: WorkspaceId,
        run: &RunId,
    ) -> Self {
        Self {
            server,
            output,
            base: format!("/v1/workspaces/{workspace}/runs/{run}/events"),
            cursor: Cursor::Start,
            printed: BTreeMap::new(),
        }
    }

    /// Prints what the run says until it ends.
    pub(super) async fn follow(&mut self) -> Result<RunComplete, Failure> {
        let mut cuts = 0;
        loop {
            let before = self.cursor.clone();
            match self.until_cut().await {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => {}
                Err(refused @ (Failure::Refused(_) | Failure::Nonsense(_))) => return Err(refused),
                Err(_unreachable) => {}
            }
            // A stream that brought something was a working one.
            cuts = if self.cursor == before { cuts + 1 } else { 1 };
            if cuts > RESUMES {
                return Err(Failure::Lost);
            }
            tokio::time::sleep(FIRST_WAIT * 2_u32.pow(cuts - 1)).await;
        }
    }

    async fn until_cut(&mut self) -> Result<Option<RunComplete>, Failure> {
        let path = format!("{}?after={}", self.base, self.cursor);
        let mut events = std::pin::pin!(self.server.events(&path).await?);
        while let Some(envelope) = events.next().await {
            if let Some(end) = self
                .take(envelope?)
                .map_err(|error| Failure::Broken(Box::new(error)))?
            {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// Prints one event; returns the end of the run.
    fn take(&mut self, envelope: Envelope) -> std::io::Result<Option<RunComplete>> {
        if self.output.is_json() {
            self.output.value(&envelope)?;
        }
        if let (Some(epoch), Some(seq)) = (envelope.epoch, envelope.seq) {
            self.cursor = Cursor::After { epoch, seq };
        }
        if let Event::RunComplete(change) = envelope.event {
            return Ok(Some(change.payload));
        }
        if let Event::Message(change) = &envelope.event
            && change.kind != ChangeKind::Deleted
        {
            self.say(&change.payload)?;
        }
        if matches!(envelope.event, Event::Gap(_)) {
            self.output.notice("(some events were missed)")?;
        }
        Ok(None)
    }

    /// Prints what is new of an assistant's message. The text of a message only grows, except when a failed attempt is
    /// withdrawn and said again.
    fn say(&mut self, message: &Message) -> std::io::Result<()> {
        let (Role::Assistant, Some(text), false) =
            (message.role, message.text(), self.output.is_json())
        else {
            return Ok(());
        };
        let new_message = !self.printed.contains_key(&message.id) && !self.printed.is_empty();
        let printed = self.printed.entry(message.id.clone()).or_default();
        if new_message || *printed > text.len() {
            self.output.text("\n")?;
        }
        let from = if *printed > text.len() { 0 } else { *printed };
        *printed = text.len();
        self.output.text(&text.slice_from(from))
    }
}
