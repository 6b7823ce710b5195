//! What is a directive and what is text.

use super::Directives;

fn plain(rest: &str) -> Directives {
    Directives {
        rest: rest.to_owned(),
        ..Directives::default()
    }
}

#[test]
fn a_prompt_without_brackets_directs_nothing() {
    let directives = Directives::of("how many files?");
    assert_eq!(directives, plain("how many files?"));
    assert!(!directives.any());
}

#[test]
fn every_directive_is_read_and_taken_out_of_the_text() {
    let prompt =
        "hello [[say 3]] there [[delay 20]][[steps 2]] [[fail out of coffee]] [[panic]] [[hang]]";
    let expected = Directives {
        say: Some(3),
        delay_ms: Some(20),
        steps: Some(2),
        fail: Some("out of coffee".to_owned()),
        panic: true,
        hang: true,
        rest: "hello there".to_owned(),
    };
    assert_eq!(Directives::of(prompt), expected);
    assert!(expected.any());
}

#[test]
fn what_is_no_directive_stays_text() {
    for text in [
        "[[say]]",
        "[[say many]]",
        "[[unknown 3]]",
        "[[say 3",
        "a [[b]] c",
        "]]x[[",
    ] {
        assert_eq!(Directives::of(text), plain(text), "{text}");
    }
}

#[test]
fn figures_are_bounded() {
    let directives = Directives::of("[[say 99999999]] [[delay 99999999]] [[steps 99999999]]");
    assert_eq!(
        (directives.say, directives.delay_ms, directives.steps),
        (Some(100_000), Some(60_000), Some(100))
    );
}
