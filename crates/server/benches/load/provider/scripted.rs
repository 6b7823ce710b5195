//! Owns the provider that is asked, in this process, and what it says. It must never know who asks it, nor what that costs.

use std::time::Duration;

use runwright_runner::{
    StopReason,
    testing::{Gate, Protocol, Script, ScriptedProvider},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, timeout},
};

use crate::{Result, net::PATIENCE};

/// A timer of tokio fires with the millisecond after the one in which it is due.
const TIMER: Duration = Duration::from_millis(1);

/// A provider on a thread of its own.
pub(super) struct Scripted {
    runtime: Runtime,
    provider: ScriptedProvider,
}

/// Many answers at the same time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) answers: usize,
    /// How many tokens of each are measured.
    pub(super) tokens: usize,
    /// How many come in a second; without it they come as fast as they are read.
    pub(super) per_second: Option<u32>,
}

/// Where the answers of a load wait: with their first piece said, and with all said but the last.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    begin: Gate,
    end: Gate,
}

impl Scripted {
    pub(super) fn start() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let provider = runtime.block_on(ScriptedProvider::start());
        Ok(Self { runtime, provider })
    }

    pub(super) fn url(&self) -> String {
        self.provider.base_url(Protocol::OpenAi)
    }

    /// Scripts the next answers of a load.
    pub(super) fn script(&self, load: Load) -> Course {
        let course = Course::default();
        for number in 0..load.answers {
            self.provider.script(load.answer(number, &course));
        }
        course
    }

    /// Scripts one short answer.
    pub(super) fn script_one(&self, text: &str) {
        self.provider.script(Script::answer(text));
    }

    /// Waits until all answers of the load have begun.
    pub(super) fn has_begun(&self, course: &Course, load: Load) -> Result<()> {
        self.wait(course.begin.reached_times(load.answers))
    }

    /// Waits until all answers of the load are about to end, having let them go on.
    pub(super) fn goes_on(&self, course: &Course, load: Load) -> Result<()> {
        course.begin.release();
        self.wait(course.end.reached_times(load.answers))
    }

    /// Lets all answers of the load end.
    pub(super) fn ends(course: &Course) {
        course.end.release();
    }

    /// How many turns have asked so far.
    pub(super) fn turns(&self) -> usize {
        self.provider.turns().count()
    }

    /// When the first piece of the answer to a turn was given to the socket.
    pub(super) fn first_written(&self, turn: usize) -> Result<Instant> {
        let exchange = self.wait(self.provider.request(turn))?;
        let written = exchange.text_written().first().copied();
        written.ok_or_else(|| "an answer had no text".into())
    }

    fn wait<T>(&self, event: impl Future<Output = T>) -> Result<T> {
        let waited = self
            .runtime
            .block_on(async { timeout(PATIENCE, event).await });
        waited.map_err(|_| "the provider waits for something that does not happen".into())
    }
}

impl Load {
    /// One of the answers. They are as far from one another as their tokens are close, and stay apart: what comes at the
    /// same moment is read together, which does not happen to answers that have nothing to do with each other.
    fn answer(self, number: usize, course: &Course) -> Script {
        let mut script = Script::new().text("tok ").hold(&course.begin);
        let interval = self
            .per_second
            .map(|per_second| Duration::from_secs(1) / per_second);
        if let Some(interval) = interval {
            script = script.pause(interval * number as u32 / self.answers as u32);
        }
        for token in 0..self.tokens {
            if let Some(interval) = interval.filter(|_| token > 0) {
                script = script.pause(uneven(interval, number, token) - TIMER);
            }
            script = script.text(format!("tok{token} "));
        }
        let tokens = self.tokens as u64;
        script
            .hold(&course.end)
            .text("end")
            .tokens(10, tokens)
            .stop(StopReason::EndTurn)
    }

    /// How many bytes of text all answers have.
    pub(super) fn bytes(self) -> usize {
        let tokens = (0..self.tokens).map(|token| format!("tok{token} ").len());
        self.answers * ("tok ".len() + tokens.sum::<usize>() + "end".len())
    }

    /// How many tokens of all answers are measured.
    pub(super) fn measured(self) -> usize {
        self.answers * self.tokens
    }
}

/// An interval or up to a fifth more or less, differently for each answer: timers that once fire together would do so ever
/// after.
fn uneven(interval: Duration, answer: usize, token: usize) -> Duration {
    let mixed =
        (answer as u32).wrapping_mul(0x9E37_79B1) ^ (token as u32).wrapping_mul(0x85EB_CA6B);
    interval * (8 + (mixed >> 16) % 5) / 10
}
