//! Batches of changes that fail in all the ways there are, in any mixture: each change gets its own answer, and what is
//! stored is what succeeded, in the order of the calls.

use proptest::prelude::*;

use super::stage::{Fate, Stage, Witness, kind, note};
use crate::engine::Batch;
use crate::error::StoreErrorKind;

/// How a change ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Succeeds,
    Fails,
    /// Only when it runs again.
    FailsTheSecondTime,
    Panics,
    HasAParticipantThatFails,
    HasAParticipantThatPanics,
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        8 => Just(Way::Succeeds),
        2 => Just(Way::Fails),
        1 => Just(Way::FailsTheSecondTime),
        1 => Just(Way::Panics),
        1 => Just(Way::HasAParticipantThatFails),
        1 => Just(Way::HasAParticipantThatPanics),
    ]
}

fn change(
    stage: &Stage,
    n: usize,
    way: Way,
) -> impl FnMut(&mut Batch<'_, Witness>) -> rusqlite::Result<()> + Send + 'static {
    let fate = match way {
        Way::HasAParticipantThatFails => Fate::Fails,
        Way::HasAParticipantThatPanics => Fate::Panics,
        Way::Succeeds | Way::Fails | Way::FailsTheSecondTime | Way::Panics => Fate::Fine,
    };
    let key = i64::try_from(n).unwrap();
    let told = stage.told.clone();
    let mut runs = 0;
    move |batch| {
        runs += 1;
        batch.participant(key, || {
            told.say("made");
            told.witness("one", fate)
        });
        note(batch.connection(), &format!("{n:03}"))?;
        match way {
            Way::Fails => Err(rusqlite::Error::InvalidQuery),
            Way::FailsTheSecondTime if runs == 2 => Err(rusqlite::Error::InvalidQuery),
            Way::Panics => std::panic::resume_unwind(Box::new("a panic without a report")),
            Way::Succeeds
            | Way::FailsTheSecondTime
            | Way::HasAParticipantThatFails
            | Way::HasAParticipantThatPanics => Ok(()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_change_gets_its_own_answer(ways in prop::collection::vec(way(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let stage = Stage::new();
            let held = stage.hold().await;
            let answers: Vec<_> = ways
                .iter()
                .enumerate()
                .map(|(n, way)| stage.engine.write(change(&stage, n, *way)))
                .collect();
            held.release().await;
            let mut stored = Vec::new();
            for (n, (answer, way)) in answers.into_iter().zip(&ways).enumerate() {
                let answer = kind(answer.await);
                match way {
                    Way::Succeeds => prop_assert_eq!(answer, Ok(()), "{}", n),
                    // It depends on the others whether it runs a second time.
                    Way::FailsTheSecondTime => {}
                    Way::Fails
                    | Way::Panics
                    | Way::HasAParticipantThatFails
                    | Way::HasAParticipantThatPanics => {
                        prop_assert_eq!(answer, Err(StoreErrorKind::Failed), "{}", n);
                    }
                }
                if answer.is_ok() {
                    stored.push(format!("{n:03}"));
                }
            }
            prop_assert_eq!(&stage.notes().await, &stored);
            // Who took part in an attempt was told how it ended, once.
            let told = stage.told.take();
            let count = |what| told.iter().filter(|said| *said == what).count();
            let (committed, undone) = (count("one committed"), count("one undone"));
            prop_assert_eq!((committed, undone), (stored.len(), count("made") - stored.len()));
            Ok(())
        })?;
    }
}
