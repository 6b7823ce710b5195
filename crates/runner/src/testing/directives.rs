//! Makes a script of what a prompt asks for in double brackets. Pure: text in, script out.

use std::time::Duration;

use super::{Cut, Failure, Script};
use crate::StopReason;

/// What a prompt asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Directives {
    say: Option<usize>,
    delay_ms: Option<u64>,
    status: Option<u16>,
    times: Option<usize>,
    truncate: bool,
}

/// Makes the script for a prompt that has been obeyed `tries` times before.
pub(super) fn script(prompt: &str, tries: Option<usize>) -> Script {
    let asked = Directives::of(prompt);
    let fails = asked.times.is_none_or(|times| tries.unwrap_or(0) < times);
    if let Some(status) = asked.status.filter(|_| fails) {
        return Script::failing(Failure::status(status, format!("fake status {status}")));
    }
    asked.speech(prompt)
}

impl Directives {
    fn of(prompt: &str) -> Self {
        let mut found = Self::default();
        let mut left = prompt;
        while let Some((_, from)) = left.split_once("[[")
            && let Some((inside, after)) = from.split_once("]]")
        {
            found.note(inside.trim());
            left = after;
        }
        found
    }

    fn note(&mut self, inside: &str) {
        let (name, value) = inside.split_once(' ').unwrap_or((inside, ""));
        let value = value.trim();
        match name {
            "say" => self.say = value.parse().ok(),
            "delay" => self.delay_ms = value.parse().ok(),
            "status" => self.status = value.parse().ok(),
            "times" => self.times = value.parse().ok(),
            "truncate" => self.truncate = true,
            _ => {}
        }
    }

    fn speech(&self, prompt: &str) -> Script {
        let words = self.say.unwrap_or(1);
        let said = if self.truncate { words / 2 } else { words };
        // No tokens are counted here; four bytes for each is near enough.
        let read = prompt.len().div_ceil(4) as u64;
        let mut script = Script::new().tokens(read, words as u64);
        for word in 0..said {
            if let Some(delay) = self.delay_ms.filter(|_| word > 0) {
                script = script.pause(Duration::from_millis(delay));
            }
            script = script.text(format!("tok{word} "));
        }
        if self.truncate {
            script.cut(Cut::Close)
        } else {
            script.stop(StopReason::EndTurn)
        }
    }
}

#[cfg(test)]
mod tests;
