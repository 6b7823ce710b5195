//! What differs from the recorded server on purpose, and why. A difference that is not here fails the test, and so does
//! one that is here and was not seen.

use super::story::Step;

/// One deliberate difference.
struct Difference {
    /// The conversations in which it shows.
    shows_in: &'static [&'static str],
    what: What,
    reason: &'static str,
}

enum What {
    /// Members of answers; the text begins like this.
    Answer(&'static str),
    /// The story of the events.
    Story(fn(Vec<Step>) -> Vec<Step>),
}

const ALL: &[&str] = &[
    "run-plain",
    "run-continue",
    "run-sigint",
    "tui",
    "run-fail",
    "run-fail-retry",
    "run-truncate",
];

/// Those that the offline model answers.
const OFFLINE: &[&str] = &["run-plain", "run-continue", "run-sigint", "tui"];

/// Those that a provider answers.
const PROVIDER: &[&str] = &["run-fail", "run-fail-retry", "run-truncate"];

const TABLE: &[Difference] = &[
    Difference {
        shows_in: ALL,
        what: What::Answer("POST /v1/workspaces .env: missing"),
        reason: "the environment of a client is a secret of that client and never sent back (semantics 4)",
    },
    Difference {
        shows_in: ALL,
        what: What::Answer("POST /v1/workspaces .skills: missing"),
        reason: "there are no skills; the contract leaves an empty list out",
    },
    Difference {
        shows_in: ALL,
        what: What::Answer("POST /v1/workspaces .config"),
        reason: "the configuration is this server's own: its provider, and only options that mean something to it",
    },
    Difference {
        shows_in: &["tui"],
        what: What::Answer("GET /v1/workspaces/* ."),
        reason: "as in the answer to the create",
    },
    Difference {
        shows_in: &["tui"],
        what: What::Answer("GET /v1/workspaces/*/sessions/* .todos: missing"),
        reason: "the to-do list was written by a tool whose prompt is left out here",
    },
    Difference {
        shows_in: OFFLINE,
        what: What::Answer("GET /v1/workspaces/*/agent .model_cfg .max_tokens: missing"),
        reason: "nobody configured a limit for the offline model; the contract leaves zero out",
    },
    Difference {
        shows_in: &["run-plain", "run-continue", "tui", "run-fail-retry"],
        what: What::Story(terminal_event_after_the_last_message),
        reason: "the terminal event comes after all messages of its turn were flushed (semantics 2.4); the recorded \
                 server lets it overtake them",
    },
    Difference {
        shows_in: &["tui"],
        what: What::Story(nothing_is_announced_that_did_not_change),
        reason: "a project needs no preparation here, so asking for it changes no configuration",
    },
    Difference {
        shows_in: &["tui"],
        what: What::Story(one_terminal_event_for_each_run),
        reason: "each accepted run has its own terminal event when it ends (semantics 2.4); the recorded server leaves \
                 out that of a run with a successor",
    },
    Difference {
        shows_in: &["tui"],
        what: What::Story(a_cleared_prompt_is_a_cancelled_turn),
        reason: "a cancelled run that never started still writes its prompt and says how it ended (semantics 2.3); the \
                 recorded server drops it without a trace",
    },
    Difference {
        shows_in: &["run-sigint"],
        what: What::Story(runs_go_on_without_clients),
        reason: "a run outlives its clients (semantics 4); the recorded server cancels it when the last one leaves",
    },
    Difference {
        shows_in: &["run-fail", "run-truncate"],
        what: What::Story(failure_after_the_last_message),
        reason: "how a run ended is told after all messages of its turn were flushed (semantics 2.4), its error as its \
                 terminal event",
    },
    Difference {
        shows_in: PROVIDER,
        what: What::Story(the_title_comes_last),
        reason: "a title never delays the end of a run: the provider keeps it back until the run has ended, which the \
                 one that was recorded with did not",
    },
];

/// The differences of one conversation, and which of them were seen.
pub(super) struct Differences {
    rows: Vec<(&'static Difference, bool)>,
}

impl Differences {
    pub(super) fn of(conversation: &str) -> Self {
        let rows = TABLE
            .iter()
            .filter(|row| row.shows_in.contains(&conversation));
        Self {
            rows: rows.map(|row| (row, false)).collect(),
        }
    }

    /// Notes a difference between two answers; one that is not in the table fails.
    #[track_caller]
    pub(super) fn expect(&mut self, found: &str) {
        let row = self.rows.iter_mut().find(|(row, _)| match row.what {
            What::Answer(begin) => found.starts_with(begin),
            What::Story(_) => false,
        });
        let (_, seen) = row.unwrap_or_else(|| panic!("not as recorded: {found}"));
        *seen = true;
    }

    /// The recorded story, as it would be told here.
    pub(super) fn applied_to(&mut self, recorded: Vec<Step>) -> Vec<Step> {
        let mut story = recorded;
        for (row, seen) in &mut self.rows {
            if let What::Story(retell) = row.what {
                let retold = retell(story.clone());
                *seen |= retold != story;
                story = retold;
            }
        }
        story
    }

    pub(super) fn each_was_seen(&self) {
        let unseen: Vec<&str> = self
            .rows
            .iter()
            .filter(|(_, seen)| !seen)
            .map(|(row, _)| row.reason)
            .collect();
        assert!(
            unseen.is_empty(),
            "deliberate differences that did not show: {unseen:#?}"
        );
    }
}

fn nothing_is_announced_that_did_not_change(mut story: Vec<Step>) -> Vec<Step> {
    story.retain(|step| !step.what.starts_with("config_changed"));
    story
}

fn terminal_event_after_the_last_message(mut story: Vec<Step>) -> Vec<Step> {
    for turn in turns(&story) {
        let of_turn = |step: &Step| step.turn == turn;
        let ends = |step: &Step| of_turn(step) && step.what.starts_with("run_complete");
        let last =
            |step: &Step| of_turn(step) && step.what.starts_with("message updated assistant");
        let (Some(end), Some(last)) = (story.iter().position(ends), story.iter().rposition(last))
        else {
            continue;
        };
        // It follows the last message, and the notice that the agent has finished follows it.
        let step = story.remove(end);
        story.insert(if end < last { last } else { last + 1 }, step);
    }
    story
}

fn one_terminal_event_for_each_run(mut story: Vec<Step>) -> Vec<Step> {
    for turn in turns(&story) {
        let ended = story
            .iter()
            .any(|step| step.turn == turn && step.what.starts_with("run_complete"));
        let finished =
            |step: &Step| step.turn == turn && step.what == "agent_event created agent_finished";
        if let (false, Some(at)) = (ended, story.iter().position(finished)) {
            let what = "run_complete updated completed".to_owned();
            story.insert(at, Step { what, turn });
        }
    }
    story
}

fn a_cleared_prompt_is_a_cancelled_turn(mut story: Vec<Step>) -> Vec<Step> {
    let turn = "queued [[say 2]]";
    let slow = |step: &Step| step.turn == "slow [[say 100]] [[delay 60]]";
    let Some(begun) = story
        .iter()
        .position(|step| slow(step) && step.what == "message created assistant begun")
    else {
        return story;
    };
    // It is cleared while the slow run goes on.
    let step = |what: &str| Step {
        what: what.to_owned(),
        turn: turn.to_owned(),
    };
    let cleared = [
        "message created user stop",
        "message created assistant begun",
        "message updated assistant canceled",
        "run_complete updated cancelled, with a text",
    ];
    story.splice(begun + 1..begun + 1, cleared.map(step));
    story
}

fn runs_go_on_without_clients(mut story: Vec<Step>) -> Vec<Step> {
    // The recorded run ends here, cancelled; this one goes on to its own end.
    story.retain(|step| !step.what.contains("cancel") && step.what != "session updated");
    let turn = story
        .last()
        .map(|step| step.turn.clone())
        .unwrap_or_default();
    let step = |what: &str| Step {
        what: what.to_owned(),
        turn: turn.clone(),
    };
    let goes_on = [
        "session updated",
        "message updated assistant end_turn",
        "run_complete updated completed",
        "agent_event created agent_finished",
    ];
    story.extend(goes_on.map(step));
    story
}

fn failure_after_the_last_message(mut story: Vec<Step>) -> Vec<Step> {
    let fails = |step: &Step| step.what == "agent_event created error";
    let last = |step: &Step| step.what.starts_with("message updated assistant");
    if let (Some(failure), Some(last)) =
        (story.iter().position(fails), story.iter().rposition(last))
    {
        let step = story.remove(failure);
        // The message has moved up by one if it came later.
        story.insert(if failure < last { last } else { last + 1 }, step);
    }
    story
}

fn the_title_comes_last(mut story: Vec<Step>) -> Vec<Step> {
    let is_session = |step: &Step| step.what == "session updated";
    if let Some(at) = story.iter().position(is_session) {
        let title = story.remove(at);
        story.push(title);
    }
    story
}

/// The prompts of a story in their order.
fn turns(story: &[Step]) -> Vec<String> {
    let mut turns: Vec<String> = Vec::new();
    for step in story {
        if !step.turn.is_empty() && !turns.contains(&step.turn) {
            turns.push(step.turn.clone());
        }
    }
    turns
}
