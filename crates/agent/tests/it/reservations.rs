//! The stories of accepted runs that people tell each other, one test each: what a cancel reaches, who is next, what an
//! interrupt changes, what becomes of a prompt that steers. The model tests try all the others.

use runwright_agent::{AcceptedRun, CancelReason, Refusal, Reservations, Start};
use runwright_proto::{BusyPolicy, RunId, SessionId};

use crate::polling::{Woken, poll, poll_now};

type Run = AcceptedRun<&'static str>;

fn session() -> SessionId {
    "session".parse().unwrap()
}

fn run_id(name: &str) -> RunId {
    name.parse().unwrap()
}

fn run_ids(names: &[&str]) -> Vec<RunId> {
    names.iter().map(|name| run_id(name)).collect()
}

/// The reservations of a workspace, with one session in mind.
struct Workspace(Reservations<&'static str>);

impl Workspace {
    fn new() -> Self {
        Self(Reservations::new(64))
    }

    fn try_accept(&self, name: &'static str, policy: BusyPolicy) -> Result<Run, Refusal> {
        self.0.accept(&session(), run_id(name), policy, name)
    }

    fn accept(&self, name: &'static str, policy: BusyPolicy) -> Run {
        self.try_accept(name, policy).unwrap()
    }

    /// Accepts a run and confirms it, as a journal that has room does.
    fn submit(&self, name: &'static str, policy: BusyPolicy) -> Run {
        let run = self.accept(name, policy);
        run.confirm();
        run
    }

    fn queue(&self, name: &'static str) -> Run {
        self.submit(name, BusyPolicy::Queue)
    }

    /// A run that executes.
    fn active(&self, name: &'static str) -> Run {
        let run = self.queue(name);
        assert_eq!(turn(&run), Some(Start::Active));
        run
    }

    fn cancel(&self) -> Vec<RunId> {
        self.0.cancel_session(&session(), CancelReason::Requested)
    }
}

fn turn(run: &Run) -> Option<Start> {
    poll_now(run.turn())
}

fn cancelled(reason: CancelReason) -> Option<Start> {
    Some(Start::Cancelled(reason))
}

const REQUESTED: CancelReason = CancelReason::Requested;

#[test]
fn reservations_are_counted_and_released_one_by_one() {
    let workspace = Workspace::new();
    let (first, second) = (workspace.queue("first"), workspace.queue("second"));
    assert_eq!((first.position(), second.position()), (0, 1));
    assert!(first.seq() < second.seq());
    assert_eq!(workspace.0.len(), 2);
    assert_eq!(workspace.0.busy_sessions(), [(session(), 2)]);
    assert!(workspace.0.holds(&session(), &run_id("first")));
    drop(first);
    assert!(!workspace.0.holds(&session(), &run_id("first")));
    assert_eq!(workspace.0.len(), 1);
    drop(second);
    assert!(workspace.0.is_empty());
    assert!(!workspace.0.is_busy(&session()));
}

/// They were accepted in another life of the workspace.
#[test]
fn runs_that_are_taken_back_wait_in_their_order_also_where_the_queue_is_full() {
    let workspace = Workspace(Reservations::new(1));
    let back = ["first", "second", "third"]
        .map(|name| workspace.0.readmit(&session(), run_id(name), name));
    assert_eq!(back.each_ref().map(Run::position), [0, 1, 2]);
    assert_eq!(
        workspace.try_accept("new", BusyPolicy::Queue).unwrap_err(),
        Refusal::QueueFull { position: 3 }
    );
    let [first, second, third] = back;
    for run in [&third, &second, &first] {
        run.confirm();
    }
    assert_eq!([turn(&third), turn(&second)], [None, None]);
    assert_eq!(turn(&first), Some(Start::Active));
    assert_eq!(workspace.cancel(), run_ids(&["first", "second", "third"]));
    assert_eq!(turn(&second), cancelled(REQUESTED));
}

#[test]
fn a_run_that_is_taken_back_after_the_cancel_of_its_workspace_is_born_cancelled() {
    let workspace = Workspace::new();
    workspace.0.cancel_all(CancelReason::Closing);
    let run = workspace.0.readmit(&session(), run_id("run"), "run");
    assert!(run.cancel_token().is_cancelled());
    assert_eq!(turn(&run), cancelled(CancelReason::Closing));
}

#[test]
fn a_run_that_is_only_reserved_keeps_its_session_busy_and_does_not_start() {
    let workspace = Workspace::new();
    let run = workspace.accept("run", BusyPolicy::Queue);
    assert_eq!(turn(&run), None, "the journal has not confirmed it");
    assert!(workspace.0.is_busy(&session()));
    assert_eq!(workspace.0.active(), 0);
    run.confirm();
    assert_eq!(workspace.0.active(), 1);
    assert_eq!(turn(&run), Some(Start::Active));
    assert_eq!(
        turn(&run),
        Some(Start::Active),
        "asked twice, told the same"
    );
}

#[test]
fn a_confirmation_twice_is_one_confirmation() {
    let workspace = Workspace::new();
    let first = workspace.active("first");
    let interrupt = workspace.submit("interrupt", BusyPolicy::Interrupt);
    let second = workspace.queue("second");
    interrupt.confirm();
    drop(first);
    assert_eq!(turn(&interrupt), Some(Start::Active));
    interrupt.confirm();
    second.confirm();
    assert_eq!(turn(&interrupt), Some(Start::Active));
    assert!(!interrupt.cancel_token().is_cancelled());
    assert_eq!(turn(&second), None);
}

#[test]
fn runs_start_in_the_order_of_acceptance_whatever_the_order_of_the_journal() {
    let workspace = Workspace::new();
    let runs = ["a", "b", "c"].map(|name| workspace.accept(name, BusyPolicy::Queue));
    for run in runs.iter().rev() {
        run.confirm();
    }
    for (n, run) in runs.into_iter().enumerate() {
        assert_eq!(turn(&run), Some(Start::Active), "run {n}");
        assert_eq!(workspace.0.active(), 1);
    }
}

#[test]
fn of_eight_runs_at_the_same_moment_one_is_active() {
    let workspace = Workspace::new();
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut waiting: Vec<Run> = names.iter().map(|name| workspace.queue(name)).collect();
    while !waiting.is_empty() {
        let told: Vec<_> = waiting.iter().map(turn).collect();
        assert_eq!(told[0], Some(Start::Active));
        assert!(told[1..].iter().all(Option::is_none), "{told:?}");
        drop(waiting.remove(0));
    }
}

#[test]
fn a_run_that_ends_hands_over_whatever_its_end() {
    let workspace = Workspace::new();
    let first = workspace.active("first");
    let second = workspace.queue("second");
    let woken = Woken::new();
    let mut waits = Box::pin(second.turn());
    assert_eq!(poll(&mut waits, &woken), None);
    drop(first);
    assert_eq!(workspace.0.active(), 1, "handed over before anybody asks");
    assert_eq!(woken.count(), 1);
    assert_eq!(poll(&mut waits, &woken), Some(Start::Active));
}

#[test]
fn a_prompt_that_comes_to_nothing_lets_the_next_go_on() {
    let workspace = Workspace::new();
    let never = workspace.accept("never", BusyPolicy::Queue);
    let next = workspace.queue("next");
    assert_eq!(turn(&next), None);
    drop(never);
    assert_eq!(turn(&next), Some(Start::Active));
}

#[test]
fn the_queue_lists_what_was_accepted_in_order() {
    let workspace = Workspace::new();
    assert_eq!(workspace.0.queued(&session()), [""; 0]);
    let active = workspace.active("active");
    let b = workspace.accept("b", BusyPolicy::Queue);
    let a = workspace.queue("a");
    let c = workspace.submit("c", BusyPolicy::Steer);
    assert_eq!(workspace.0.queued(&session()), ["b", "a", "c"]);
    assert_eq!(workspace.0.queue_len(&session()), 3);
    workspace.0.cancel_run(&session(), &run_id("a"), REQUESTED);
    assert_eq!(
        workspace.0.queued(&session()),
        ["b", "c"],
        "a cancelled one waits no more"
    );
    drop(active);
    assert_eq!(
        workspace.0.queued(&session()),
        ["c"],
        "the first one does not wait"
    );
    drop((a, b, c));
}

#[test]
fn sessions_do_not_know_each_other() {
    let workspace = Workspace::new();
    let other: SessionId = "other".parse().unwrap();
    let here = workspace.active("here");
    let there = workspace
        .0
        .accept(&other, run_id("there"), BusyPolicy::Reject, "there")
        .unwrap();
    there.confirm();
    assert_eq!(turn(&there), Some(Start::Active));
    assert_eq!(workspace.0.active(), 2);
    assert_eq!(workspace.cancel(), run_ids(&["here"]));
    assert!(here.cancel_token().is_cancelled());
    assert!(!there.cancel_token().is_cancelled());
    assert_eq!(workspace.0.busy_sessions(), [(other, 1), (session(), 1)]);
}

#[test]
fn an_idle_cancel_remembers_nothing() {
    let workspace = Workspace::new();
    assert_eq!(workspace.cancel(), []);
    assert_eq!(workspace.0.cancel_waiting(&session(), REQUESTED), []);
    assert!(
        !workspace
            .0
            .cancel_run(&session(), &run_id("run"), REQUESTED)
    );
    workspace.0.cancel_present(REQUESTED);
    drop(workspace.active("run"));
    assert!(workspace.0.is_empty());
}

#[test]
fn a_finished_run_leaves_no_cancel_behind() {
    let workspace = Workspace::new();
    let run = workspace.active("run");
    assert_eq!(workspace.cancel(), run_ids(&["run"]));
    drop(run);
    drop(workspace.active("next"));
}

#[test]
fn a_cancel_between_accept_and_start_is_not_lost() {
    let workspace = Workspace::new();
    let run = workspace.accept("run", BusyPolicy::Queue);
    assert_eq!(workspace.cancel(), run_ids(&["run"]));
    assert!(run.cancel_token().is_cancelled());
    run.confirm();
    assert_eq!(turn(&run), cancelled(REQUESTED));
}

#[test]
fn a_cancel_wakes_a_run_that_waits() {
    let workspace = Workspace::new();
    let _active = workspace.active("active");
    let waits = workspace.queue("waits");
    let woken = Woken::new();
    let mut decision = Box::pin(waits.turn());
    assert_eq!(poll(&mut decision, &woken), None);
    workspace.cancel();
    assert_eq!(
        woken.count(),
        1,
        "it need not wait for the active one to end"
    );
    assert_eq!(poll(&mut decision, &woken), cancelled(REQUESTED));
}

#[test]
fn one_cancel_stops_the_active_run_and_all_that_were_accepted() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let waiting = workspace.queue("waiting");
    let reserved = workspace.accept("reserved", BusyPolicy::Queue);
    assert_eq!(
        workspace.cancel(),
        run_ids(&["active", "waiting", "reserved"])
    );
    assert_eq!(active.cancel_token().reason(), Some(REQUESTED));
    assert_eq!(
        turn(&active),
        Some(Start::Active),
        "active until it really ends"
    );
    assert_eq!(turn(&waiting), cancelled(REQUESTED));
    assert_eq!(turn(&reserved), cancelled(REQUESTED));
    assert_eq!(workspace.cancel(), [], "nothing is left to cancel");
}

#[test]
fn a_prompt_accepted_after_a_cancel_runs_and_uses_nothing_of_it_up() {
    let workspace = Workspace::new();
    let (a, b) = (workspace.queue("a"), workspace.queue("b"));
    workspace.cancel();
    let c = workspace.queue("c");
    assert_eq!(turn(&c), None, "`a` is active until it ends");
    assert_eq!(turn(&b), cancelled(REQUESTED));
    drop(a);
    assert_eq!(turn(&c), Some(Start::Active));
    assert_eq!(
        turn(&b),
        cancelled(REQUESTED),
        "still, and whoever asks first"
    );
}

#[test]
fn the_first_reason_of_a_cancel_stands() {
    let workspace = Workspace::new();
    let _active = workspace.active("active");
    let waits = workspace.queue("waits");
    workspace.cancel();
    let later = workspace.queue("later");
    workspace.0.cancel_all(CancelReason::Closing);
    assert_eq!(waits.cancel_token().reason(), Some(REQUESTED));
    assert_eq!(
        turn(&waits),
        cancelled(REQUESTED),
        "it was not interrupted by the close"
    );
    assert_eq!(turn(&later), cancelled(CancelReason::Closing));
}

#[test]
fn one_run_is_cancelled_and_the_queue_stays() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let (second, third) = (workspace.queue("second"), workspace.queue("third"));
    let cancel = |name| workspace.0.cancel_run(&session(), &run_id(name), REQUESTED);
    assert!(cancel("second"));
    assert!(!cancel("second"), "cancelled already");
    assert!(!cancel("unknown"));
    assert!(cancel("active"));
    assert_eq!(turn(&second), cancelled(REQUESTED));
    drop(active);
    assert_eq!(turn(&third), Some(Start::Active));
}

#[test]
fn a_request_and_its_repetition_are_cancelled_by_one_name() {
    let workspace = Workspace::new();
    let _active = workspace.active("active");
    let request = workspace.accept("run", BusyPolicy::Queue);
    let repetition = workspace.accept("run", BusyPolicy::Queue);
    assert!(
        workspace
            .0
            .cancel_run(&session(), &run_id("run"), REQUESTED)
    );
    // The journal knows the second to arrive as the repetition of the first.
    drop(request);
    repetition.confirm();
    assert_eq!(turn(&repetition), cancelled(REQUESTED));
}

#[test]
fn those_that_wait_are_cancelled_and_the_active_run_goes_on() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let waiting = workspace.queue("waiting");
    let reserved = workspace.accept("reserved", BusyPolicy::Queue);
    let hit = workspace.0.cancel_waiting(&session(), REQUESTED);
    assert_eq!(hit, run_ids(&["waiting", "reserved"]));
    assert!(!active.cancel_token().is_cancelled());
    assert_eq!(turn(&waiting), cancelled(REQUESTED));
    assert_eq!(turn(&reserved), cancelled(REQUESTED));
}

#[test]
fn only_a_run_that_has_not_started_is_taken_out_of_the_queue() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let waiting = workspace.queue("waiting");
    let take_out = |name| {
        workspace
            .0
            .cancel_if_waiting(&session(), &run_id(name), REQUESTED)
    };
    assert!(!take_out("active"));
    assert!(!take_out("unknown"));
    assert!(take_out("waiting"));
    assert!(!active.cancel_token().is_cancelled());
    assert_eq!(turn(&waiting), cancelled(REQUESTED));
}

#[test]
fn a_repeated_request_whose_run_has_started_is_not_in_the_queue() {
    let workspace = Workspace::new();
    let active = workspace.active("run");
    let repetition = workspace.accept("run", BusyPolicy::Queue);
    assert!(
        !workspace
            .0
            .cancel_if_waiting(&session(), &run_id("run"), REQUESTED)
    );
    assert!(!active.cancel_token().is_cancelled());
    assert!(!repetition.cancel_token().is_cancelled());
}

#[test]
fn a_workspace_cancel_is_for_good_and_a_present_one_is_not() {
    let workspace = Workspace::new();
    let first = workspace.active("first");
    workspace.0.cancel_present(CancelReason::Abandoned);
    assert_eq!(first.cancel_token().reason(), Some(CancelReason::Abandoned));
    drop(first);
    let second = workspace.active("second");
    workspace.0.cancel_all(CancelReason::Closing);
    workspace.0.cancel_all(REQUESTED);
    assert_eq!(second.cancel_token().reason(), Some(CancelReason::Closing));
    let third = workspace.accept("third", BusyPolicy::Queue);
    assert_eq!(
        third.cancel_token().reason(),
        Some(CancelReason::Closing),
        "born cancelled"
    );
    third.confirm();
    assert_eq!(turn(&third), cancelled(CancelReason::Closing));
    let other = "other".parse().unwrap();
    let elsewhere = workspace
        .0
        .accept(&other, run_id("r"), BusyPolicy::Queue, "r")
        .unwrap();
    assert!(elsewhere.cancel_token().is_cancelled(), "in every session");
}

#[test]
fn a_busy_session_refuses_what_asks_for_that_and_what_finds_no_room() {
    let workspace = Workspace(Reservations::new(1));
    let first = workspace.try_accept("first", BusyPolicy::Reject).unwrap();
    let refused = |policy| {
        workspace
            .try_accept("refused", policy)
            .map(drop)
            .unwrap_err()
    };
    assert_eq!(refused(BusyPolicy::Reject), Refusal::Busy { runs: 1 });
    let second = workspace.queue("second");
    assert_eq!(second.position(), 1);
    for policy in [BusyPolicy::Queue, BusyPolicy::Interrupt, BusyPolicy::Steer] {
        assert_eq!(
            refused(policy),
            Refusal::QueueFull { position: 2 },
            "{policy}"
        );
    }
    assert_eq!(
        workspace.0.len(),
        2,
        "what is refused leaves nothing behind"
    );
    assert!(!first.cancel_token().is_cancelled());
    workspace.0.cancel_waiting(&session(), REQUESTED);
    drop((first, second));
    drop(workspace.try_accept("later", BusyPolicy::Reject).unwrap());
}

#[test]
fn a_cancelled_run_takes_no_room_in_the_queue() {
    let workspace = Workspace(Reservations::new(1));
    let _active = workspace.active("active");
    let _waiting = workspace.queue("waiting");
    workspace.0.cancel_waiting(&session(), REQUESTED);
    let next = workspace.try_accept("next", BusyPolicy::Queue).unwrap();
    assert_eq!(next.position(), 1);
}

#[test]
fn an_interrupt_changes_nothing_until_it_is_confirmed() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let waiting = workspace.queue("waiting");
    let interrupt = workspace.accept("interrupt", BusyPolicy::Interrupt);
    assert_eq!(interrupt.position(), 1);
    assert!(!active.cancel_token().is_cancelled());
    interrupt.confirm();
    assert_eq!(
        active.cancel_token().reason(),
        Some(CancelReason::Superseded)
    );
    assert_eq!(turn(&interrupt), None, "the active run ends first");
    drop(active);
    assert_eq!(turn(&interrupt), Some(Start::Active));
    drop(interrupt);
    assert_eq!(turn(&waiting), Some(Start::Active), "the queue stays");
}

#[test]
fn an_interrupt_that_comes_to_nothing_has_changed_nothing() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    drop(workspace.accept("interrupt", BusyPolicy::Interrupt));
    assert!(!active.cancel_token().is_cancelled());
}

#[test]
fn an_interrupt_that_is_cancelled_first_interrupts_nobody() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let interrupt = workspace.accept("interrupt", BusyPolicy::Interrupt);
    assert!(
        workspace
            .0
            .cancel_run(&session(), &run_id("interrupt"), REQUESTED)
    );
    interrupt.confirm();
    assert_eq!(turn(&interrupt), cancelled(REQUESTED));
    assert!(!active.cancel_token().is_cancelled());
}

#[test]
fn a_second_interrupt_takes_the_turn_of_the_first() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let waiting = workspace.queue("waiting");
    let first = workspace.submit("first", BusyPolicy::Interrupt);
    let second = workspace.submit("second", BusyPolicy::Interrupt);
    assert_eq!(turn(&first), cancelled(CancelReason::Superseded));
    drop(active);
    assert_eq!(turn(&second), Some(Start::Active));
    drop(second);
    assert_eq!(turn(&waiting), Some(Start::Active));
}

#[test]
fn a_steering_prompt_is_taken_in_and_over_at_once() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let steers = workspace.submit("steers", BusyPolicy::Steer);
    let woken = Woken::new();
    let mut waits = Box::pin(steers.turn());
    assert_eq!(poll(&mut waits, &woken), None);
    let offered = active.steering().offered();
    assert_eq!(
        workspace.0.queued(&session()),
        [""; 0],
        "on offer is not in the queue"
    );
    assert_eq!(woken.count(), 0, "nothing is decided yet");
    for prompt in offered {
        assert_eq!(
            (prompt.run_id(), *prompt.payload()),
            (&run_id("steers"), "steers")
        );
        prompt.taken();
    }
    assert_eq!(woken.count(), 1);
    let into = run_id("active");
    assert_eq!(poll(&mut waits, &woken), Some(Start::Folded { into }));
    assert_eq!(
        workspace.cancel(),
        run_ids(&["active"]),
        "a folded run is over"
    );
}

#[test]
fn only_confirmed_prompts_that_steer_are_offered_in_order() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let held = [
        workspace.submit("b", BusyPolicy::Steer),
        workspace.queue("queues"),
        workspace.submit("a", BusyPolicy::Steer),
        workspace.accept("reserved", BusyPolicy::Steer),
        workspace.submit("cancelled", BusyPolicy::Steer),
    ];
    workspace
        .0
        .cancel_run(&session(), &run_id("cancelled"), REQUESTED);
    let offered = active.steering().offered();
    let names: Vec<_> = offered.iter().map(|prompt| *prompt.payload()).collect();
    assert_eq!(names, ["b", "a"]);
    assert!(active.steering().offered().is_empty(), "on offer once");
    drop((held, offered));
}

#[test]
fn a_prompt_that_is_given_back_waits_at_its_old_place() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let steers = workspace.submit("steers", BusyPolicy::Steer);
    let behind = workspace.queue("behind");
    let offered = active.steering().offered();
    drop(active);
    assert_eq!(
        turn(&behind),
        None,
        "nobody goes ahead of a prompt on offer"
    );
    assert_eq!(workspace.0.active(), 0);
    drop(offered);
    assert_eq!(turn(&steers), Some(Start::Active));
    assert_eq!(turn(&behind), None);
}

#[test]
fn a_cancelled_turn_is_offered_nothing_and_nobody_else_is() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let waiting = workspace.queue("waiting");
    let steers = workspace.submit("steers", BusyPolicy::Steer);
    assert!(waiting.steering().offered().is_empty(), "it is not active");
    workspace
        .0
        .cancel_run(&session(), &run_id("active"), REQUESTED);
    let steering = active.steering();
    assert!(steering.offered().is_empty(), "it is being cancelled");
    drop(active);
    assert!(steering.offered().is_empty(), "it is over");
    drop((waiting, steers));
}

#[test]
fn a_cancel_of_a_prompt_on_offer_counts_when_it_is_given_back() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let steers = workspace.submit("steers", BusyPolicy::Steer);
    let offered = active.steering().offered();
    assert!(
        !workspace
            .0
            .cancel_if_waiting(&session(), &run_id("steers"), REQUESTED)
    );
    assert!(
        workspace
            .0
            .cancel_run(&session(), &run_id("steers"), REQUESTED)
    );
    assert_eq!(turn(&steers), None, "the turn may still take it in");
    drop(offered);
    assert_eq!(turn(&steers), cancelled(REQUESTED));
}

#[test]
fn a_prompt_that_nobody_waits_for_any_more_may_still_be_taken() {
    let workspace = Workspace::new();
    let active = workspace.active("active");
    let steers = workspace.submit("steers", BusyPolicy::Steer);
    let offered = active.steering().offered();
    drop(steers);
    drop(active);
    assert!(workspace.0.is_empty());
    for prompt in offered {
        prompt.taken();
    }
    assert!(workspace.0.is_empty());
}
