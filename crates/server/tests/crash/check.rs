//! What must hold of everything that clients saw, whatever happened to the server in between: pure functions from a
//! history to what is wrong with it (semantics 2, 3, 5, 9).
//!
//! They must never know how a history came about.

mod log;
mod messages;
mod readers;
mod runs;
mod tests;

use std::fmt;
use std::time::Duration;

use crate::history::History;

/// One way in which a history is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The rule that is broken.
    pub(crate) rule: &'static str,
    /// By what.
    pub(crate) what: String,
}

/// A rule: adds a line for each case that breaks it.
type Rule = fn(&History, &mut Vec<String>);

const RULES: &[(&str, Rule)] = &[
    ("nothing strange is answered", strange_answers),
    ("every accepted run ends once", runs::accepted_end_once),
    ("no run comes from nowhere", runs::none_from_nowhere),
    ("a name never means two runs", runs::names_are_unique),
    ("a prompt is in the history once", runs::prompts_are_once),
    (
        "turns follow the order of acceptance",
        runs::turns_are_in_order,
    ),
    ("a receipt is older than its run", runs::receipts_are_older),
    ("what was stopped never starts", runs::stopped_never_starts),
    ("numbers only go up", log::numbers_go_up),
    ("a log has one epoch", log::one_epoch),
    ("a number means one event", log::numbers_are_unique),
    ("a restart changes nothing", log::restart_changes_nothing),
    (
        "nothing of a run follows its end",
        log::nothing_after_the_end,
    ),
    (
        "every reader is told the story",
        readers::are_told_the_story,
    ),
    ("every reader ends alike", readers::end_alike),
    ("deltas fit together", readers::deltas_fit),
    ("histories are whole", messages::histories_are_whole),
    ("an interrupted run says so", messages::interrupted_say_so),
    ("an end repeats its message", messages::ends_repeat_messages),
    (
        "the model's words are kept",
        messages::words_are_the_model_s,
    ),
    ("what was seen stays", messages::what_was_seen_stays),
];

/// Everything that is wrong with a history.
pub(crate) fn problems(history: &History) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (rule, check) in RULES {
        let mut found = Vec::new();
        check(history, &mut found);
        problems.extend(found.into_iter().map(|what| Problem { rule, what }));
    }
    problems
}

/// How long before a death somebody had seen text that is lost.
pub(crate) fn longest_loss(history: &History) -> Duration {
    messages::longest_loss(history)
}

/// What is wrong, in lines for people: a few cases of each rule.
pub(crate) fn report(problems: &[Problem]) -> String {
    const CASES: usize = 4;
    let mut lines = Vec::new();
    for (rule, _) in RULES {
        let cases: Vec<_> = problems
            .iter()
            .filter(|problem| problem.rule == *rule)
            .collect();
        lines.extend(cases.iter().take(CASES).map(ToString::to_string));
        if cases.len() > CASES {
            lines.push(format!("{rule}: and {} more", cases.len() - CASES));
        }
    }
    lines.join("\n")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

fn strange_answers(history: &History, problems: &mut Vec<String>) {
    problems.extend(history.strange.iter().cloned());
}
