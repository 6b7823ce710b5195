//! What the writer does when nobody waits for it, and what it must not put off for ever when somebody always does.

use std::sync::Arc;
use std::time::Duration;

use super::{Participant, Task, Writer};
use crate::engine::idle::IdleBudget;

impl<P: Participant> Writer<P> {
    /// How long nothing must wait until there is something to do; nothing if there is none.
    pub(super) fn until_idle_work(&self) -> Option<Duration> {
        let pause = self.shared.options.idle_after;
        let task = self.tasks.iter().filter_map(Task::due_in).min();
        let task = task.map(|due| due.max(pause));
        [task, self.until_log_moves()].into_iter().flatten().min()
    }

    fn until_log_moves(&self) -> Option<Duration> {
        let options = &self.shared.options;
        let checkpoint = &self.open.as_ref()?.checkpoint;
        if checkpoint.is_far_behind() {
            return Some(options.idle_after);
        }
        checkpoint.is_behind().then_some(options.log_idle_after)
    }

    /// Lets the work that is due take a step, or moves the log if none is.
    pub(super) fn use_idle_time(&mut self) {
        let shared = Arc::clone(&self.shared);
        let wanted = || shared.queue.is_urgent();
        let mut tasks = std::mem::take(&mut self.tasks);
        let mut is_due = false;
        for task in tasks.iter_mut().filter(|task| task.is_due()) {
            is_due = true;
            if wanted() {
                break;
            }
            self.step(task, &IdleBudget::new(shared.options.idle_budget, &wanted));
        }
        self.tasks = tasks;
        if is_due {
            self.after_commit();
        } else {
            self.move_log();
        }
    }

    /// After a batch: the work that could not find an idle moment for long takes a step all the same.
    pub(super) fn catch_up(&mut self) {
        let longest = self.shared.options.idle_at_least_every;
        let mut tasks = std::mem::take(&mut self.tasks);
        self.shared.idle.take_into(&mut tasks);
        for task in &mut tasks {
            task.touch();
            if task.is_overdue(longest) {
                self.step(
                    task,
                    &IdleBudget::new(self.shared.options.idle_budget, &|| false),
                );
            }
        }
        self.tasks = tasks;
    }

    fn step(&mut self, task: &mut Task<P>, budget: &IdleBudget<'_>) {
        let idle = self.attempt_step(task, budget);
        task.ran(idle);
    }
}
