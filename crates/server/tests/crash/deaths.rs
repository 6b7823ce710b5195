//! The ways in which a server dies, decided by random numbers.
//!
//! It must never know what the server was doing.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use rustix::process::Signal;

use crate::random::Random;
use crate::server::Server;
use crate::shim::{Power, Shim, When};
use crate::world::World;

/// The longest that a server lives that is to die at a write which may never come.
const LONGEST: Duration = Duration::from_millis(1500);

/// What servers die of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deaths {
    /// `kill -9` at any moment.
    Kills,
    /// At one of their writes: before it, after it, or with half of it done.
    Writes,
    /// The power is cut, at any moment or at a write.
    Power,
}

impl Deaths {
    /// Its name on the command line of `cargo xtask crash`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kills => "kills",
            Self::Writes => "writes",
            Self::Power => "power",
        }
    }
}

/// How one server dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Death {
    moment: Moment,
    power: Power,
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    After(Duration),
    At(u64, When),
}

impl Death {
    /// Decides; `points` is how many writes the server before came to. The first server lives long enough to be used.
    pub(crate) fn decide(random: &mut Random, deaths: Deaths, points: u64, is_first: bool) -> Self {
        // Now and then one lives long enough for text to be stored more than once.
        let longest = if random.percent(25) { 2000 } else { 800 };
        let after = Moment::After(Duration::from_millis(random.between(50, longest)));
        let when = *random.pick(&[When::Before, When::After, When::Halfway]);
        let at = Moment::At(random.between(1, points.max(20) * 6 / 5), when);
        let at_a_write = match deaths {
            Deaths::Kills => false,
            Deaths::Writes => true,
            Deaths::Power => random.percent(50),
        };
        let power = if deaths == Deaths::Power {
            *random.pick(&[Power::LosesAll, Power::LosesSome])
        } else {
            Power::Stays
        };
        Self {
            moment: if at_a_write && !is_first { at } else { after },
            power,
            seed: random.next(),
        }
    }

    /// Sets the shim up for the server that is to die.
    pub(crate) fn prepare(self, shim: &Shim) {
        shim.reset();
        shim.lose(self.power, self.seed);
        if let Moment::At(point, when) = self.moment {
            shim.die_at(point, when);
        }
    }

    /// Whether it may come before the server listens.
    pub(crate) fn may_come_early(self) -> bool {
        matches!(self.moment, Moment::At(..))
    }

    /// Waits for the death or brings it about; returns when it was, or a little later.
    pub(crate) async fn happen(self, world: &World, server: &mut Server) -> Duration {
        let within = match self.moment {
            Moment::After(time) => time,
            Moment::At(..) => LONGEST,
        };
        let died = server.wait_for(within).await;
        let at = world.now();
        let status = match died {
            Some(status) if self.may_come_early() => status,
            Some(status) => panic!("the server ended by itself: {status}\n{}", world.site.log()),
            None => {
                let kills = self.power == Power::Stays;
                server.signal(if kills { Signal::KILL } else { Signal::USR2 });
                server.wait().await
            }
        };
        let is_killed = status.signal() == Some(Signal::KILL.as_raw());
        assert!(
            is_killed,
            "the server ended by itself: {status}\n{}",
            world.site.log()
        );
        at
    }
}
