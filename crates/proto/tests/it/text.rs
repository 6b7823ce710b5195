//! `Text` behaves as a string whose clones are snapshots, whatever is pushed to which clone in which order.

use proptest::prelude::*;
use runwright_proto::Text;

/// One step on a set of clones of one text.
#[derive(Debug, Clone)]
enum Step {
    Push(usize, String),
    Clone(usize),
    Drop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<usize>(), ".{0,12}").prop_map(|(index, text)| Step::Push(index, text)),
        1 => (any::<usize>(), 0_usize..9_000).prop_map(|(index, len)| Step::Push(index, "y".repeat(len))),
        2 => any::<usize>().prop_map(Step::Clone),
        1 => any::<usize>().prop_map(Step::Drop),
    ]
}

#[track_caller]
fn assert_same(text: &Text, model: &str) {
    assert_eq!(text.to_string(), model);
    assert_eq!(text.len(), model.len());
    assert_eq!(text.is_empty(), model.is_empty());
    assert_eq!(*text, *model);
    assert_eq!(*text, Text::from(model));
    assert!(text.chunks().all(|chunk| !chunk.is_empty()));
    assert_eq!(
        serde_json::to_string(text).unwrap(),
        serde_json::to_string(model).unwrap()
    );
    let mut written = Vec::new();
    text.write_to(&mut written).unwrap();
    assert_eq!(written, model.as_bytes());
}

proptest! {
    #[test]
    fn clones_are_snapshots_and_behave_as_strings(steps in prop::collection::vec(step(), 0..120)) {
        let mut clones = vec![(Text::new(), String::new())];
        for step in steps {
            let len = clones.len();
            match step {
                Step::Push(index, piece) => {
                    let (text, model) = &mut clones[index % len];
                    text.push_str(&piece);
                    model.push_str(&piece);
                }
                Step::Clone(index) => clones.push(clones[index % len].clone()),
                Step::Drop(index) if len > 1 => drop(clones.swap_remove(index % len)),
                Step::Drop(_) => {}
            }
        }
        for (text, model) in &clones {
            assert_same(text, model);
            for (other, other_model) in &clones {
                prop_assert_eq!(text.starts_with(other), model.starts_with(other_model.as_str()));
                let unrelated = Text::from(other_model.as_str());
                prop_assert_eq!(text.starts_with(&unrelated), model.starts_with(other_model.as_str()));
            }
        }
    }

    #[test]
    fn a_slice_is_the_end_of_the_text(pieces in prop::collection::vec(".{0,9}", 0..20), offset in 0_usize..120) {
        let mut text = Text::new();
        let mut snapshots = Vec::new();
        for piece in &pieces {
            text.push_str(piece);
            snapshots.push(text.clone());
        }
        let model = pieces.concat();
        let start = model.floor_char_boundary(offset);
        prop_assert_eq!(text.slice_from(offset), &model[start..]);
        for snapshot in snapshots {
            let delta = text.slice_from(snapshot.len());
            prop_assert_eq!(snapshot.to_string() + &delta, model.as_str());
        }
    }

    #[test]
    fn equality_is_of_content(left in ".{0,40}", right in ".{0,40}", cut in 0_usize..40) {
        let mut pieced = Text::from(&left[..left.floor_char_boundary(cut)]);
        let _snapshot = pieced.clone();
        pieced.push_str(&left[left.floor_char_boundary(cut)..]);
        prop_assert_eq!(&pieced, &Text::from(left.as_str()));
        prop_assert_eq!(pieced == right.as_str(), left == right);
        let right_text = Text::from(right.as_str());
        prop_assert_eq!(pieced == right_text, left == right);
    }
}

#[test]
fn a_text_is_a_plain_string_on_the_wire() {
    let mut text = Text::from("quote \" and ");
    let _snapshot = text.clone();
    text.push_str("newline \n");
    let json = serde_json::to_string(&text).unwrap();
    assert_eq!(json, r#""quote \" and newline \n""#);
    assert_eq!(serde_json::from_str::<Text>(&json).unwrap(), text);
    assert_eq!(format!("{text:?}"), r#""quote \" and newline \n""#);
}

#[test]
fn an_offset_beyond_the_end_gives_nothing() {
    assert_eq!(Text::from("abc").slice_from(3), "");
    assert_eq!(Text::from("abc").slice_from(usize::MAX), "");
    assert_eq!(Text::new().slice_from(0), "");
}
