//! The reference model: the rules of semantics 2.1 and 2.3 in the plainest words, without a thought for speed.

use runwright_agent::{AcceptSeq, CancelReason, Phase, Refusal, Turn};
use runwright_proto::BusyPolicy;

use super::commands::{Answer, Command, MAX_QUEUED, View};

#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// In the order of turns.
    runs: Vec<Run>,
    /// The run that executes.
    running: Option<u64>,
    /// The last number given.
    pub(crate) last: u64,
    /// What the last command was answered.
    pub(crate) answer: Answer,
}

#[derive(Debug, Clone)]
struct Run {
    number: u64,
    policy: BusyPolicy,
    confirmed: bool,
    cancelled: Option<CancelReason>,
    fold: Fold,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fold {
    No,
    OnOfferTo(u64),
    TakenBy(u64),
}

impl Default for Model {
    fn default() -> Self {
        Self {
            runs: Vec::new(),
            running: None,
            last: 0,
            answer: Answer::Nothing,
        }
    }
}

impl Model {
    pub(crate) fn step(&mut self, command: &Command) {
        self.answer = match *command {
            Command::Accept(number, policy, born) => self.accept(number, policy, born),
            Command::Confirm(number) => self.confirm(number),
            Command::Ask(number) => Answer::Told(self.told(number)),
            Command::Leave(number) => self.leave(number),
            Command::CancelAll(reason) => self.cancel(reason, |_, _| true),
            Command::CancelWaiting(reason) => self.cancel(reason, |_, running| !running),
            Command::CancelOne(number, reason) => {
                self.cancel(reason, |run, _| run.number == number)
            }
            Command::Offer(into) => self.offer(into),
            Command::Take { prompt, into } => self.settle(prompt, Fold::TakenBy(into)),
            Command::GiveBack(prompt) => self.settle(prompt, Fold::No),
        };
        self.start_next();
    }

    /// Numbers only grow, and a prompt is taken by the turn that it was offered to.
    pub(crate) fn allows(&self, command: &Command) -> bool {
        match *command {
            Command::Accept(number, ..) => number > self.last,
            Command::Take { prompt, into } => self.on_offer().contains(&(prompt, into)),
            _ => true,
        }
    }

    fn accept(&mut self, number: u64, policy: BusyPolicy, born: Option<CancelReason>) -> Answer {
        let before = self.runs.iter().filter(|run| self.counts(run)).count();
        if before > 0 {
            if policy == BusyPolicy::Reject {
                return Answer::Refused(Refusal::Busy { runs: before });
            }
            if before > MAX_QUEUED {
                return Answer::Refused(Refusal::QueueFull { position: before });
            }
        }
        self.last = number;
        let run = Run {
            number,
            policy: if before == 0 {
                BusyPolicy::Queue
            } else {
                policy
            },
            confirmed: false,
            cancelled: born,
            fold: Fold::No,
        };
        let place = if run.policy == BusyPolicy::Interrupt {
            self.place_of_interrupt()
        } else {
            self.runs.len()
        };
        let position = self.runs[..place]
            .iter()
            .filter(|run| self.counts(run))
            .count();
        self.runs.insert(place, run);
        Answer::Position(position)
    }

    /// Behind the first that counts, and behind those that came to interrupt it earlier.
    fn place_of_interrupt(&self) -> usize {
        let mut place = self
            .first_that_counts()
            .map_or(self.runs.len(), |first| first + 1);
        while place < self.runs.len() && self.runs[place].policy == BusyPolicy::Interrupt {
            place += 1;
        }
        place
    }

    fn confirm(&mut self, number: u64) -> Answer {
        let Some(at) = self.at(number) else {
            return Answer::Cancelled(Vec::new());
        };
        self.runs[at].confirmed = true;
        if self.runs[at].policy != BusyPolicy::Interrupt || self.runs[at].cancelled.is_some() {
            return Answer::Cancelled(Vec::new());
        }
        let first = self.first_that_counts();
        let mut superseded = Vec::new();
        for i in 0..at {
            let run = &mut self.runs[i];
            let in_the_way = Some(i) == first || run.policy == BusyPolicy::Interrupt;
            if in_the_way && run.cancelled.is_none() {
                run.cancelled = Some(CancelReason::Superseded);
                superseded.push(run.number);
            }
        }
        Answer::Cancelled(superseded)
    }

    fn leave(&mut self, number: u64) -> Answer {
        let Some(at) = self.at(number) else {
            return Answer::Left(None);
        };
        self.runs.remove(at);
        if self.running == Some(number) {
            self.running = None;
        }
        Answer::Left(Some(number))
    }

    fn cancel(&mut self, reason: CancelReason, covers: impl Fn(&Run, bool) -> bool) -> Answer {
        let mut cancelled = Vec::new();
        for run in &mut self.runs {
            let running = self.running == Some(run.number);
            let over = matches!(run.fold, Fold::TakenBy(_));
            if !over && run.cancelled.is_none() && covers(run, running) {
                run.cancelled = Some(reason);
                cancelled.push(run.number);
            }
        }
        Answer::Cancelled(cancelled)
    }

    fn offer(&mut self, into: u64) -> Answer {
        let going = |run: &Run| run.number == into && run.cancelled.is_none();
        let mut offered = Vec::new();
        if self.running == Some(into) && self.runs.iter().any(going) {
            for run in &mut self.runs {
                let waits = run.confirmed && run.fold == Fold::No && run.number != into;
                if waits && run.policy == BusyPolicy::Steer && run.cancelled.is_none() {
                    run.fold = Fold::OnOfferTo(into);
                    offered.push(run.number);
                }
            }
        }
        Answer::Offered(offered)
    }

    fn settle(&mut self, prompt: u64, fold: Fold) -> Answer {
        if let Some(at) = self.at(prompt)
            && matches!(self.runs[at].fold, Fold::OnOfferTo(_))
        {
            self.runs[at].fold = fold;
        }
        Answer::Nothing
    }

    fn start_next(&mut self) {
        if self.running.is_none()
            && let Some(first) = self.first_that_counts()
            && self.runs[first].confirmed
            && self.runs[first].fold == Fold::No
        {
            self.running = Some(self.runs[first].number);
        }
    }

    /// Whether the run executes or still may.
    fn counts(&self, run: &Run) -> bool {
        match run.fold {
            Fold::TakenBy(_) => false,
            Fold::OnOfferTo(_) => true,
            Fold::No => run.cancelled.is_none() || self.running == Some(run.number),
        }
    }

    fn first_that_counts(&self) -> Option<usize> {
        self.runs.iter().position(|run| self.counts(run))
    }

    fn at(&self, number: u64) -> Option<usize> {
        self.runs.iter().position(|run| run.number == number)
    }

    /// What a run is told that asks for its turn.
    pub(crate) fn told(&self, number: u64) -> Turn {
        let Some(at) = self.at(number) else {
            return Turn::Wait;
        };
        let run = &self.runs[at];
        match (run.fold, run.cancelled) {
            _ if self.running == Some(number) => Turn::Active,
            (Fold::TakenBy(into), _) => Turn::Folded(AcceptSeq::from(into)),
            (Fold::No, Some(reason)) => Turn::Cancelled(reason),
            (Fold::No, None) | (Fold::OnOfferTo(_), _) => Turn::Wait,
        }
    }

    /// Why a run is cancelled, if it is.
    pub(crate) fn cancelled(&self, number: u64) -> Option<CancelReason> {
        self.runs[self.at(number)?].cancelled
    }

    fn phase(&self, run: &Run) -> Phase {
        match run.fold {
            _ if self.running == Some(run.number) => Phase::Active,
            Fold::TakenBy(into) => Phase::Folded(AcceptSeq::from(into)),
            Fold::OnOfferTo(_) => Phase::Folding,
            Fold::No if run.confirmed => Phase::Waiting,
            Fold::No => Phase::Accepted,
        }
    }

    pub(crate) fn view(&self) -> View {
        let first = self.first_that_counts().map(|at| self.runs[at].number);
        let queued = self.runs.iter().filter(|run| {
            run.fold == Fold::No && run.cancelled.is_none() && Some(run.number) != first
        });
        let shown = |run: &Run| (run.number, self.phase(run), self.told(run.number));
        let runs: Vec<_> = self.runs.iter().map(shown).collect();
        let ready = runs.iter().filter(|(_, _, told)| *told != Turn::Wait);
        View {
            live: self.runs.iter().filter(|run| self.counts(run)).count(),
            active: self.running,
            queued: queued.map(|run| run.number).collect(),
            ready: ready.map(|(number, ..)| *number).collect(),
            runs,
        }
    }

    pub(crate) fn running(&self) -> Option<u64> {
        self.running
    }

    pub(crate) fn all(&self) -> Vec<u64> {
        self.runs.iter().map(|run| run.number).collect()
    }

    pub(crate) fn unconfirmed(&self) -> Vec<u64> {
        let unconfirmed = self.runs.iter().filter(|run| !run.confirmed);
        unconfirmed.map(|run| run.number).collect()
    }

    /// The prompts on offer, each with the run that it is offered to.
    pub(crate) fn on_offer(&self) -> Vec<(u64, u64)> {
        let offer = |run: &Run| match run.fold {
            Fold::OnOfferTo(into) => Some((run.number, into)),
            Fold::No | Fold::TakenBy(_) => None,
        };
        self.runs.iter().filter_map(offer).collect()
    }
}
