//! Drives a lane and a reference model with the same random commands and compares them after every step; checks the
//! promises of a lane on its history besides, without the model.
//!
//! A failure prints its shrunk commands and keeps its seed in `tests/proptest-regressions/lane_model.txt`, which is run
//! first from then on: commit it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a rule concerns few of the many commands"
)]

pub(crate) mod commands;
pub(crate) mod reference;
mod system;

use proptest::test_runner::{Config, RngAlgorithm};
use proptest_state_machine::{StateMachineTest, prop_state_machine};

use self::commands::Command;
use self::reference::Model;
use self::system::System;

struct OneLane;

impl StateMachineTest for OneLane {
    type SystemUnderTest = System;
    type Reference = Model;

    fn init_test(_: &Model) -> System {
        System::default()
    }

    fn apply(mut system: System, model: &Model, command: Command) -> System {
        let answer = system.step(command);
        assert_eq!(answer, model.answer);
        assert_eq!(system.view(), model.view());
        system
    }

    fn check_invariants(system: &System, _: &Model) {
        system.check_promises();
    }
}

prop_state_machine! {
    #![proptest_config(Config {
        cases: 1024,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    })]

    #[test]
    fn a_lane_behaves_like_its_model(sequential 40 => OneLane);
}
