//! Clients that read: the whole story or a run, with a cursor or as the contract has it, cut off now and then by
//! themselves and always by the death of the server.
//!
//! They must never know what ought to be in the story.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::workspace::Room;
use crate::history::{Connection, Kind, Reader, Seen};
use crate::random::Random;
use crate::wire::{Silence, Stream};
use crate::world::World;

/// The title of the session that is made last of all: whoever has read of it has read everything.
pub(crate) const THE_END: &str = "the end of everything";

/// How long a reader waits for the end, once nobody asks for anything any more.
pub(super) const END_IN: Duration = Duration::from_secs(45);

/// How long a reader that was refused or cut waits before it tries again.
const BREATH: Duration = Duration::from_millis(5);

type Reading = Pin<Box<dyn Future<Output = Vec<Reader>> + Send>>;

/// All readers of a workspace.
pub(super) fn all(
    room: &Arc<Room>,
    has_deltas: bool,
    fork: &mut impl FnMut(u64) -> Random,
) -> Vec<Reading> {
    let mut all = vec![
        story(room, "the watcher", Kind::Whole, None),
        story(room, "the reader that is cut", Kind::Whole, Some(fork(3))),
        story(room, "the client of the contract", Kind::Contract, None),
        Box::pin(follow_runs(room.clone(), fork(4))),
    ];
    if has_deltas {
        all.push(story(
            room,
            "the reader of deltas",
            Kind::Deltas,
            Some(fork(5)),
        ));
        all.push(story(
            room,
            "the patient reader of deltas",
            Kind::Deltas,
            None,
        ));
    }
    all
}

/// Whether the server can send pieces of messages.
pub(super) async fn deltas_exist(world: &World) -> bool {
    let nobody = Uuid::nil();
    let path = format!("/v1/workspaces/{nobody}/events?client_id={nobody}&deltas=1");
    let refused = world.wire.stream(&path).await;
    !matches!(refused, Ok(Err(answer)) if answer.code() == "not_implemented")
}

fn story(room: &Arc<Room>, name: &str, kind: Kind, cuts: Option<Random>) -> Reading {
    let follower = Follower::new(room.clone(), name, kind, cuts);
    Box::pin(async move { vec![follower.read().await] })
}

/// Follows one run after the other.
async fn follow_runs(room: Arc<Room>, mut random: Random) -> Vec<Reader> {
    let mut readers = Vec::new();
    while room.world.phase().is_loading {
        room.world.up().await;
        let recent = room.recent_runs();
        let Some(receipt) = recent.last() else {
            sleep(BREATH).await;
            continue;
        };
        let run = receipt.run_id.clone();
        let name = format!("the follower of {run}");
        let cuts = random.percent(50).then(|| random.fork(6));
        let follower = Follower::new(room.clone(), &name, Kind::Run(run), cuts);
        readers.push(follower.read().await);
        sleep(Duration::from_millis(random.between(0, 50))).await;
    }
    readers
}

/// A reader on its way.
struct Follower {
    room: Arc<Room>,
    reader: Reader,
    client: Uuid,
    cursor: String,
    /// When it cuts itself off; never without.
    cuts: Option<Random>,
    /// Until when it waits for the end, once it knows that there is one.
    deadline: Option<Instant>,
}

impl Follower {
    fn new(room: Arc<Room>, name: &str, kind: Kind, cuts: Option<Random>) -> Self {
        let name = format!("{} of {}", name, room.name());
        Self {
            room,
            reader: Reader {
                name,
                kind,
                seen: Vec::new(),
                connections: Vec::new(),
                is_complete: false,
            },
            client: Uuid::new_v4(),
            cursor: "0".to_owned(),
            cuts,
            deadline: None,
        }
    }

    async fn read(mut self) -> Reader {
        if self.reader.kind == Kind::Contract {
            let answer = self.room.register(self.client);
            self.room
                .world
                .expect("registering a reader", answer, &[])
                .await;
        }
        while !self.reader.is_complete && !self.is_too_late() {
            let life = self.room.world.up().await;
            let was_faulty = self.room.world.phase().is_faulty;
            match self.room.world.wire.stream(&self.path()).await {
                Ok(Ok(stream)) => self.connection(stream, life).await,
                Ok(Err(answer)) if answer.status == 404 => {
                    let note = format!("{}: {}", self.reader.name, answer.body);
                    self.room.world.note(note);
                    if matches!(self.reader.kind, Kind::Run(_)) {
                        break;
                    }
                    self.room.come_back().await;
                }
                Ok(Err(answer)) => {
                    let world = &self.room.world;
                    world.judge(&self.reader.name, &answer, &[], was_faulty);
                    sleep(BREATH).await;
                }
                Err(Silence::Unreached) => sleep(BREATH).await,
                Err(Silence::Cut) => {
                    // The server may have taken it for a stream that began, and what it sent then is lost.
                    self.connected();
                    sleep(BREATH).await;
                }
                Err(Silence::Hung) => self
                    .room
                    .world
                    .note(format!("{}: no answer", self.reader.name)),
            }
        }
        self.reader
    }

    /// Reads what comes over one connection, which was made in this life of the server or, if that has just ended, in
    /// the next.
    async fn connection(&mut self, mut stream: Stream, life: usize) {
        self.connected();
        let mut left = self.cuts.as_mut().map(|cuts| cuts.between(1, 80));
        while left != Some(0) {
            let frame = match timeout(Duration::from_millis(250), stream.next()).await {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(_) if self.is_too_late() => return,
                Err(_) => continue,
            };
            if let Some(id) = frame.id {
                self.cursor = id;
            }
            let seen = Seen::of(&frame.data, self.room.world.now(), life);
            let is_last = is_last(&self.reader.kind, &seen);
            self.reader.seen.push(seen);
            if is_last {
                self.reader.is_complete = true;
                return;
            }
            left = left.map(|left| left - 1);
        }
    }

    fn connected(&mut self) {
        self.reader.connections.push(Connection {
            from: self.reader.seen.len(),
            at_latest: self.room.world.phase().life,
        });
    }

    fn path(&self) -> String {
        let (base, client, cursor) = (&self.room.base, self.client, &self.cursor);
        match &self.reader.kind {
            Kind::Whole => format!("{base}/events?client_id={client}&after={cursor}"),
            Kind::Deltas => format!("{base}/events?client_id={client}&after={cursor}&deltas=1"),
            Kind::Contract => format!("{base}/events?client_id={client}"),
            Kind::Run(run) => format!("{base}/runs/{run}/events?after={cursor}"),
        }
    }

    fn is_too_late(&mut self) -> bool {
        if self.room.world.phase().is_loading {
            return false;
        }
        let now = Instant::now();
        now > *self.deadline.get_or_insert_with(|| now + END_IN)
    }
}

/// Whether nothing can come after this.
fn is_last(kind: &Kind, seen: &Seen) -> bool {
    match kind {
        Kind::Run(run) => seen.ended_run() == Some(run),
        Kind::Whole | Kind::Deltas | Kind::Contract => is_the_end(seen),
    }
}

pub(crate) fn is_the_end(seen: &Seen) -> bool {
    seen.kind == "session" && seen.change == "created" && seen.payload["title"] == THE_END
}
