//! The registry under test with the little that a shell has to remember, and what both sides show of themselves.

use std::time::Duration;

use runwright_backend::{
    AttachTicket, ClientView, CreateDecision, Decided, Effect, LifecycleOptions, Lookup,
    OpenTicket, Registry, TimerKey, WaitTicket,
};
use runwright_proto::{ClientId, WorkspaceId};

use super::{
    history::History,
    reference::{
        Answer, Asked, CLIENTS, Handle, Model, PATHS, Phase, SESSIONS, TimerName, Transition,
    },
};
use crate::ids::{client, session, workspace};

pub(super) struct System {
    registry: Registry<Handle>,
    now: Duration,
    /// Parallel to the tables of the model; a ticket is taken out when it is given back.
    creates: Vec<Option<Ticket>>,
    streams: Vec<Option<AttachTicket>>,
    timers: Vec<TimerKey>,
    history: History,
}

enum Ticket {
    Open(OpenTicket),
    Wait(WaitTicket),
}

/// Everything that can be asked of a registry without changing it.
#[derive(Debug, PartialEq)]
pub(super) struct View {
    workspaces: Vec<WorkspaceView>,
    list: Vec<(WorkspaceId, Handle)>,
    pending: usize,
    is_idle: bool,
    is_closing: bool,
}

#[derive(Debug, PartialEq)]
struct WorkspaceView {
    lookup: Lookup<Handle>,
    clients: Option<Vec<ClientView>>,
    attached: Vec<Option<usize>>,
}

impl System {
    pub(super) fn new(options: LifecycleOptions) -> Self {
        Self {
            history: History::new(options.clone()),
            registry: Registry::new(options),
            now: Duration::ZERO,
            creates: Vec::new(),
            streams: Vec::new(),
            timers: Vec::new(),
        }
    }

    /// Performs one transition and records it.
    pub(super) fn step(&mut self, model: &Model, transition: &Transition) -> (Answer, Vec<Asked>) {
        let (answer, effects) = self.perform(model, transition.clone());
        let asked = self.receive(effects);
        self.history
            .record(transition, &answer, &asked, &model.busy);
        self.history.check(&self.registry, &model.busy);
        (answer, asked)
    }

    fn perform(&mut self, model: &Model, transition: Transition) -> (Answer, Vec<Effect<Handle>>) {
        let busy = |handle: &Handle| model.busy.contains(handle);
        let quiet = |answer| (answer, Vec::new());
        let loud = |effects| (Answer::Nothing, effects);
        match transition {
            Transition::Create(who, path, profile) => {
                let decided = self
                    .registry
                    .create(workspace(path), client(who), profile, self.now);
                self.decided(decided)
            }
            Transition::OpenKnown(path, profile) => {
                let decided = self.registry.open_known(workspace(path), profile);
                self.decided(decided)
            }
            Transition::Retry(create) => {
                let waiter = self.wait_ticket(create);
                let decided = self.registry.retry(waiter);
                self.decided(decided)
            }
            Transition::GiveUp(create) => {
                let waiter = self.wait_ticket(create);
                loud(self.registry.give_up(waiter))
            }
            Transition::Opened(create) => {
                let ticket = self.open_ticket(create);
                let Decided { outcome, effects } = self.registry.opened(ticket, create);
                (Answer::Opened(outcome), effects)
            }
            Transition::OpenFailed(create) => {
                let ticket = self.open_ticket(create);
                loud(self.registry.open_failed(ticket))
            }
            Transition::Attach(who, path) => {
                let attached = self.registry.attach(workspace(path), client(who), self.now);
                quiet(Answer::Attached(attached.map(|(handle, ticket)| {
                    self.streams.push(Some(ticket));
                    handle
                })))
            }
            Transition::Detach(stream) => {
                let ticket = self.streams[stream].take().unwrap();
                loud(self.registry.detach(ticket, busy))
            }
            Transition::Release(who, path) => {
                loud(self.registry.release(workspace(path), client(who), busy))
            }
            Transition::Retire(who) => loud(self.registry.retire(client(who), self.now, busy)),
            Transition::Select(who, path, selected) => {
                let selected = selected.map(session);
                let (workspace, client) = (workspace(path), client(who));
                quiet(Answer::Selected(
                    self.registry
                        .set_current_session(workspace, client, selected),
                ))
            }
            Transition::Fire(timer) => loud(self.registry.fire(self.timers[timer], busy)),
            Transition::Advance(time) => {
                self.now += time;
                quiet(Answer::Nothing)
            }
            Transition::RunsStart(_) => quiet(Answer::Nothing),
            Transition::RunsEnd(path, _) => loud(self.registry.runs_ended(workspace(path), busy)),
            Transition::Closed(path) => loud(self.registry.closed(workspace(path))),
            Transition::Started => loud(self.registry.started()),
            Transition::ExitIfIdle => match self.registry.exit_if_idle() {
                Ok(effects) => (Answer::Exit(Ok(())), effects),
                Err(refusal) => quiet(Answer::Exit(Err(refusal))),
            },
            Transition::BeginShutdown => quiet(Answer::Shutdown(self.registry.begin_shutdown())),
        }
    }

    fn decided(
        &mut self,
        decided: Decided<Handle, CreateDecision<Handle>>,
    ) -> (Answer, Vec<Effect<Handle>>) {
        let answer = match decided.outcome {
            CreateDecision::Join(handle) => Answer::Join(handle),
            CreateDecision::Refuse(refusal) => Answer::Refuse(refusal),
            CreateDecision::Open(ticket) => {
                self.creates.push(Some(Ticket::Open(ticket)));
                Answer::Open
            }
            CreateDecision::Wait(ticket) => {
                self.creates.push(Some(Ticket::Wait(ticket)));
                Answer::Wait
            }
        };
        (answer, decided.effects)
    }

    fn open_ticket(&mut self, create: usize) -> OpenTicket {
        match self.creates[create].take() {
            Some(Ticket::Open(ticket)) => ticket,
            Some(Ticket::Wait(_)) | None => unreachable!("the model says that it opens"),
        }
    }

    fn wait_ticket(&mut self, create: usize) -> WaitTicket {
        match self.creates[create].take() {
            Some(Ticket::Wait(ticket)) => ticket,
            Some(Ticket::Open(_)) | None => unreachable!("the model says that it waits"),
        }
    }

    /// Remembers the timers and puts the effects into the words of the model.
    fn receive(&mut self, effects: Vec<Effect<Handle>>) -> Vec<Asked> {
        let mut receive = |effect| match effect {
            Effect::Arm { timer, after } => {
                self.timers.push(timer);
                Asked::Arm(name_of(timer), after)
            }
            Effect::Close(handle) => Asked::Close(handle),
            Effect::CancelRuns(handle) => Asked::CancelRuns(handle),
            Effect::Exit => Asked::Exit,
        };
        effects.into_iter().map(&mut receive).collect()
    }

    /// Ends everything that can end, and requires that nothing is left behind: whoever armed the timers was enough.
    pub(super) fn end_of_the_world(mut self) {
        let nobody_busy = |_: &Handle| false;
        let mut effects = Vec::new();
        for ticket in self.creates.drain(..).flatten() {
            effects.extend(match ticket {
                Ticket::Open(ticket) => self.registry.open_failed(ticket),
                Ticket::Wait(ticket) => self.registry.give_up(ticket),
            });
        }
        for ticket in self.streams.drain(..).flatten() {
            effects.extend(self.registry.detach(ticket, nobody_busy));
        }
        for path in 0..PATHS {
            effects.extend(self.registry.runs_ended(workspace(path), nobody_busy));
            effects.extend(self.registry.closed(workspace(path)));
        }
        self.receive(effects);
        let mut fired = 0;
        while fired < self.timers.len() {
            let mut effects = self.registry.fire(self.timers[fired], nobody_busy);
            for path in 0..PATHS {
                effects.extend(self.registry.closed(workspace(path)));
            }
            self.receive(effects);
            fired += 1;
        }
        self.history.check_end(&self.registry);
    }

    pub(super) fn view(&self) -> View {
        let workspace_view = |path| WorkspaceView {
            lookup: self.registry.get(workspace(path)),
            clients: self.registry.clients(workspace(path)),
            attached: (0..SESSIONS)
                .map(|n| self.registry.attached(workspace(path), &session(n)))
                .collect(),
        };
        View {
            workspaces: (0..PATHS).map(workspace_view).collect(),
            list: self.registry.list(),
            pending: self.registry.pending(),
            is_idle: self.registry.is_idle(),
            is_closing: self.registry.is_closing(),
        }
    }
}

impl Model {
    /// What a registry that obeys the model shows.
    pub(super) fn view(&self) -> View {
        let list = |path| Some((workspace(path), self.handle(path)?));
        View {
            workspaces: (0..PATHS).map(|path| self.workspace_view(path)).collect(),
            list: (0..PATHS).filter_map(list).collect(),
            pending: self.pending(),
            is_idle: self.is_idle(),
            is_closing: self.shutting_down,
        }
    }

    fn workspace_view(&self, path: usize) -> WorkspaceView {
        let lookup = match self.phases[path] {
            Phase::Unknown => Lookup::Unknown,
            Phase::Opening => Lookup::Opening,
            Phase::Open { handle, .. } => Lookup::Open(handle),
            Phase::Closing => Lookup::Closing,
        };
        let claim_view = |who: usize| {
            let claim = self.claims.get(&(path, who))?;
            Some(ClientView {
                client: client(who),
                streams: self.stream_count(path, who),
                current_session: claim.session.map(session),
            })
        };
        let attached = |selected| {
            let claims = self
                .claims
                .iter()
                .filter(|((claimed, _), _)| *claimed == path);
            let selecting = claims.filter(|(_, claim)| claim.session == Some(selected));
            selecting
                .filter(|((_, who), _)| self.stream_count(path, *who) > 0)
                .count()
        };
        let is_open = self.handle(path).is_some();
        WorkspaceView {
            lookup,
            clients: is_open.then(|| (0..CLIENTS).filter_map(claim_view).collect()),
            attached: (0..SESSIONS)
                .map(|n| is_open.then(|| attached(n)))
                .collect(),
        }
    }
}

fn name_of(timer: TimerKey) -> TimerName {
    let path = |id: WorkspaceId| usize::try_from(id.as_uuid().as_u128()).unwrap();
    let who = |id: ClientId| usize::try_from(id.as_uuid().as_u128()).unwrap();
    match timer {
        TimerKey::Hold {
            workspace, client, ..
        } => TimerName::Hold(path(workspace), who(client)),
        TimerKey::Linger { workspace, .. } => TimerName::Linger(path(workspace)),
        TimerKey::IdleExit { .. } => TimerName::IdleExit,
    }
}
