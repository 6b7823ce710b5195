//! Titles of sessions, made of what somebody said. It must never know who asked for one.

/// The longest title made of a prompt, in characters (contract 5.9).
const PROMPT_CHARS: usize = 50;

/// The longest title that a model may give, in characters: twice what it is asked for.
const MODEL_CHARS: usize = 100;

/// What a session is called about which nothing is known (contract 5.9).
const UNTITLED: &str = "Untitled Session";

/// The beginning of a prompt, in one line.
pub(crate) fn of_prompt(prompt: &str) -> String {
    let line = one_line(prompt, PROMPT_CHARS);
    if line.is_empty() {
        UNTITLED.to_owned()
    } else {
        line
    }
}

/// What a model answered that was asked for a title, without what it thought aloud; nothing if nothing is left.
pub(crate) fn of_answer(answer: &str) -> Option<String> {
    let said = without_thoughts(answer);
    let line = one_line(said, MODEL_CHARS);
    let title = line.trim_matches(['"', '\'', '`', '*', '#', ' ']);
    (!title.is_empty()).then(|| title.to_owned())
}

/// What follows the last thought. A thought that does not end leaves nothing.
fn without_thoughts(answer: &str) -> &str {
    match answer.rsplit_once("</think>") {
        Some((_, said)) => said,
        None if answer.trim_start().starts_with("<think>") => "",
        None => answer,
    }
}

fn one_line(text: &str, chars: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = words.chars().take(chars).collect();
    cut.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_gives_its_beginning_in_one_line() {
        assert_eq!(of_prompt(" fix\n\nthe  tests \n"), "fix the tests");
        assert_eq!(of_prompt(" \n"), "Untitled Session");
        assert_eq!(of_prompt(&"ä".repeat(60)), "ä".repeat(50));
    }

    #[test]
    fn an_answer_gives_what_the_model_said_when_it_had_thought() {
        let title = |answer| of_answer(answer).unwrap_or_default();
        assert_eq!(title("\"Fix the tests\"\n"), "Fix the tests");
        assert_eq!(title("<think>a\nb</think>\n**Fix**"), "Fix");
        assert_eq!(title("<think>I am not done"), "");
        assert_eq!(title(" \n"), "");
        assert_eq!(title(&"x".repeat(1_000)), "x".repeat(100));
    }
}
