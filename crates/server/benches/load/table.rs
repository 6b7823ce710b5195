//! Owns the lines of the table and how samples become a figure. It must never know what was measured.

use std::fmt::{self, Display};

/// Samples of ours and of a ceiling, taken in turn: what is noise at one moment hits both of a pair.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pairs {
    ours: Vec<f64>,
    ceiling: Vec<f64>,
}

/// One figure of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    figure: String,
    ours: f64,
    ceiling: Option<f64>,
    ratio: Option<f64>,
    goal: Option<f64>,
}

impl Pairs {
    pub(crate) fn of(ours: &[f64], ceiling: &[f64]) -> Self {
        Self {
            ours: ours.to_vec(),
            ceiling: ceiling.to_vec(),
        }
    }

    /// The median of each column, and the median of the ratios of the pairs; the ratio may be at most `goal`.
    pub(crate) fn row(&self, figure: impl Into<String>, goal: Option<f64>) -> Row {
        let ratios: Vec<f64> = self
            .ours
            .iter()
            .zip(&self.ceiling)
            .map(|(ours, ceiling)| ours / ceiling)
            .collect();
        Row {
            figure: figure.into(),
            ours: median(&self.ours),
            ceiling: Some(median(&self.ceiling)),
            ratio: Some(median(&ratios)),
            goal,
        }
    }
}

impl Row {
    /// A figure that may be at most `limit`.
    pub(crate) fn limited(figure: impl Into<String>, ours: f64, limit: f64) -> Self {
        Self {
            figure: figure.into(),
            ours,
            ceiling: Some(limit),
            ratio: Some(ours / limit),
            goal: Some(1.0),
        }
    }

    /// A figure that is only to be looked at.
    pub(crate) fn only(figure: impl Into<String>, ours: f64) -> Self {
        Self {
            figure: figure.into(),
            ours,
            ceiling: None,
            ratio: None,
            goal: None,
        }
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
        let goal = self
            .goal
            .map_or_else(|| "-".to_owned(), |goal| format!("<= {goal}"));
        let met = match (self.goal, self.ratio) {
            // Compared as it is printed: the third digit is noise.
            (Some(goal), Some(ratio)) if ratio < goal + 0.005 => "yes",
            (Some(_), _) => "NO",
            (None, _) => "-",
        };
        let (ours, ceiling, ratio) = (short(self.ours), cell(self.ceiling), cell(self.ratio));
        write!(
            f,
            "{} | {ours} | {ceiling} | {ratio} | {goal} | {met}",
            self.figure
        )
    }
}

/// Prints the head of the table.
pub(crate) fn print_head() {
    say(&"figure | ours | ceiling | ratio | goal | met");
}

/// Prints a figure as soon as it is known.
pub(crate) fn print(row: &Row) {
    say(row);
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn say(line: &dyn Display) {
    println!("{line}");
}

/// The middle one of the values; zero of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that so great a part of the others does not exceed; zero of none.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let place = values.len() as f64 * part;
    values.get(place as usize).copied().unwrap_or_default()
}

/// Three figures are all that such a measurement has.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}
