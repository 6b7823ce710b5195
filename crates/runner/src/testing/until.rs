//! Waits for what its owner makes known. It must never know what that is.

use tokio::sync::watch;

/// Waits until something is found in what is made known.
pub(super) async fn until<T, R>(
    known: &watch::Sender<T>,
    mut find: impl FnMut(&T) -> Option<R>,
) -> R {
    let mut watching = known.subscribe();
    loop {
        if let Some(found) = find(&watching.borrow_and_update()) {
            return found;
        }
        let changed = watching.changed().await;
        changed.expect("invariant: the sender is borrowed");
    }
}
