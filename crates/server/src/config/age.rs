//! Owns the text form of a length of time that people count in days.
//!
//! It must never know what lasts that long.

use std::{
    fmt::{self, Display},
    str::FromStr,
    time::Duration,
};

/// A length of time in whole seconds, at least one; written `90`, `90s`, `15m`, `12h` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(Duration);

const UNITS: [(&str, u64); 4] = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

impl Age {
    /// Returns it as a duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Age {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (digits, factor) = UNITS
            .iter()
            .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
            .unwrap_or((text, 1));
        let count: u64 = digits
            .trim_end()
            .parse()
            .map_err(|_| AgeError::NotANumber)?;
        let seconds = count.checked_mul(factor).ok_or(AgeError::TooLong)?;
        if seconds == 0 {
            return Err(AgeError::Nothing);
        }
        Ok(Self(Duration::from_secs(seconds)))
    }
}

impl Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (unit, factor) = UNITS
            .iter()
            .find(|(_, factor)| seconds.is_multiple_of(*factor))
            .unwrap_or(&("s", 1));
        write!(f, "{}{unit}", seconds / factor)
    }
}

/// Tells why a text is not a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    /// The text is not a whole number with a known unit.
    #[error("a length of time is a whole number of seconds, with `m`, `h` or `d` if you like")]
    NotANumber,
    /// It is zero.
    #[error("at least one second")]
    Nothing,
    /// The number does not fit.
    #[error("the time is too long")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_with_and_without_units() {
        let read = |text: &str| text.parse::<Age>().map(|age| age.duration().as_secs());
        assert_eq!(read("90"), Ok(90));
        assert_eq!(read("90s"), Ok(90));
        assert_eq!(read("15 m"), Ok(900));
        assert_eq!(read("12h"), Ok(43_200));
        assert_eq!(read("7d"), Ok(604_800));
        assert_eq!(read("0"), Err(AgeError::Nothing));
        assert_eq!(read("1.5d"), Err(AgeError::NotANumber));
        assert_eq!(read("-1"), Err(AgeError::NotANumber));
        assert_eq!(read("d"), Err(AgeError::NotANumber));
        assert_eq!(read("999999999999999999d"), Err(AgeError::TooLong));
    }

    #[test]
    fn a_written_length_of_time_reads_back() {
        for text in ["1s", "59s", "1m", "90s", "1h", "36h", "7d"] {
            let age: Age = text.parse().expect("a length of time");
            assert_eq!(age.to_string(), text);
        }
    }
}
