//! The whole table of busy policies (semantics 2.1).

use runwright_agent::{LaneLoad, Placement, Refusal, place};
use runwright_proto::BusyPolicy::{self, Interrupt, Queue, Reject, Steer};

const POLICIES: [BusyPolicy; 4] = [Queue, Reject, Interrupt, Steer];

#[test]
fn an_idle_session_takes_every_prompt_first() {
    for max_queued in [0, 1, 64] {
        for policy in POLICIES {
            let idle = LaneLoad {
                runs: 0,
                max_queued,
            };
            assert_eq!(
                place(policy, idle),
                Ok(Placement::First),
                "{policy} {idle:?}"
            );
        }
    }
}

#[test]
fn a_busy_session_places_or_refuses_by_policy_and_room() {
    // The bound, the runs, and the row of the table for each policy.
    let busy = |runs| Err(Refusal::Busy { runs });
    let full = |position| Err(Refusal::QueueFull { position });
    let room = |runs| {
        [
            Ok(Placement::Last),
            busy(runs),
            Ok(Placement::Next),
            Ok(Placement::LastOrFolded),
        ]
    };
    let no_room = |runs| [full(runs), busy(runs), full(runs), full(runs)];
    for (max_queued, runs, row) in [
        (0, 1, no_room(1)),
        (0, 2, no_room(2)),
        (1, 1, room(1)),
        (1, 2, no_room(2)),
        (1, 3, no_room(3)),
        (64, 1, room(1)),
        (64, 64, room(64)),
        (64, 65, no_room(65)),
        (64, 66, no_room(66)),
    ] {
        let load = LaneLoad { runs, max_queued };
        assert_eq!(POLICIES.map(|policy| place(policy, load)), row, "{load:?}");
    }
}

#[test]
fn the_queue_holds_exactly_as_many_as_it_may() {
    for max_queued in 0..=3 {
        let taken = (0..10)
            .take_while(|runs| {
                let load = LaneLoad {
                    runs: *runs,
                    max_queued,
                };
                place(Queue, load).is_ok()
            })
            .count();
        assert_eq!(taken, max_queued + 1, "the first and those that wait");
    }
}
