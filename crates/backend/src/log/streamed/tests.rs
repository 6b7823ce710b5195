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
    streamed.had(&id("m"), Seq(at))
}

fn lengths(text: &str) -> Option<Lengths> {
    Some(Lengths::of(&message("m", text)))
}

/// The places of what a reader is told, and in each the texts: with their offset, or whole.
fn caught_up(
    streamed: &Streamed,
    after: u64,
    through: u64,
    behind: Behind<'_>,
) -> Vec<(u64, String)> {
    let catch_up = streamed.catch_up(Seq(after), Seq(through), behind);
    let words = |event: Event| {
        if let Event::MessageDelta(delta) = event {
            return format!("{} at {}: {}", delta.id, delta.offset, delta.text);
        }
        let Event::Message(change) = event else {
            panic!("not about a message: {event:?}")
        };
        format!("{}: {:?}", change.payload.id, change.payload.text())
    };
    let lines = |catch_up: CatchUp| {
        let at = catch_up.at.0;
        catch_up
            .events()
            .into_iter()
            .map(move |event| (at, words(event)))
    };
    catch_up.into_iter().flat_map(lines).collect()
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
    assert_eq!(streamed.had(&id("another"), Seq(3)), None);
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
    assert_eq!(streamed.had(&id("other"), Seq(9)), None);
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
    let all = Behind::default();
    assert_eq!(caught_up(&streamed, 3, 5, all), [line(3, "m at 3: xx")]);
    assert_eq!(caught_up(&streamed, 8, 100, all), [line(8, "m at 8: x")]);
    assert_eq!(caught_up(&streamed, 9, 100, all), []);
    // Who has nothing is told the message as it was, right before its first number.
    assert_eq!(
        caught_up(&streamed, 0, 2, all),
        [line(0, "m: Some(\"xx\")")]
    );
}

#[test]
fn only_what_is_not_shown_anyway_is_brought_along() {
    let mut streamed = writing(9);
    publish(
        &mut streamed,
        10,
        &updated(message("other", "a"), Pace::Streamed),
    );
    publish(
        &mut streamed,
        11,
        &updated(message("other", "ab"), Pace::Streamed),
    );
    let shown = BTreeSet::new();
    let behind = Behind {
        but_shown: Some(&shown),
        ..Behind::default()
    };
    assert_eq!(
        caught_up(&streamed, 4, 10, behind),
        [line(9, "other: Some(\"a\")")]
    );
    let ids = [id("m"), id("other")];
    let shown = ids.iter().collect();
    let behind = Behind {
        but_shown: Some(&shown),
        ..Behind::default()
    };
    assert_eq!(caught_up(&streamed, 4, 8, behind), []);
    let [own, foreign] = ["r1", "r2"].map(|run| run.parse::<RunId>().expect("a name"));
    for (run, count) in [(&own, 2), (&foreign, 0)] {
        let behind = Behind {
            run: Some(run),
            ..Behind::default()
        };
        assert_eq!(caught_up(&streamed, 4, 100, behind).len(), count);
    }
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
        .catch_up(Seq(0), Seq(100), Behind::default())
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
    assert_eq!(streamed.had(&id("m10"), Seq(most)), None, "the oldest went");
    assert!(streamed.had(&id("m11"), Seq(most)).is_some());
}
