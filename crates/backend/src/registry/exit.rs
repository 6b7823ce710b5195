//! Owns when the server may exit and the latch that refuses every create from then on.
//!
//! It must never know how a process ends.

use std::{mem, time::Duration};

use runwright_proto::WorkspaceId;

use super::{Effect, Entry, Generation, NotIdle, Registry, TimerKey};

impl<W: Clone> Registry<W> {
    /// Starts the idle exit of a server that nobody has used yet. Without this call such a server lives until it is
    /// told to stop, as the contract's does (contract 4.5).
    ///
    /// The first window is never shorter than the create grace: whoever started the server needs a moment to come.
    #[must_use]
    pub fn started(&mut self) -> Vec<Effect<W>> {
        match self.options.idle_exit {
            Some(window) if self.is_idle() && !self.closing => {
                self.arm_idle_exit(window.max(self.options.create_grace))
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// Notes that the teardown of a workspace has finished. Creates that wait for it may retry; a server that is idle
    /// now starts its idle exit.
    #[must_use]
    pub fn closed(&mut self, workspace: WorkspaceId) -> Vec<Effect<W>> {
        if !matches!(self.entries.get(&workspace), Some(Entry::Closing)) {
            return Vec::new();
        }
        self.entries.remove(&workspace);
        self.settle_idle()
    }

    /// Exits now, if the server is idle.
    ///
    /// # Errors
    ///
    /// [`NotIdle`] while a workspace lives or a create is pending. A refusal changes nothing (contract 4.6, I7).
    pub fn exit_if_idle(&mut self) -> Result<Vec<Effect<W>>, NotIdle> {
        if self.is_idle() {
            Ok(self.exit())
        } else {
            Err(NotIdle)
        }
    }

    /// Begins the end of the server, whatever lives: refuses every create from now on and returns the workspaces to
    /// tear down. The shell calls [`closed`](Self::closed) for each and leaves by itself; there is no
    /// [`Effect::Exit`] for this.
    #[must_use]
    pub fn begin_shutdown(&mut self) -> Vec<W> {
        self.closing = true;
        self.entries.values_mut().filter_map(Entry::close).collect()
    }

    /// Handles the idle-exit timer.
    pub(super) fn idle_exit_over(&mut self, generation: Generation) -> Vec<Effect<W>> {
        match self.idle_exit.take_if(|armed| *armed == generation) {
            Some(_) if self.is_idle() => self.exit(),
            Some(_) | None => Vec::new(),
        }
    }

    /// Starts the idle exit if the server has just become idle.
    pub(super) fn settle_idle(&mut self) -> Vec<Effect<W>> {
        match self.options.idle_exit {
            Some(_) if !self.is_idle() || self.closing => Vec::new(),
            Some(window) if window.is_zero() => self.exit(),
            Some(window) => self.arm_idle_exit(window),
            None => Vec::new(),
        }
    }

    fn arm_idle_exit(&mut self, after: Duration) -> Vec<Effect<W>> {
        let generation = self.generations.next();
        self.idle_exit = Some(generation);
        vec![Effect::Arm {
            timer: TimerKey::IdleExit { generation },
            after,
        }]
    }

    /// Latches; asks for the exit only once, and not during a shutdown.
    fn exit(&mut self) -> Vec<Effect<W>> {
        if mem::replace(&mut self.closing, true) {
            Vec::new()
        } else {
            vec![Effect::Exit]
        }
    }
}
