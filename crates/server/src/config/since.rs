//! Owns the text form of a moment in the past.
//!
//! It must never know what happened then.

use std::str::FromStr;

use runwright_proto::Timestamp;

use super::Age;

/// A moment in the past: so long ago (`90s`, `2h`, `7d`), or a time (`2026-11-22T14:00:00Z`, `2026-11-22`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long before now.
    Ago(Age),
    /// At this time.
    At(Timestamp),
}

impl Since {
    /// Returns it in milliseconds since 1970, when it is `now_ms`.
    #[must_use]
    pub fn millis(self, now_ms: i64) -> i64 {
        match self {
            Self::Ago(age) => {
                let ago = i64::try_from(age.duration().as_millis()).unwrap_or(i64::MAX);
                now_ms.saturating_sub(ago)
            }
            Self::At(time) => time.unix_seconds() * 1000,
        }
    }
}

impl FromStr for Since {
    type Err = SinceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let midnight = || format!("{text}T00:00:00Z").parse().ok();
        let time = text.parse().ok().or_else(midnight);
        time.map(Self::At)
            .or_else(|| text.parse().ok().map(Self::Ago))
            .ok_or(SinceError)
    }
}

/// The text is not a moment in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("how long ago, as `2h` or `7d`, or when, as `2026-11-22` or `2026-11-22T14:00:00Z`")]
pub struct SinceError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_so_long_ago_or_at_a_time() {
        let now = 1_795_357_488_123;
        let read = |text: &str| text.parse::<Since>().map(|since| since.millis(now));
        assert_eq!(read("90"), Ok(now - 90_000));
        assert_eq!(read("2h"), Ok(now - 7_200_000));
        assert_eq!(read("2026-11-22T14:24:48Z"), Ok(1_795_357_488_000));
        assert_eq!(read("2026-11-22T15:24:48+01:00"), Ok(1_795_357_488_000));
        assert_eq!(read("2026-11-22"), Ok(1_795_305_600_000));
        assert_eq!(read("999999999999d"), Ok(now - i64::MAX));
        for wrong in ["", "yesterday", "2026-11", "-1h", "2026-13-01"] {
            assert_eq!(read(wrong), Err(SinceError), "{wrong}");
        }
    }
}
