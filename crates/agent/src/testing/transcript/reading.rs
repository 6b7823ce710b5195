//! Promises about the files of a session.

use super::Fresh;
use crate::clock::Clock;
use crate::events::EventSink;
use crate::testing::calls::session_id;
use crate::transcript::TranscriptError;

pub(super) async fn the_file_read_last_is_first(fresh: Fresh) {
    fresh.session("s").await;
    fresh.session("t").await;
    let head = fresh.sink.head();
    let (transcript, id) = (&fresh.transcript, session_id("s"));
    let mut read = Vec::new();
    for (path, later) in [
        ("b.rs", 0),
        ("c.rs", 0),
        ("a.rs", 1),
        ("c.rs", 1_000),
        ("b.rs", -60_000),
    ] {
        fresh.clock.advance(later);
        transcript.mark_read(&id, path).await.expect("mark_read");
        read.retain(|(known, _)| known != path);
        read.insert(0, (path.to_owned(), fresh.clock.now()));
        let listed = transcript.files_read(&id).await;
        assert_eq!(listed.expect("files_read"), read, "after `{path}` was read");
    }
    assert_eq!(fresh.sink.since(head), [], "to read a file is not an event");

    let nobody = session_id("unknown");
    let unknown = transcript.mark_read(&nobody, "a.rs").await;
    assert!(
        matches!(unknown, Err(TranscriptError::UnknownSession(id)) if id == nobody),
        "an unknown session reads nothing"
    );
}

pub(super) async fn an_untouched_session_has_no_files(fresh: Fresh) {
    fresh.session("s").await;
    for session in ["s", "unknown"].map(session_id) {
        let transcript = &fresh.transcript;
        assert_eq!(
            transcript.files(&session).await.expect("files"),
            [],
            "{session}"
        );
        let read = transcript.files_read(&session).await.expect("files_read");
        assert_eq!(read, [], "{session}");
    }
}
