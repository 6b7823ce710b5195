//! Which commands the model test draws, and how often.

use std::{fmt::Debug, ops::Range, time::Duration};

use proptest::{
    option,
    prelude::{BoxedStrategy, Just, Strategy, prop_oneof},
    sample::select,
    strategy::Union,
};
use proptest_state_machine::ReferenceStateMachine;
use runwright_backend::{LifecycleOptions, OnLastDetach, Profile};

use super::reference::{CLIENTS, Model, PATHS, Phase, SESSIONS, Stage, Transition};

const SECOND: Duration = Duration::from_secs(1);
const RETIRED_EXPIRY: Duration = Duration::from_secs(100);

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Self> {
        options().prop_map(Self::new).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Transition> {
        let mut commands = Commands(Vec::new());
        commands.for_anybody();
        commands.for_clients(model);
        commands.for_retired(model);
        commands.for_tickets(model);
        commands.for_workspaces(model);
        Union::new_weighted(commands.0).boxed()
    }

    fn apply(mut model: Self, transition: &Transition) -> Self {
        model.step(transition);
        model
    }

    fn preconditions(model: &Self, transition: &Transition) -> bool {
        model.allows(transition)
    }
}

/// The commands that a step may be, with their weights.
struct Commands(Vec<(u32, BoxedStrategy<Transition>)>);

impl Commands {
    fn push(&mut self, weight: u32, command: impl Strategy<Value = Transition> + 'static) {
        self.0.push((weight, command.boxed()));
    }

    /// Adds a command with a target, if there is one.
    fn push_for<T: Clone + Debug + 'static>(
        &mut self,
        weight: u32,
        targets: impl IntoIterator<Item = T>,
        command: fn(T) -> Transition,
    ) {
        let targets: Vec<T> = targets.into_iter().collect();
        if !targets.is_empty() {
            self.push(weight, select(targets).prop_map(command));
        }
    }

    /// Whatever the state: these also check what is refused or changes nothing.
    fn for_anybody(&mut self) {
        let session = option::weighted(0.8, 0..SESSIONS);
        self.push(
            20,
            (client_and_path(), profile()).prop_map(|((c, p), f)| Transition::Create(c, p, f)),
        );
        self.push(
            4,
            (0..PATHS, profile()).prop_map(|(p, f)| Transition::OpenKnown(p, f)),
        );
        self.push(
            8,
            client_and_path().prop_map(|(c, p)| Transition::Attach(c, p)),
        );
        self.push(
            2,
            client_and_path().prop_map(|(c, p)| Transition::Release(c, p)),
        );
        self.push(
            4,
            (client_and_path(), session).prop_map(|((c, p), s)| Transition::Select(c, p, s)),
        );
        self.push(2, (0..CLIENTS).prop_map(Transition::Retire));
        self.push(3, (0..PATHS).prop_map(|p| Transition::RunsEnd(p, false)));
        self.push(3, (0..PATHS).prop_map(Transition::Closed));
        self.push(3, Just(Transition::Started));
        self.push(2, Just(Transition::ExitIfIdle));
        self.push(1, Just(Transition::BeginShutdown));
    }

    fn for_clients(&mut self, model: &Model) {
        let claims: Vec<_> = model.claims.keys().copied().collect();
        self.push_for(8, claims.clone(), |(p, c)| Transition::Attach(c, p));
        self.push_for(8, claims.clone(), |(p, c)| {
            Transition::Create(c, p, Profile::default())
        });
        self.push_for(8, claims.clone(), |(p, c)| Transition::Release(c, p));
        self.push_for(4, claims, |(p, c)| Transition::Select(c, p, Some(0)));
        let streams = model.streams.iter().enumerate().filter(|(_, s)| !s.ended);
        self.push_for(20, streams.clone().map(|(n, _)| n), Transition::Detach);
    }

    /// Retirement of a client that has something to lose, and its return: its old streams may end only then.
    fn for_retired(&mut self, model: &Model) {
        let streams = model.streams.iter().filter(|stream| !stream.ended);
        let (current, stale): (Vec<_>, Vec<_>) = streams.partition(|stream| stream.counts);
        let waiting = model
            .creates
            .iter()
            .filter(|create| create.stage == Stage::Waiting);
        let at_stake = current.iter().map(|stream| stream.client);
        let at_stake = at_stake.chain(waiting.filter_map(|create| create.client));
        self.push_for(8, at_stake, Transition::Retire);
        if (0..CLIENTS).any(|client| model.is_retired(client)) {
            // The edges of the only period that depends on the clock.
            let periods = [
                RETIRED_EXPIRY,
                RETIRED_EXPIRY - SECOND,
                RETIRED_EXPIRY,
                SECOND,
            ];
            self.push_for(16, periods, Transition::Advance);
        }
        let back = stale.iter().map(|stream| (stream.client, stream.path));
        self.push_for(24, back, |(c, p)| Transition::Attach(c, p));
    }

    fn for_tickets(&mut self, model: &Model) {
        let creates = |stage| {
            let all = model.creates.iter().enumerate();
            let ours = all.filter(move |(_, create)| create.stage == stage);
            ours.map(|(position, _)| position).collect::<Vec<_>>()
        };
        let timers = 0..model.timers.len();
        self.push_for(20, creates(Stage::Opening), Transition::Opened);
        self.push_for(4, creates(Stage::Opening), Transition::OpenFailed);
        self.push_for(16, creates(Stage::Waiting), Transition::Retry);
        self.push_for(4, creates(Stage::Waiting), Transition::GiveUp);
        self.push_for(
            12,
            timers.clone().filter(|timer| model.timers[*timer].alive),
            Transition::Fire,
        );
        self.push_for(12, timers, Transition::Fire);
    }

    fn for_workspaces(&mut self, model: &Model) {
        let open = (0..PATHS).filter(|path| model.handle(*path).is_some());
        let busy = (0..PATHS).filter(|path| model.is_busy(*path));
        let closing = (0..PATHS).filter(|path| model.phases[*path] == Phase::Closing);
        self.push_for(6, open, Transition::RunsStart);
        self.push_for(8, busy.clone(), |path| Transition::RunsEnd(path, false));
        self.push_for(3, busy, |path| Transition::RunsEnd(path, true));
        self.push_for(16, closing, Transition::Closed);
    }
}

fn client_and_path() -> (Range<usize>, Range<usize>) {
    (0..CLIENTS, 0..PATHS)
}

fn profile() -> impl Strategy<Value = Profile> {
    let channels = prop_oneof![6 => Just(Vec::new()), 1 => Just(vec!["news".to_owned()])];
    let policy = prop_oneof![
        3 => Just(OnLastDetach::Finish),
        2 => Just(OnLastDetach::Cancel),
        1 => Just(OnLastDetach::Keep),
    ];
    (channels, policy).prop_map(|(channels, on_last_detach)| Profile {
        channels,
        on_last_detach,
    })
}

fn options() -> impl Strategy<Value = LifecycleOptions> {
    let zero_or = |secs| select(vec![Duration::ZERO, Duration::from_secs(secs)]);
    (zero_or(10), zero_or(20), option::weighted(0.8, zero_or(60))).prop_map(
        |(detach_grace, linger, idle_exit)| LifecycleOptions {
            create_grace: Duration::from_secs(30),
            detach_grace,
            linger,
            retired_expiry: RETIRED_EXPIRY,
            idle_exit,
        },
    )
}
