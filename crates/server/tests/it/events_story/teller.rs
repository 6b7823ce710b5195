//! Tells a story into the log of a workspace, and knows the truth of it.

use proptest::sample::Index;
use runwright_agent::Pace;
use runwright_backend::{BackendOptions, TopicOptions, testing::TestBackend};
use runwright_proto::{
    Change, Event, Finish, Message, MessageId, Part, Reasoning, RunId, Seq, SkillsEvent, ToolCall,
    WorkspaceId,
};

use super::ops::{Kind, Told};
use crate::api::{Api, Known, Press, message};

/// How many events memory keeps, and a page holds.
const IN_MEMORY: usize = 5;
const ON_PAGE: usize = 3;

/// The run that is followed.
pub(crate) const RUN: &str = "r1";

pub(crate) struct Teller {
    pub(crate) api: Api,
    pub(crate) id: WorkspaceId,
    /// The path of the workspace.
    pub(crate) path: String,
    pub(crate) client: String,
    press: Press,
    stored: bool,
    /// The messages that are being written.
    open: Vec<(Message, Option<RunId>)>,
    made: usize,
    /// Everything that must arrive, with its number.
    pub(crate) every: Vec<Arrives>,
    /// The last state of everything.
    all: Known,
    of_run: Known,
    pruned: u64,
    head: u64,
    /// What was published up to this number is no part of the story.
    pub(crate) base: u64,
}

/// An event that must arrive.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arrives {
    pub(crate) seq: u64,
    pub(crate) event: Event,
    pub(crate) of_run: bool,
}

impl Teller {
    pub(crate) async fn open(stored: bool) -> Self {
        let options = BackendOptions {
            log: TopicOptions {
                max_events: IN_MEMORY,
                ..TestBackend::roomy_figures().log
            },
            ..BackendOptions::default()
        };
        let api = Api::with(options, |_| {});
        if stored {
            api.backend.store_logs();
        }
        let work = api.open("demo").await;
        let (id, path) = (work.id, work.path(""));
        let client = work.client.to_string();
        let press = if stored {
            work.stored_log().set_page(ON_PAGE);
            work.stored_press()
        } else {
            work.press().await
        };
        Self {
            id,
            path,
            client,
            press,
            stored,
            open: Vec::new(),
            made: 0,
            every: Vec::new(),
            all: Known::default(),
            of_run: Known::default(),
            pruned: 0,
            head: 0,
            base: 0,
            api,
        }
    }

    /// Accepts the run that is followed, whose turn says nothing. What is told of it is no part of the story.
    pub(crate) async fn accept_run(&mut self) {
        let session = serde_json::json!({"title": "t"});
        let made = self
            .api
            .post(&format!("{}/sessions", self.path), session)
            .await;
        let prompt = serde_json::json!({
            "session_id": made.ok()["id"],
            "run_id": RUN,
            "prompt": "hello",
        });
        let sent = self.api.post(&format!("{}/agent", self.path), prompt).await;
        sent.is(202);
        let turn = self.api.backend.runner().entered().await;
        turn.ignore_cancel().await;
        let workspace = self.api.backend.workspace(self.id).await.unwrap();
        self.base = workspace.log().topic().head().get();
        self.head = self.base;
    }

    /// Up to which number something may be lost to a reader: what neither disk nor memory has.
    pub(crate) async fn may_be_lost(&self) -> u64 {
        let workspace = self.api.backend.workspace(self.id).await.unwrap();
        let topic = workspace.log().topic();
        let oldest = topic.oldest();
        let evicted = oldest.map_or_else(|| topic.head().get(), |oldest| oldest.get() - 1);
        if self.stored {
            evicted.min(self.pruned)
        } else {
            evicted
        }
    }

    /// What a client is told that fetches all messages now.
    pub(crate) fn fetched(&self, of_run: bool) -> Known {
        if of_run { &self.of_run } else { &self.all }.clone()
    }

    pub(crate) fn tell(&mut self, told: &Told) {
        match told {
            Told::Created(of_run) => self.create(*of_run),
            Told::Grown(which, part, text) => self.change(which, Pace::Streamed, |message| {
                if message.parts.is_empty() {
                    message.parts.push(Part::text(""));
                }
                let index = part.index(message.parts.len());
                grow(&mut message.parts[index], text);
            }),
            Told::Part(which, kind) => self.change(which, Pace::Streamed, |message| {
                message.parts.push(new_part(*kind));
            }),
            Told::Replaced(which, text) => self.change(which, Pace::Streamed, |message| {
                message.parts = vec![Part::text(text.as_str())];
            }),
            Told::Restated(which) => self.change(which, Pace::Now, |_| {}),
            Told::Finished(which) => self.finish(which),
            Told::Deleted(which) => self.delete(which),
            Told::Other(of_run) => self.other(*of_run, 0),
            Told::Big => self.other(false, 40_000),
        }
    }

    /// Forgets a share of what is on disk.
    pub(crate) fn prune(&mut self, share: u64) {
        if self.stored {
            self.pruned = self.pruned.max(self.head * share / 100);
            let log = self.api.backend.stored_log(self.id);
            log.prune(Seq(self.pruned));
        }
    }

    /// Ends the life of the workspace, and closes what was left open, as the next start of the server does.
    pub(crate) async fn restart(mut self) -> Self {
        tokio::time::sleep(std::time::Duration::from_secs(90)).await;
        assert_eq!(self.api.backend.workspaces().len(), 0);
        while !self.open.is_empty() {
            self.end(0);
        }
        self.api.backend.workspace(self.id).await.unwrap();
        self
    }

    fn create(&mut self, of_run: bool) {
        let message = message(&format!("m{}", self.made), "");
        self.made += 1;
        let run = of_run.then(|| RUN.parse().unwrap());
        let event = Event::Message(Change::created(message.clone()));
        self.publish(event, run.clone(), Pace::Now);
        self.open.push((message, run));
    }

    /// Changes one of the messages that are being written, if there is one.
    fn change(&mut self, which: &Index, pace: Pace, change: impl FnOnce(&mut Message)) {
        if self.open.is_empty() {
            return;
        }
        let at = which.index(self.open.len());
        let (message, run) = &mut self.open[at];
        change(message);
        let event = Event::Message(Change::updated(message.clone()));
        let run = run.clone();
        self.publish(event, run, pace);
    }

    fn finish(&mut self, which: &Index) {
        if !self.open.is_empty() {
            self.end(which.index(self.open.len()));
        }
    }

    fn end(&mut self, at: usize) {
        let (mut message, run) = self.open.swap_remove(at);
        message.parts.push(Part::Finish(Finish::stop()));
        let event = Event::Message(Change::updated(message));
        self.publish(event, run, Pace::Now);
    }

    fn delete(&mut self, which: &Index) {
        if self.open.is_empty() {
            return;
        }
        let (message, run) = self.open.swap_remove(which.index(self.open.len()));
        self.publish(Event::Message(Change::deleted(message)), run, Pace::Now);
    }

    fn other(&mut self, of_run: bool, bytes: usize) {
        self.made += 1;
        let run = of_run.then(|| RUN.parse().unwrap());
        let id: MessageId = format!("other{}", self.made).parse().unwrap();
        // Nothing that counts as a state of something.
        let event = match bytes {
            0 => Event::SkillsEvent(Change::updated(SkillsEvent::default())),
            bytes => {
                let mut big = message(id.as_str(), &"x".repeat(bytes));
                big.parts.push(Part::Finish(Finish::stop()));
                Event::Message(Change::created(big))
            }
        };
        self.publish(event, run, Pace::Now);
    }

    fn publish(&mut self, event: Event, run: Option<RunId>, pace: Pace) {
        let of_run = run.is_some();
        let seq = self.press.publish(event.clone(), run, pace);
        self.head = seq;
        let got = crate::api::Got {
            id: None,
            envelope: event.clone().into(),
        };
        self.all.hear(&got);
        if of_run {
            self.of_run.hear(&got);
        }
        if must_arrive(&event) {
            self.every.push(Arrives { seq, event, of_run });
        }
    }
}

/// Whether each such event must arrive, and not only the last one of its thing.
pub(crate) fn must_arrive(event: &Event) -> bool {
    !matches!(event, Event::Message(change) if change.kind == runwright_proto::ChangeKind::Updated)
        && !matches!(event, Event::MessageDelta(_) | Event::Gap(_))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other kinds are not in these stories"
)]
fn grow(part: &mut Part, more: &str) {
    match part {
        Part::Text(part) => part.text.push_str(more),
        Part::Reasoning(part) => part.thinking.push_str(more),
        Part::ToolCall(part) => part.input = format!("{}{more}", part.input).into(),
        other => unreachable!("{other:?}"),
    }
}

fn new_part(kind: Kind) -> Part {
    match kind {
        Kind::Text => Part::text(""),
        Kind::Reasoning => Part::Reasoning(Reasoning::default()),
        Kind::ToolCall => Part::ToolCall(ToolCall {
            name: "bash".into(),
            ..ToolCall::default()
        }),
    }
}
