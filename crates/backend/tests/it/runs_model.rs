//! Random commands to the real backend, with paused time: whatever clients, agents and storage do, each accepted run has
//! exactly one terminal event, nothing is heard of it afterwards, and a cancel keeps an unstarted run from the agent
//! (reliability 2.2: 3 to 5, 8, 10, 11, 12, 34).
//!
//! A failure prints its shrunk commands and keeps its seed in `tests/proptest-regressions/runs_model.txt`, which is run
//! first from then on: commit it.

mod commands;
mod system;
mod verdict;

use proptest::prelude::*;

use self::{commands::scenario, system::System};

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_accepted_run_ends_once_whatever_happens(scenario in scenario()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut system = System::new(scenario.on_last_detach).await;
            for command in scenario.commands {
                system.perform(command).await;
            }
            system.end().await;
        });
    }
}
