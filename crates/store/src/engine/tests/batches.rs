//! What one batch does: order, participants, failures.

use super::stage::{Stage, note};

#[tokio::test]
async fn a_change_is_stored_and_found_again_by_the_next_process() {
    let stage = Stage::new();
    stage.note("a").await.unwrap();
    assert_eq!(stage.notes().await, ["a"]);
    stage.engine.close().await;

    let again = crate::engine::Engine::<super::stage::Witness>::open(
        stage.directory.path(),
        crate::engine::EngineOptions::default(),
    );
    let found = again.unwrap().read_blocking(super::stage::notes).unwrap();
    assert_eq!(found, ["a"]);
}

#[tokio::test]
async fn participants_write_last_and_are_told_before_the_caller() {
    let stage = Stage::new();
    let told = stage.told.clone();
    let change = move |batch: &mut crate::engine::Batch<'_, _>| {
        batch.participant(7, || told.witness("seven"));
        note(batch.connection(), "a")?;
        told.say("change");
        Ok(())
    };
    stage.engine.write(change).await.unwrap();
    assert_eq!(
        stage.told.take(),
        ["change", "seven before commit", "seven committed"]
    );
}
