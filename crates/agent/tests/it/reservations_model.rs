//! Drives the reservations of a workspace, with real futures that are polled by hand, and the models of its lanes with
//! the same random commands. Above all it looks for wakers: a run that can go on was woken, and a run that was woken
//! can go on.
//!
//! A failure prints its shrunk commands and keeps its seed in `tests/proptest-regressions/reservations_model.txt`, which
//! is run first from then on: commit it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a rule concerns few of the many commands"
)]

mod reference;
mod system;

use proptest::test_runner::{Config, RngAlgorithm};
use proptest_state_machine::{StateMachineTest, prop_state_machine};

use self::reference::{Command, World};
use self::system::System;

struct OneWorkspace;

impl StateMachineTest for OneWorkspace {
    type SystemUnderTest = System;
    type Reference = World;

    fn init_test(_: &World) -> System {
        System::new()
    }

    fn apply(mut system: System, world: &World, command: Command) -> System {
        assert_eq!(system.step(&command), world.answer);
        assert_eq!(system.view(), world.view());
        system.check_wakes(world);
        system
    }

    fn teardown(system: System, _: World) {
        system.end();
    }
}

prop_state_machine! {
    #![proptest_config(Config {
        cases: 1024,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    })]

    #[test]
    fn reservations_behave_like_their_model_and_never_miss_a_wake(sequential 40 => OneWorkspace);
}
