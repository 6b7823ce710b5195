//! Clients that use a server at random: they prompt, repeat, cancel and read, and go on when it comes back.
//!
//! They must never know what is checked, nor how the server dies.

mod cancels;
mod plan;
mod prompts;
mod readers;
mod workspace;

use std::sync::Arc;

use tokio::task::JoinSet;

pub(crate) use self::plan::Mix;
pub(crate) use self::prompts::{send_once, send_once_to};
pub(crate) use self::readers::{THE_END, is_the_end};
pub(crate) use self::workspace::Room;
use crate::history::{Reader, Request, Stop};
use crate::random::Random;
use crate::world::World;

/// The clients of all workspaces.
pub(crate) struct Load {
    pub(crate) rooms: Vec<Arc<Room>>,
    prompting: JoinSet<(usize, Vec<Request>)>,
    cancelling: JoinSet<(usize, Vec<Stop>)>,
    reading: JoinSet<(usize, Vec<Reader>)>,
}

/// What the clients of one workspace have to tell.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) requests: Vec<Request>,
    pub(crate) stops: Vec<Stop>,
    pub(crate) readers: Vec<Reader>,
}

impl Load {
    /// Makes the workspaces and sends the clients to work. The server has to be up.
    pub(crate) async fn begin(world: &Arc<World>, random: &mut Random, mix: Mix) -> Self {
        let has_deltas = readers::deltas_exist(world).await;
        let mut load = Self {
            rooms: Vec::new(),
            prompting: JoinSet::new(),
            cancelling: JoinSet::new(),
            reading: JoinSet::new(),
        };
        for at in 0..mix.workspaces {
            let room = Room::open(world, &format!("room-{at}"), mix).await;
            let mut fork = |name| random.fork(name);
            for poster in 0..mix.posters {
                let prompting = prompts::prompt(room.clone(), poster, fork(1));
                load.prompting.spawn(async move { (at, prompting.await) });
            }
            let cancelling = cancels::cancel(room.clone(), fork(2));
            load.cancelling.spawn(async move { (at, cancelling.await) });
            for reading in readers::all(&room, has_deltas, &mut fork) {
                load.reading.spawn(async move { (at, reading.await) });
            }
            load.rooms.push(room);
        }
        load
    }

    /// Waits for the clients that ask for things; they stop when the load is over.
    pub(crate) async fn asked(&mut self) -> Vec<Told> {
        let mut told: Vec<Told> = self.rooms.iter().map(|_| Told::default()).collect();
        while let Some(requests) = self.prompting.join_next().await {
            let (at, requests) = requests.unwrap();
            told[at].requests.extend(requests);
        }
        while let Some(cancelled) = self.cancelling.join_next().await {
            let (at, stops) = cancelled.unwrap();
            told[at].stops.extend(stops);
        }
        told
    }

    /// Waits for the readers; they stop at the event that ends everything, or when there was time enough for it.
    pub(crate) async fn read(mut self, told: &mut [Told]) {
        while let Some(readers) = self.reading.join_next().await {
            let (at, readers) = readers.unwrap();
            told[at].readers.extend(readers);
        }
    }
}
