//! The store under random commands, and the story that it tells.

use std::collections::BTreeSet;
use std::time::Duration;

use runwright_agent::{EventSink, LogQuery, Pace, Publication, RunEnd, SessionChange, Timestamp};
use runwright_proto::{
    AgentEvent, Change, Event, Finish, Message, Part, Role, RunState, Seq, Text, TextPart,
};
use runwright_store::{Retention, StoreOptions};

use super::commands::Command;
use super::reader::{Reader, Story, Told};
use crate::stage::{Opened, Stage, id, prompt, read_all};

/// So many events are kept in memory.
const MEMORY: usize = 6;

pub(super) struct System {
    stage: Stage,
    opened: Opened,
    workspace_bytes: u64,
    story: Story,
    /// What of the present life is in the story already.
    told: usize,
    /// The numbers of events that were for present readers only.
    passing: BTreeSet<Seq>,
    readers: Vec<Reader>,
    sessions: BTreeSet<String>,
    messages: Vec<Known>,
    /// Runs that are not over, and whether they have started.
    runs: Vec<(String, bool)>,
    ended: Vec<String>,
    made: usize,
}

/// A message, and the states that may be on disk after a crash.
struct Known {
    message: Message,
    text: Text,
    possible: Vec<String>,
}

impl System {
    pub(super) async fn new(workspace_bytes: u64) -> Self {
        let stage = Stage::with(|options| set(options, workspace_bytes));
        let opened = stage.open().await;
        Self {
            stage,
            opened,
            workspace_bytes,
            story: Story::default(),
            told: 0,
            passing: BTreeSet::new(),
            readers: vec![Reader::new(Seq::ZERO)],
            sessions: BTreeSet::new(),
            messages: Vec::new(),
            runs: Vec::new(),
            ended: Vec::new(),
            made: 0,
        }
    }

    pub(super) async fn perform(&mut self, command: Command) {
        match command {
            Command::Session(n) => self.make_session(n).await,
            Command::Rename(n) => self.rename(n).await,
            Command::Delete(n) => self.delete(n).await,
            Command::Message(n, run) => self.add_message(n, run).await,
            Command::Stream(n, words) => self.stream(n, words).await,
            Command::Rewrite(n) => self.rewrite(n).await,
            Command::Settle(n) => self.replace(n, None).await,
            Command::Finish(n) => self.replace(n, Some(Finish::stop())).await,
            Command::Accept(n, starts) => self.accept(n, starts).await,
            Command::End(n) => self.end_run(n).await,
            Command::Announce(run) => self.announce(run, 10).await,
            Command::AnnounceLong => self.announce(None, 150_000).await,
            Command::Tell => self.tell(),
            Command::Flush => self.flush().await,
            Command::LookAfter => self.stage.store.look_after().await.unwrap(),
            Command::Close => self.close().await,
            Command::Crash => self.crash().await,
            Command::Reader(from_the_beginning) => {
                let start = if from_the_beginning {
                    Seq::ZERO
                } else {
                    self.head()
                };
                self.readers.push(Reader::new(start));
            }
            Command::ReadOn(n, events) => self.read_on(n, events).await,
            Command::ReadDisk(n, short) => {
                let until = Seq(self.head().0.saturating_sub(short as u64));
                self.read_disk(n, until).await;
            }
        }
        self.listen();
    }

    /// Every reader reads to the end, and what they were told is compared.
    pub(super) async fn end(mut self) {
        for n in 0..self.readers.len() {
            while self.readers[n].cursor < self.head() {
                self.read_on(n, usize::MAX).await;
            }
            self.readers[n].check(&self.story);
            let may_lose = self.workspace_bytes < u64::MAX;
            assert!(may_lose || !self.readers[n].has_lost_anything());
        }
        for run in &self.ended {
            assert_eq!(self.story.ends_of(run), 1, "{run}");
        }
        for (run, _) in &self.runs {
            assert_eq!(self.story.ends_of(run), 0, "{run}");
        }
    }

    /// The last number that was published.
    fn head(&self) -> Seq {
        self.opened.sink.head().max(Seq(self.opened.next.0 - 1))
    }

    /// Adds to the story what was published since.
    fn listen(&mut self) {
        let published = self.opened.sink.numbered();
        for (seq, publication) in &published[self.told..] {
            self.story.events.push(Told {
                seq: *seq,
                event: publication.event.clone(),
                is_passing: self.passing.contains(seq),
            });
        }
        self.told = published.len();
    }

    async fn make_session(&mut self, n: usize) {
        let name = format!("s{n}");
        self.opened.session(&name).await;
        self.sessions.insert(name);
    }

    fn session(&self, n: usize) -> Option<String> {
        let len = self.sessions.len();
        self.sessions.iter().nth(n % len.max(1)).cloned()
    }

    async fn rename(&mut self, n: usize) {
        let Some(session) = self.session(n) else {
            return;
        };
        self.made += 1;
        let change = SessionChange {
            title: Some(format!("title {}", self.made)),
            ..SessionChange::default()
        };
        let transcript = &self.opened.parts.transcript;
        let changed = transcript.change_session(&id(&session), change).await;
        changed.unwrap();
    }

    async fn delete(&mut self, n: usize) {
        let Some(session) = self.session(n) else {
            return;
        };
        let transcript = &self.opened.parts.transcript;
        transcript.delete_session(&id(&session)).await.unwrap();
        self.sessions.remove(&session);
        let is_of_it = |known: &Known| known.message.session_id.as_str() == session;
        self.messages.retain(|known| !is_of_it(known));
    }

    async fn add_message(&mut self, n: usize, run: Option<usize>) {
        let Some(session) = self.session(n) else {
            return;
        };
        let run = run.and_then(|run| self.running(run));
        let message = self
            .opened
            .add(run.as_deref(), &session, Role::Assistant, vec![]);
        let message = message.await;
        self.messages.push(Known {
            message,
            text: Text::new(),
            possible: vec![String::new()],
        });
    }

    fn running(&self, n: usize) -> Option<String> {
        let running: Vec<_> = self.runs.iter().filter(|(_, started)| *started).collect();
        let (run, _) = running.get(n % running.len().max(1))?;
        Some(run.clone())
    }

    fn message(&self, n: usize) -> Option<usize> {
        let len = self.messages.len();
        (len > 0).then(|| n % len)
    }

    async fn stream(&mut self, n: usize, words: u8) {
        let Some(n) = self.message(n) else { return };
        let more = format!("{words} ").repeat(usize::from(words % 5));
        self.messages[n].text.push_str(&more);
        self.show(n, Pace::Streamed).await;
    }

    async fn rewrite(&mut self, n: usize) {
        let Some(n) = self.message(n) else { return };
        self.made += 1;
        self.messages[n].text = Text::from(format!("rewritten {}", self.made));
        self.show(n, Pace::Streamed).await;
    }

    async fn replace(&mut self, n: usize, finish: Option<Finish>) {
        let Some(n) = self.message(n) else { return };
        self.messages[n].message.parts = finish.map(Part::Finish).into_iter().collect();
        self.show(n, Pace::Now).await;
    }

    /// Writes the message as it is now.
    async fn show(&mut self, n: usize, pace: Pace) {
        let known = &mut self.messages[n];
        let text = TextPart {
            text: known.text.clone(),
        };
        let end = known.message.finish().cloned().map(Part::Finish);
        let parts = std::iter::once(Part::Text(text)).chain(end).collect();
        self.opened.update(&known.message, parts, pace).await;
        if pace == Pace::Now {
            known.possible.clear();
        }
        known.possible.push(known.text.to_string());
    }

    async fn accept(&mut self, n: usize, starts: bool) {
        let session = self.session(n).unwrap_or_else(|| "nobody's".to_owned());
        self.made += 1;
        let run = format!("run-{}", self.made);
        if starts {
            self.opened.start(&session, &run).await;
        } else {
            self.opened.accept(prompt(&session, &run, "hello"), 0).await;
        }
        self.runs.push((run, starts));
    }

    async fn end_run(&mut self, n: usize) {
        let len = self.runs.len();
        if len == 0 {
            return;
        }
        let (run, _) = self.runs.remove(n % len);
        let end = RunEnd::new(RunState::Completed);
        let journal = &self.opened.parts.journal;
        assert!(journal.finish(&id(&run), end).await.unwrap());
        self.ended.push(run);
    }

    fn announcement(&mut self, run: Option<usize>, bytes: usize) -> Publication {
        self.made += 1;
        let title = format!("{} {}", self.made, "x".repeat(bytes));
        let finished = AgentEvent::finished(id("nobody's"), title);
        Publication {
            event: Event::AgentEvent(Change::created(finished)),
            run: run.and_then(|run| self.running(run)).map(|run| id(&run)),
            pace: Pace::Now,
        }
    }

    async fn announce(&mut self, run: Option<usize>, bytes: usize) {
        let announcement = self.announcement(run, bytes);
        self.opened.parts.events.announce(announcement);
        self.flush().await;
    }

    fn tell(&mut self) {
        let announcement = self.announcement(None, 10);
        self.opened.parts.events.tell(announcement);
        self.passing.insert(self.opened.sink.head());
    }

    async fn flush(&mut self) {
        self.opened.flush().await;
        for known in &mut self.messages {
            known.possible = vec![known.text.to_string()];
        }
    }

    async fn close(&mut self) {
        self.opened.parts.events.close().await;
        self.listen();
        let head = self.head();
        self.stage.store.close().await;
        let image = tempfile::tempdir().unwrap();
        let directory = std::mem::replace(&mut self.stage.directory, image);
        let bytes = self.workspace_bytes;
        self.stage = Stage::at(directory, Timestamp(0), |options| set(options, bytes));
        for known in &mut self.messages {
            known.possible = vec![known.text.to_string()];
        }
        if self.runs.iter().all(|(_, started)| !started) {
            self.begin(head).await;
            assert_eq!(self.opened.next, head.next(), "nothing was left to do");
        } else {
            self.begin(head).await;
        }
    }

    async fn crash(&mut self) {
        self.listen();
        let head = self.head();
        let bytes = self.workspace_bytes;
        self.stage = self.stage.killed_with(|options| set(options, bytes));
        self.begin(head).await;
    }

    /// A process begins; the one before it had published up to `head`.
    async fn begin(&mut self, head: Seq) {
        self.opened = self.stage.open().await;
        self.told = 0;
        assert!(self.opened.next > head, "numbers are not used again");
        self.listen_to_recovery(head).await;
        let (interrupted, queued) = self.runs.drain(..).partition(|(_, started)| *started);
        self.runs = queued;
        let interrupted: Vec<(String, bool)> = interrupted;
        self.ended
            .extend(interrupted.into_iter().map(|(run, _)| run));
        self.check_messages().await;
    }

    /// What recovery did is on disk and nowhere else.
    async fn listen_to_recovery(&mut self, head: Seq) {
        let query = LogQuery {
            after: head,
            until: Seq(self.opened.next.0 - 1),
            run: None,
            finished_only: false,
        };
        for envelope in read_all(&*self.opened.parts.events, query).await {
            self.story.events.push(Told {
                seq: envelope.seq.unwrap(),
                event: envelope.event,
                is_passing: false,
            });
        }
    }

    /// After a crash each message has a text that it had since it was last on disk; it goes on from there.
    async fn check_messages(&mut self) {
        for known in &mut self.messages {
            let session = known.message.session_id.to_string();
            let messages = self.opened.messages(&session).await;
            let found = messages
                .into_iter()
                .find(|found| found.id == known.message.id);
            let found = found.unwrap();
            let text = found.text().map(ToString::to_string).unwrap_or_default();
            assert!(
                known.possible.contains(&text),
                "{text:?} of {:?}",
                known.possible
            );
            known.possible = vec![text.clone()];
            known.text = Text::from(text);
            let end = found.finish().cloned().map(Part::Finish);
            known.message.parts = end.into_iter().collect();
        }
    }

    async fn read_on(&mut self, n: usize, events: usize) {
        let n = n % self.readers.len();
        let in_memory: Vec<Told> = {
            let born = self.opened.next;
            let alive = self.story.after(Seq(born.0 - 1));
            alive.into_iter().cloned().collect()
        };
        // What comes before the last few is gone from memory.
        let kept = in_memory.len().saturating_sub(MEMORY);
        let base = if kept == 0 {
            Seq(self.opened.next.0 - 1)
        } else {
            in_memory[kept - 1].seq
        };
        if self.readers[n].cursor < base {
            return self.read_disk(n, self.head()).await;
        }
        let cursor = self.readers[n].cursor;
        let later = self.story.after(cursor);
        let later: Vec<Told> = later.into_iter().take(events).cloned().collect();
        for told in &later {
            self.readers[n].take(told);
        }
        if later.len() < events {
            self.readers[n].cursor = self.head();
        }
    }

    async fn read_disk(&mut self, n: usize, until: Seq) {
        let n = n % self.readers.len();
        let after = self.readers[n].cursor;
        if until < after {
            return;
        }
        let query = LogQuery {
            after,
            until,
            run: None,
            finished_only: false,
        };
        let page = self.opened.parts.events.read(query).await.unwrap();
        self.readers[n].take_page(&page);
    }
}

fn set(options: &mut StoreOptions, workspace_bytes: u64) {
    options.stream_delay = Duration::from_secs(3_600);
    options.idle_after = Duration::from_secs(3_600);
    options.retention = Retention {
        age: None,
        workspace_bytes,
        total_bytes: u64::MAX,
    };
}
