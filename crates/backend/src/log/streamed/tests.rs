//! Owns the checks of what readers have of messages that are being written. It must never know a reader.

use runwright_proto::{Finish, Part, Role, Session, Text};

use super::*;

fn message(id: &str, text: &str) -> Message {
    let session: SessionId = "s".parse().expect("an id");
    let mut message = Message::new(id.parse().expect("an id"), session, Role::Assistant, 0);
    message.parts = vec![Part::text(text)];
    message
}

fn finished(id: &str, text: &str) -> Message {
    let mut message = message(id, text);
    message.parts.push(Part::Finish(Finish::stop()));
    message
}

fn updated(message: Message, pace: Pace) -> Publication {
    Publication {
        event: Event::Message(Change::updated(message)),
        run: Some("r1".parse().expect("a name")),
        pace,
    }
}

/// Publishes, as the log does.
fn publish(streamed: &mut Streamed, seq: u64, publication: &Publication) {
    if let Some(step) = Step::of(publication) {
        streamed.prepare(&step);
        streamed.take(Seq(seq), step);
    }
}

/// A message that is one byte long at number 1, two at number 2, and so on.
fn writing(last: u64) -> Streamed {
    let mut streamed = Streamed::default();
    let mut text = Text::new();
    for seq in 1..=last {
        text.push_str("x");
        let mut message = message("m", "");
        message.parts = vec![Part::text(text.clone())];
        publish(&mut streamed, seq, &updated(message, Pace::Streamed));
    }
    streamed
}

fn id(id: &str) -> MessageId {
    id.parse().expect("an id")
}

fn had(streamed: &Streamed, at: u64) -> Option<Lengths> {
    let mark = streamed.0.get(&id("m"))?.marks.at(Seq(at));
    mark.map(|mark| mark.lengths.clone())
}

fn lengths(text: &str) -> Option<Lengths> {
    Some(Lengths::of(&message("m", text)))
}

/// The places of what a reader is told, and in each the texts: with their offset, or whole.
fn caught_up(
    streamed: &Streamed,
    after: u64,
    through: u64,
    run: Option<&RunId>,
) -> Vec<(u64, String)> {
    let catch_up = streamed.catch_up(Seq(after), Seq(through), run);
    catch_up.into_iter().flat_map(lines).collect()
}

fn lines(catch_up: CatchUp) -> Vec<(u64, String)> {
    let at = catch_up.at.0;
    let events = catch_up.events().into_iter();
    events.map(|event| (at, words(event))).collect()
}

fn words(event: Event) -> String {
    if let Event::MessageDelta(delta) = event {
        return format!("{} at {}: {}", delta.id, delta.offset, delta.text);
    }
    let Event::Message(change) = event else {
        panic!("not about a message: {event:?}")
    };
    format!("{}: {:?}", change.payload.id, change.payload.text())
}

fn line(at: u64, words: &str) -> (u64, String) {
    (at, words.to_owned())
}

#[test]
fn a_reader_has_what_the_last_snapshot_before_it_had() {
    let streamed = writing(3);
    assert_eq!(had(&streamed, 0), None);
    assert_eq!(had(&streamed, 1), lengths("x"));
    assert_eq!(had(&streamed, 3), lengths("xxx"));
}

#[test]
fn what_did_not_grow_from_the_last_snapshot_is_told_as_a_whole_to_everybody() {
    let mut streamed = writing(3);
    let replaced = updated(message("m", "something else"), Pace::Streamed);
    let step = Step::of(&replaced).expect("a snapshot");
    streamed.prepare(&step);
    // Nobody has any part of it, also before its number is known.
    assert_eq!(had(&streamed, 3), None);
    streamed.take(Seq(9), step);
    assert_eq!(
        (had(&streamed, 8), had(&streamed, 9)),
        (None, lengths("something else"))
    );
}

#[test]
fn a_message_that_everybody_is_shown_whole_goes_on_from_there() {
    let mut streamed = writing(3);
    publish(&mut streamed, 7, &updated(message("m", "xxx!"), Pace::Now));
    assert_eq!(
        (had(&streamed, 6), had(&streamed, 7)),
        (None, lengths("xxx!"))
    );
    publish(
        &mut streamed,
        8,
        &updated(message("m", "xxx!?"), Pace::Streamed),
    );
    assert_eq!(had(&streamed, 7), lengths("xxx!"));
    // One that nobody streams is not followed.
    publish(&mut streamed, 9, &updated(message("other", "a"), Pace::Now));
    assert!(!streamed.0.contains_key(&id("other")));
}

#[test]
fn a_message_that_has_ended_is_forgotten() {
    let finished = updated(finished("m", "xxx"), Pace::Now);
    let deleted = Publication {
        event: Event::Message(Change::deleted(message("m", "xxx"))),
        ..updated(message("m", ""), Pace::Now)
    };
    let session = Session::new("s".parse().expect("an id"), "t".to_owned(), 0);
    let gone = Publication {
        event: Event::Session(Change::deleted(session.clone())),
        run: None,
        pace: Pace::Now,
    };
    for ended in [finished, deleted, gone] {
        let mut streamed = writing(3);
        publish(&mut streamed, 4, &ended);
        assert!(streamed.0.is_empty(), "{ended:?}");
    }
    let mut streamed = writing(3);
    let other = Session {
        id: "other".parse().expect("an id"),
        ..session
    };
    let gone = Publication {
        event: Event::Session(Change::deleted(other)),
        run: None,
        pace: Pace::Now,
    };
    publish(&mut streamed, 4, &gone);
    assert_eq!(streamed.0.len(), 1);
}

#[test]
fn a_cursor_that_passes_over_snapshots_brings_their_texts_along() {
    let streamed = writing(9);
    assert_eq!(caught_up(&streamed, 3, 5, None), [line(3, "m at 3: xx")]);
    assert_eq!(caught_up(&streamed, 8, 100, None), [line(8, "m at 8: x")]);
    assert_eq!(caught_up(&streamed, 9, 100, None), []);
    // Who has nothing is told the message as it was, right before its first number.
    let whole = [line(0, "m: Some(\"xx\")")];
    assert_eq!(caught_up(&streamed, 0, 2, None), whole);
}

#[test]
fn a_run_is_told_of_its_own_messages() {
    let streamed = writing(9);
    let [own, foreign] = ["r1", "r2"].map(|run| run.parse::<RunId>().expect("a name"));
    for (run, count) in [(&own, 1), (&foreign, 0)] {
        assert_eq!(caught_up(&streamed, 4, 100, Some(run)).len(), count);
        let shown = Shown::new();
        let unseen = streamed.unseen(Seq(4), Seq(8), Some(run), &shown);
        assert_eq!(unseen.len(), count);
    }
}

/// What the readers of a batch have not: from which number on, and what they have, or what it passes over.
fn unseen(streamed: &Streamed, after: u64, through: u64, shown: &Shown<'_>) -> Vec<String> {
    let unseen = streamed.unseen(Seq(after), Seq(through), None, shown);
    let words = |unseen: Unseen| {
        let rest = match unseen.rest {
            Rest::Shown(had) => format!("had {:?}", had.map(|had| had.total())),
            Rest::Passed(passed) => format!("{:?}", lines(passed)),
        };
        format!("{} from {}: {rest}", unseen.id, unseen.first)
    };
    unseen.into_iter().map(words).collect()
}

#[test]
fn a_batch_knows_what_its_readers_have_of_each_snapshot_in_it() {
    let mut streamed = writing(9);
    let begun = updated(message("new", "a"), Pace::Streamed);
    publish(&mut streamed, 10, &begun);
    let [m, new, unknown] = [id("m"), id("new"), id("unknown")];
    let shown: Shown<'_> = [
        (&m, Some(Seq(9))),
        (&new, Some(Seq(10))),
        (&unknown, Some(Seq(11))),
    ]
    .into_iter()
    .collect();
    assert_eq!(
        unseen(&streamed, 4, 11, &shown),
        [
            "m from 5: had Some(4)",
            "new from 10: had None",
            "unknown from 11: had None",
        ]
    );
    // Who shows a message whole has nothing to add.
    let shown: Shown<'_> = [(&m, None), (&new, None)].into_iter().collect();
    assert_eq!(unseen(&streamed, 4, 11, &shown), [] as [&str; 0]);
}

#[test]
fn a_batch_knows_which_snapshots_it_passes_over() {
    let mut streamed = writing(9);
    let [first, second] = [(10, "a"), (11, "ab")];
    for (seq, text) in [first, second] {
        publish(
            &mut streamed,
            seq,
            &updated(message("other", text), Pace::Streamed),
        );
    }
    let shown = Shown::new();
    let whole = r#"m from 5: [(4, "m at 4: xxxxx")]"#;
    let passed = r#"other from 10: [(9, "other: Some(\"a\")")]"#;
    // The newest snapshot of the first message lies in the batch and is not shown: the log has a newer one already, whose
    // number is not noted here yet.
    assert_eq!(unseen(&streamed, 4, 10, &shown), [whole, passed]);
    let passed = r#"m from 5: [(4, "m at 4: xxxx")]"#;
    assert_eq!(unseen(&streamed, 4, 8, &shown), [passed]);
}

#[test]
fn places_come_in_order() {
    let mut streamed = Streamed::default();
    for (seq, id) in [(30, "a"), (20, "b"), (10, "c")] {
        publish(
            &mut streamed,
            seq,
            &updated(message(id, "x"), Pace::Streamed),
        );
    }
    let places: Vec<u64> = streamed
        .catch_up(Seq(0), Seq(100), None)
        .iter()
        .map(|catch_up| catch_up.at.0)
        .collect();
    assert_eq!(places, [9, 19, 29]);
}

#[test]
fn messages_that_never_end_do_not_fill_the_memory() {
    let mut streamed = Streamed::default();
    let most = u64::try_from(MOST).expect("small");
    for seq in 1..=most + 10 {
        let id = format!("m{seq}");
        publish(
            &mut streamed,
            seq,
            &updated(message(&id, "x"), Pace::Streamed),
        );
    }
    assert_eq!(streamed.0.len(), MOST);
    assert!(!streamed.0.contains_key(&id("m10")), "the oldest went");
    assert!(streamed.0.contains_key(&id("m11")));
}
