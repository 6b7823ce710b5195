//! Reads the directives in a prompt. Pure: text in, values out. What is not a directive stays what it is.

/// The most words, steps and milliseconds that a prompt can ask for, so that a slip of a finger ends some day.
const MAX_WORDS: usize = 100_000;
const MAX_STEPS: usize = 100;
const MAX_DELAY_MS: u64 = 60_000;

/// What a prompt asks for in double brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Directives {
    /// How many words to say.
    pub(super) say: Option<usize>,
    /// How long to wait before each word.
    pub(super) delay_ms: Option<u64>,
    /// In how many steps to work.
    pub(super) steps: Option<usize>,
    /// With what text to fail.
    pub(super) fail: Option<String>,
    /// Whether to panic.
    pub(super) panic: bool,
    /// Whether to hang.
    pub(super) hang: bool,
    /// The prompt without its directives.
    pub(super) rest: String,
}

impl Directives {
    pub(super) fn of(prompt: &str) -> Self {
        let mut found = Self::default();
        let mut rest = String::with_capacity(prompt.len());
        let mut left = prompt;
        while let Some((before, inside, after)) = next_brackets(left) {
            rest.push_str(before);
            if !found.note(inside) {
                rest.push_str("[[");
                rest.push_str(inside);
                rest.push_str("]]");
            }
            left = after;
        }
        rest.push_str(left);
        found.rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        found
    }

    /// Whether the prompt directs the model at all.
    pub(super) fn any(&self) -> bool {
        *self
            != Self {
                rest: self.rest.clone(),
                ..Self::default()
            }
    }

    /// Notes one directive; `false` if it is none.
    fn note(&mut self, inside: &str) -> bool {
        let (name, value) = inside.trim().split_once(' ').unwrap_or((inside.trim(), ""));
        let value = value.trim();
        match name {
            "say" => note_number(&mut self.say, value, MAX_WORDS),
            "steps" => note_number(&mut self.steps, value, MAX_STEPS),
            "delay" => {
                let number = value.parse().ok();
                self.delay_ms = number.map(|ms: u64| ms.min(MAX_DELAY_MS)).or(self.delay_ms);
                number.is_some()
            }
            "fail" => {
                self.fail = Some(value.to_owned());
                true
            }
            "panic" => set(&mut self.panic),
            "hang" => set(&mut self.hang),
            _ => false,
        }
    }
}

fn note_number(slot: &mut Option<usize>, value: &str, max: usize) -> bool {
    let number = value.parse().ok();
    *slot = number.map(|number: usize| number.min(max)).or(*slot);
    number.is_some()
}

fn set(flag: &mut bool) -> bool {
    *flag = true;
    true
}

/// Splits at the next pair of double brackets: what is before it, in it, and after it.
fn next_brackets(text: &str) -> Option<(&str, &str, &str)> {
    let (before, from) = text.split_once("[[")?;
    let (inside, after) = from.split_once("]]")?;
    Some((before, inside, after))
}

#[cfg(test)]
mod tests;
