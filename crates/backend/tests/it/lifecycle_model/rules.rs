//! The rules of contract part 4 and semantics 4, written a second time over the flat facts of the model.

use std::{mem, time::Duration};

use runwright_backend::{
    AttachRefusal, CreateRefusal, CurrentSessionRefusal, NotIdle, OnLastDetach, Profile,
};

use super::reference::{
    Answer, Asked, Client, Create, Handle, Model, PATHS, Path, Phase, Stage, Stream, Timer,
    TimerName, Transition,
};

impl Model {
    pub(super) fn step(&mut self, transition: &Transition) {
        self.asked.clear();
        self.answer = match transition.clone() {
            Transition::Create(client, path, profile) => {
                let retired = self.is_retired(client);
                self.admit(path, Some(client), profile, retired)
            }
            Transition::OpenKnown(path, profile) => self.admit(path, None, profile, false),
            Transition::Opened(create) => self.opened(create),
            Transition::OpenFailed(create) => {
                self.creates[create].stage = Stage::Over;
                self.phases[self.creates[create].path] = Phase::Unknown;
                self.settle_idle()
            }
            Transition::Retry(create) => {
                self.creates[create].stage = Stage::Over;
                let Create {
                    path,
                    client,
                    profile,
                    retired,
                    ..
                } = self.creates[create].clone();
                let answer = self.admit(path, client, profile, retired);
                self.settle_idle();
                answer
            }
            Transition::GiveUp(create) => {
                self.creates[create].stage = Stage::Over;
                self.settle_idle()
            }
            Transition::Attach(client, path) => Answer::Attached(self.attach(client, path)),
            Transition::Detach(stream) => self.detach(stream),
            Transition::Release(client, path) => self.release(client, path),
            Transition::Retire(client) => self.retire(client),
            Transition::Select(client, path, session) => {
                Answer::Selected(self.select(client, path, session))
            }
            Transition::Fire(timer) => self.fire(timer),
            Transition::Advance(time) => {
                self.now += time;
                Answer::Nothing
            }
            Transition::RunsStart(path) => {
                self.busy.extend(self.handle(path));
                Answer::Nothing
            }
            Transition::RunsEnd(path, another) => self.runs_end(path, another),
            Transition::Closed(path) => self.closed(path),
            Transition::Started => {
                if let Some(window) = self.options.idle_exit
                    && self.is_idle()
                    && !self.shutting_down
                {
                    self.arm(TimerName::IdleExit, window.max(self.options.create_grace));
                }
                Answer::Nothing
            }
            Transition::ExitIfIdle if !self.is_idle() => Answer::Exit(Err(NotIdle)),
            Transition::ExitIfIdle => {
                self.exit();
                Answer::Exit(Ok(()))
            }
            Transition::BeginShutdown => self.begin_shutdown(),
        };
    }

    fn admit(
        &mut self,
        path: Path,
        client: Option<Client>,
        profile: Profile,
        retired: bool,
    ) -> Answer {
        if self.shutting_down {
            return Answer::Refuse(CreateRefusal::ShuttingDown);
        }
        if retired {
            return Answer::Refuse(CreateRefusal::Retired);
        }
        let stage = match (&self.phases[path], client) {
            (Phase::Open { handle, .. }, None) => return Answer::Join(*handle),
            (
                Phase::Open {
                    handle,
                    profile: first,
                },
                Some(client),
            ) => {
                if first.channels != profile.channels {
                    return Answer::Refuse(CreateRefusal::ChannelsMismatch {
                        existing: first.channels.clone(),
                        requested: profile.channels,
                    });
                }
                let handle = *handle;
                self.register(path, client);
                return Answer::Join(handle);
            }
            (Phase::Opening | Phase::Closing, _) => Stage::Waiting,
            (Phase::Unknown, _) => Stage::Opening,
        };
        self.kill(|name| name == TimerName::IdleExit);
        self.creates.push(Create {
            path,
            client,
            profile,
            stage,
            retired: false,
        });
        if stage == Stage::Waiting {
            return Answer::Wait;
        }
        self.phases[path] = Phase::Opening;
        Answer::Open
    }

    fn opened(&mut self, create: usize) -> Answer {
        self.creates[create].stage = Stage::Over;
        let Create {
            path,
            client,
            profile,
            retired,
            ..
        } = self.creates[create].clone();
        if self.shutting_down || retired {
            self.phases[path] = Phase::Closing;
            self.asked.push(Asked::Close(create));
            return Answer::Opened(Err(match self.shutting_down {
                true => CreateRefusal::ShuttingDown,
                false => CreateRefusal::Retired,
            }));
        }
        let keep = profile.on_last_detach == OnLastDetach::Keep;
        self.phases[path] = Phase::Open {
            handle: create,
            profile,
        };
        match client {
            Some(client) => self.register(path, client),
            None if keep => {}
            None => {
                let window = self.options.linger.max(self.options.create_grace);
                self.arm(TimerName::Linger(path), window);
            }
        }
        Answer::Opened(Ok(create))
    }

    fn register(&mut self, path: Path, client: Client) {
        self.kill(|name| name == TimerName::Linger(path));
        self.claims.entry((path, client)).or_default().released = false;
        if self.stream_count(path, client) == 0 {
            self.arm(TimerName::Hold(path, client), self.options.create_grace);
        }
    }

    fn attach(&mut self, client: Client, path: Path) -> Result<Handle, AttachRefusal> {
        if self.is_retired(client) {
            return Err(AttachRefusal::Retired);
        }
        let handle = match self.phases[path] {
            Phase::Open { handle, .. } => handle,
            Phase::Closing => return Err(AttachRefusal::Closing),
            Phase::Opening | Phase::Unknown => return Err(AttachRefusal::NotFound),
        };
        let consumed = [TimerName::Linger(path), TimerName::Hold(path, client)];
        self.kill(|name| consumed.contains(&name));
        self.claims.entry((path, client)).or_default();
        self.streams.push(Stream {
            path,
            client,
            counts: true,
            ended: false,
        });
        Ok(handle)
    }

    fn detach(&mut self, stream: usize) -> Answer {
        self.streams[stream].ended = true;
        let counted = mem::take(&mut self.streams[stream].counts);
        let Stream { path, client, .. } = self.streams[stream];
        if !counted || self.stream_count(path, client) > 0 {
            return Answer::Nothing;
        }
        if self.claims[&(path, client)].released || self.options.detach_grace.is_zero() {
            return self.drop_claim(path, client);
        }
        self.arm(TimerName::Hold(path, client), self.options.detach_grace);
        Answer::Nothing
    }

    fn release(&mut self, client: Client, path: Path) -> Answer {
        let streams = self.stream_count(path, client);
        match self.claims.get_mut(&(path, client)) {
            Some(claim) if streams > 0 => {
                claim.released = true;
                Answer::Nothing
            }
            Some(_) => self.drop_claim(path, client),
            None => Answer::Nothing,
        }
    }

    fn retire(&mut self, client: Client) -> Answer {
        self.retired_until[client] = Some(self.now + self.options.retired_expiry);
        for create in self
            .creates
            .iter_mut()
            .filter(|create| create.client == Some(client))
        {
            create.retired = true;
        }
        for path in 0..PATHS {
            if self.claims.contains_key(&(path, client)) {
                self.drop_claim(path, client);
            }
        }
        Answer::Nothing
    }

    fn select(
        &mut self,
        client: Client,
        path: Path,
        session: Option<usize>,
    ) -> Result<(), CurrentSessionRefusal> {
        self.handle(path).ok_or(CurrentSessionRefusal::NotFound)?;
        if self.stream_count(path, client) == 0 {
            return Err(CurrentSessionRefusal::NotAttached);
        }
        self.claims.entry((path, client)).or_default().session = session;
        Ok(())
    }

    fn fire(&mut self, timer: usize) -> Answer {
        if !mem::take(&mut self.timers[timer].alive) {
            return Answer::Nothing;
        }
        match self.timers[timer].name {
            TimerName::Hold(path, client) => self.drop_claim(path, client),
            TimerName::Linger(path) if self.is_busy(path) => Answer::Nothing,
            TimerName::Linger(path) => self.close(path),
            TimerName::IdleExit => {
                self.exit();
                Answer::Nothing
            }
        }
    }

    fn runs_end(&mut self, path: Path, another: bool) -> Answer {
        let Some(handle) = self.handle(path) else {
            return Answer::Nothing;
        };
        if !another {
            self.busy.remove(&handle);
        }
        match self.is_busy(path) {
            true => Answer::Nothing,
            false => self.nobody_left(path),
        }
    }

    fn closed(&mut self, path: Path) -> Answer {
        if self.phases[path] == Phase::Closing {
            self.phases[path] = Phase::Unknown;
            self.settle_idle();
        }
        Answer::Nothing
    }

    fn begin_shutdown(&mut self) -> Answer {
        self.shutting_down = true;
        self.kill(|name| name == TimerName::IdleExit);
        let open: Vec<Handle> = (0..PATHS).filter_map(|path| self.handle(path)).collect();
        for path in 0..PATHS {
            if self.handle(path).is_some() {
                self.close(path);
            }
        }
        self.asked.clear();
        Answer::Shutdown(open)
    }

    fn drop_claim(&mut self, path: Path, client: Client) -> Answer {
        self.forget(path, |whose| whose == client);
        self.nobody_left(path)
    }

    /// The heart of the lifecycle: what a workspace does when a claim or its last run is gone.
    fn nobody_left(&mut self, path: Path) -> Answer {
        let Phase::Open {
            handle,
            ref profile,
        } = self.phases[path]
        else {
            return Answer::Nothing;
        };
        let claimed = self.claims.keys().any(|(claimed, _)| *claimed == path);
        match profile.on_last_detach {
            _ if claimed => {}
            OnLastDetach::Keep => {}
            OnLastDetach::Cancel if self.is_busy(path) => {
                self.asked.push(Asked::CancelRuns(handle));
            }
            OnLastDetach::Finish if self.is_busy(path) => {}
            _ if self.options.linger.is_zero() => {
                self.close(path);
            }
            _ => self.arm(TimerName::Linger(path), self.options.linger),
        }
        Answer::Nothing
    }

    fn close(&mut self, path: Path) -> Answer {
        self.asked.extend(self.handle(path).map(Asked::Close));
        self.phases[path] = Phase::Closing;
        self.forget(path, |_| true);
        self.kill(|name| name == TimerName::Linger(path));
        Answer::Nothing
    }

    /// Removes claims of a path with all that hangs on them.
    fn forget(&mut self, path: Path, whose: impl Fn(Client) -> bool) {
        self.claims
            .retain(|(claimed, client), _| *claimed != path || !whose(*client));
        for stream in self
            .streams
            .iter_mut()
            .filter(|s| s.path == path && whose(s.client))
        {
            stream.counts = false;
        }
        self.kill(|name| matches!(name, TimerName::Hold(held, by) if held == path && whose(by)));
    }

    fn exit(&mut self) {
        self.kill(|name| name == TimerName::IdleExit);
        if !mem::replace(&mut self.shutting_down, true) {
            self.asked.push(Asked::Exit);
        }
    }

    fn settle_idle(&mut self) -> Answer {
        match self.options.idle_exit {
            Some(window) if self.is_idle() && !self.shutting_down => match window.is_zero() {
                true => self.exit(),
                false => self.arm(TimerName::IdleExit, window),
            },
            _ => {}
        }
        Answer::Nothing
    }

    fn arm(&mut self, name: TimerName, after: Duration) {
        self.kill(|earlier| earlier == name);
        self.timers.push(Timer { name, alive: true });
        self.asked.push(Asked::Arm(name, after));
    }

    fn kill(&mut self, dies: impl Fn(TimerName) -> bool) {
        for timer in self.timers.iter_mut().filter(|timer| dies(timer.name)) {
            timer.alive = false;
        }
    }
}
