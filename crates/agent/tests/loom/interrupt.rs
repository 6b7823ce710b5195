//! Prompts that take the turn of the run before them.

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use runwright_agent::{CancelReason, Reservations, Start};
use runwright_proto::BusyPolicy;

use crate::{accept_as, active, run_id, session, start, waiting};

#[test]
fn an_interrupt_stops_the_active_run_and_goes_next() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let waiting = waiting(&reservations, "waiting");
        let interrupter = reservations.clone();
        let interrupts = thread::spawn(move || {
            let run = accept_as(&interrupter, "interrupt", BusyPolicy::Interrupt);
            assert_eq!(start(&run), Start::Active);
        });
        assert_eq!(
            block_on(first.cancel_token().cancelled()),
            CancelReason::Superseded
        );
        drop(first);
        interrupts.join().unwrap();
        assert_eq!(block_on(waiting.turn()), Start::Active);
    });
}

#[test]
fn of_two_interrupts_the_later_runs_and_never_both_at_once() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let running = Arc::new(AtomicUsize::new(0));
        let tasks = ["earlier", "later"].map(|name| {
            let run = accept_as(&reservations, name, BusyPolicy::Interrupt);
            let running = running.clone();
            thread::spawn(move || {
                let started = start(&run);
                if started == Start::Active {
                    assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                    running.fetch_sub(1, Ordering::SeqCst);
                }
                started
            })
        });
        drop(first);
        let [earlier, later] = tasks.map(|task| task.join().unwrap());
        assert!(matches!(
            earlier,
            Start::Active | Start::Cancelled(CancelReason::Superseded)
        ));
        assert_eq!(later, Start::Active, "nobody takes its turn");
        assert!(reservations.is_empty());
    });
}

#[test]
fn an_interrupt_that_is_cancelled_first_interrupts_nobody() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let interrupt = accept_as(&reservations, "interrupt", BusyPolicy::Interrupt);
        let canceller = reservations.clone();
        let cancels = thread::spawn(move || {
            canceller.cancel_run(&session(), &run_id("interrupt"), CancelReason::Requested)
        });
        let cancelled_first = interrupt.cancel_token().is_cancelled();
        interrupt.confirm();
        let interrupted = first.cancel_token().is_cancelled();
        assert!(!(cancelled_first && interrupted));
        assert!(cancels.join().unwrap(), "it cannot have started");
        assert_eq!(
            first.cancel_token().is_cancelled(),
            interrupted,
            "to cancel the interrupt interrupts nobody"
        );
        assert_eq!(start(&interrupt), Start::Cancelled(CancelReason::Requested));
    });
}
