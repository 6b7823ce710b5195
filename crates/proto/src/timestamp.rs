//! Owns [`Timestamp`], the few times that are RFC 3339 texts on the wire instead of Unix seconds.
//!
//! It must never know what time it is.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use crate::ParseWordError;

/// Seconds from year 1 to 1970, both at their beginning.
const YEAR_ONE: i64 = -62_135_596_800;
/// The last second of year 9999.
const YEAR_LAST: i64 = 253_402_300_799;
const SECONDS_PER_DAY: i64 = 86_400;

/// Is a moment that is an RFC 3339 text on the wire, down to a second.
///
/// The contract writes "never" as the first second of year 1, which is also the default here. Reading takes any offset
/// and drops fractions of a second; writing is always in UTC.
///
/// # Examples
///
/// ```
/// use runwright_proto::Timestamp;
///
/// assert_eq!(Timestamp::default().to_string(), "0001-01-01T00:00:00Z");
/// let moment = Timestamp::from_unix_seconds(1_795_357_488);
/// assert_eq!(moment.to_string(), "2026-11-22T14:24:48Z");
/// assert_eq!("2026-11-22T15:24:48.25+01:00".parse(), Ok(moment));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The contract's word for "never": the first second of year 1.
    pub const NEVER: Self = Self(YEAR_ONE);

    /// Makes the moment that is `seconds` after the beginning of 1970 in UTC, or the nearest one in the years 1 to 9999.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        if seconds < YEAR_ONE {
            Self(YEAR_ONE)
        } else if seconds > YEAR_LAST {
            Self(YEAR_LAST)
        } else {
            Self(seconds)
        }
    }

    /// Returns the seconds since the beginning of 1970 in UTC.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::NEVER
    }
}

impl Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of_day(self.0.div_euclid(SECONDS_PER_DAY));
        let second = self.0.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl FromStr for Timestamp {
    type Err = ParseWordError;

    fn from_str(text: &str) -> Result<Self, ParseWordError> {
        parse(text)
            .map(Self::from_unix_seconds)
            .ok_or_else(|| ParseWordError::new("timestamp", ["an RFC 3339 time"]))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::id::deserialize_from_str(deserializer)
    }
}

/// Reads `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)` as Unix seconds.
fn parse(text: &str) -> Option<i64> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let bytes = date_time.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators
        .iter()
        .any(|&(at, separator)| !bytes[at].eq_ignore_ascii_case(&separator))
    {
        return None;
    }
    let (year, month, day) = (
        digits(&bytes[..4])?,
        digits(&bytes[5..7])?,
        digits(&bytes[8..10])?,
    );
    let (hour, minute, second) = (
        digits(&bytes[11..13])?,
        digits(&bytes[14..16])?,
        digits(&bytes[17..19])?,
    );
    // A leap second, 60, is read as the second after it.
    if year == 0 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = day_of_date(year, month, day)?;
    Some(days * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second - offset(rest)?)
}

/// Reads what follows the second, and returns the offset from UTC in seconds.
fn offset(rest: &str) -> Option<i64> {
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
            (zone.len() < fraction.len()).then_some(zone)?
        }
        None => rest,
    };
    let (sign, hours, minutes) = match zone.as_bytes() {
        [b'Z' | b'z'] => return Some(0),
        [b'+', h1, h2, b':', m1, m2] => (1, digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
        [b'-', h1, h2, b':', m1, m2] => (-1, digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
    })
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Counts the days from the beginning of 1970 to the beginning of `year`.
const fn day_of_year(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before / 4 - before / 100 + before / 400 - 719_162
}

/// Counts the days from the beginning of 1970 to a date, if there is such a date.
fn day_of_date(year: i64, month: i64, day: i64) -> Option<i64> {
    let exists = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    exists.then(|| {
        day_of_year(year)
            + (1..month)
                .map(|month| days_in_month(year, month))
                .sum::<i64>()
            + day
            - 1
    })
}

/// Finds the date of a day counted from the beginning of 1970, in the years 1 to 9999.
fn date_of_day(day: i64) -> (i64, i64, i64) {
    // By the mean length of a year, which is at most one year off.
    let mut year = (day + 719_162) * 400 / 146_097 + 1;
    if day_of_year(year) > day {
        year -= 1;
    } else if day_of_year(year + 1) <= day {
        year += 1;
    }
    let mut rest = day - day_of_year(year);
    let mut month = 1;
    while rest >= days_in_month(year, month) {
        rest -= days_in_month(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}
