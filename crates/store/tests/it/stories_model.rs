//! Random histories, with crashes, compaction and retention in between, and readers that are cut off and resume, from
//! memory, from disk and over the switch between them: what a reader was told is what an uninterrupted one was told, or
//! it was told what is lost.
//!
//! A failure prints its shrunk commands and keeps its seed in `tests/proptest-regressions/stories_model.txt`, which is
//! run first from then on: commit it.

mod commands;
mod reader;
mod system;

use proptest::prelude::*;

use self::{commands::scenario, system::System};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_reader_that_is_cut_off_and_resumes_is_told_the_same_story(scenario in scenario()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut system = System::new(scenario.workspace_bytes).await;
            for command in scenario.commands {
                system.perform(command).await;
            }
            system.end().await;
        });
    }
}
