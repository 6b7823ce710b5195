//! Drives the registry and a reference model with the same random commands and compares them after every step; checks
//! the promises of contract 4.6 on the registry's history besides, without the model.
//!
//! A failure prints its shrunk commands and keeps its seed in `tests/proptest-regressions/lifecycle_model.txt`, which
//! is run first from then on: commit it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fact concerns few of the many commands"
)]

mod commands;
mod history;
mod reference;
mod rules;
mod system;

use proptest::test_runner::{Config, RngAlgorithm};
use proptest_state_machine::{StateMachineTest, prop_state_machine};

use self::{
    reference::{Model, Transition},
    system::System,
};

struct Lifecycle;

impl StateMachineTest for Lifecycle {
    type SystemUnderTest = System;
    type Reference = Model;

    fn init_test(model: &Model) -> System {
        System::new(model.options.clone())
    }

    fn apply(mut system: System, model: &Model, transition: Transition) -> System {
        let (answer, asked) = system.step(model, &transition);
        assert_eq!((&answer, &asked), (&model.answer, &model.asked));
        system
    }

    fn check_invariants(system: &System, model: &Model) {
        assert_eq!(system.view(), model.view());
    }

    fn teardown(system: System, _: Model) {
        system.end_of_the_world();
    }
}

prop_state_machine! {
    // Each draw from a union seeds a generator per branch; with the default one that is two thirds of the test's time.
    #![proptest_config(Config {
        cases: 1024,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    })]

    #[test]
    fn the_registry_behaves_like_its_model(sequential 40 => Lifecycle);
}
