//! Each directive, by the script that comes of it.

use super::*;

/// The steps of a script, as text.
fn steps(prompt: &str, tries: usize) -> Vec<String> {
    let script = script(prompt, (tries > 0).then_some(tries));
    let steps = script.steps.iter().map(|step| format!("{step:?}"));
    steps.collect()
}

fn text(word: &str) -> String {
    format!("Piece(Text(\"{word} \"))")
}

const STOP: &str = "Piece(Stop(EndTurn))";

#[test]
fn a_prompt_without_directives_gets_one_word() {
    assert_eq!(steps("hello", 0), [text("tok0"), STOP.to_owned()]);
}

#[test]
fn words_are_said_with_a_delay_between_them() {
    let expected = [
        text("tok0"),
        "Pause(20ms)".to_owned(),
        text("tok1"),
        STOP.to_owned(),
    ];
    assert_eq!(steps("hello there [[say 2]] [[delay 20]]", 0), expected);
}

#[test]
fn a_status_fails_as_often_as_it_says() {
    let failing = Script::failing(Failure::status(503, "fake status 503"));
    let failing: Vec<_> = failing.steps.iter().map(|it| format!("{it:?}")).collect();
    let twice = "err [[status 503]] [[times 2]] [[say 1]]";
    let spoken = [text("tok0"), STOP.to_owned()];
    assert_eq!(steps(twice, 0), failing);
    assert_eq!(steps(twice, 1), failing);
    assert_eq!(steps(twice, 2), spoken);
    assert_eq!(steps("err [[status 503]]", 9), failing);
}

#[test]
fn a_truncated_answer_is_cut_after_half_of_its_words() {
    let expected = [text("tok0"), text("tok1"), "Cut(Close)".to_owned()];
    assert_eq!(steps("trunc [[say 5]] [[truncate]]", 0), expected);
}

#[test]
fn the_words_are_counted_as_usage() {
    let script = script("12345678 [[say 3]]", None);
    let expected = Script::new().tokens(5, 3);
    assert_eq!(script.usage, expected.usage);
}
