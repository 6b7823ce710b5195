//! Owns the place of an event in a workspace's story: epoch, sequence number, and the cursor a reader resumes from.
//!
//! It must never know what is kept of the story, nor how a gap is found.

use std::{
    fmt::{self, Display},
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ParseIdError, string_conversions, string_id::string_id};

string_id! {
    /// Names one life of an event log; a new one means that the log before it is lost (semantics 1).
    ///
    /// An opaque text of lower-case letters and digits: compare it for equality only.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::Epoch;
    ///
    /// assert!("k3v9".parse::<Epoch>().is_ok());
    /// assert!("k3-v9".parse::<Epoch>().is_err(), "the dash separates epoch and number in a cursor");
    /// ```
    Epoch, "epoch", 32, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

impl Epoch {
    /// Makes a new random epoch of at most 13 characters, short because every frame repeats it.
    #[must_use]
    pub fn generate() -> Self {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        // Both halves of a UUID hold a few fixed bits, in different places: mixed, every bit is random.
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let mut rest = high ^ low.rotate_left(32);
        let mut text = String::new();
        loop {
            text.push(char::from(DIGITS[(rest % 36) as usize]));
            rest /= 36;
            if rest == 0 {
                return Self(Arc::from(text));
            }
        }
    }
}

/// Numbers the events of a workspace: 1, 2, 3 …, never twice and never backwards within an epoch.
///
/// Zero is the place before the first event.
///
/// # Examples
///
/// ```
/// use runwright_proto::Seq;
///
/// assert_eq!(Seq::ZERO.next(), Seq(1));
/// assert_eq!(serde_json::to_string(&Seq(7)).unwrap(), "7");
/// ```
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The place before the first event.
    pub const ZERO: Self = Self(0);

    /// Returns the number of the next event.
    ///
    /// # Panics
    ///
    /// After 2⁶⁴ − 1 events, which no server lives to see.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(
            self.0
                .checked_add(1)
                .expect("invariant: a log never holds 2^64 events"),
        )
    }
}

impl Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl From<u64> for Seq {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<Seq> for u64 {
    fn from(seq: Seq) -> Self {
        seq.0
    }
}

/// Says where a stream of events begins: the value of `?after=` and of `Last-Event-ID` (semantics 3).
///
/// # Examples
///
/// ```
/// use runwright_proto::{Cursor, Seq};
///
/// assert_eq!("now".parse(), Ok(Cursor::Now));
/// assert_eq!("0".parse(), Ok(Cursor::Start));
/// let after = Cursor::After { epoch: "k3v9".parse()?, seq: Seq(41) };
/// assert_eq!(after.to_string(), "k3v9-41");
/// # Ok::<(), runwright_proto::ParseIdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cursor {
    /// Everything that is kept, written `0`.
    Start,
    /// Only what comes from now on, written `now`.
    Now,
    /// What came after this event, written `<epoch>-<seq>`.
    After {
        /// The epoch in which the number was seen.
        epoch: Epoch,
        /// The last number that was seen.
        seq: Seq,
    },
}

impl Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("0"),
            Self::Now => f.write_str("now"),
            Self::After { epoch, seq } => write!(f, "{epoch}-{seq}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        match text {
            "0" => return Ok(Self::Start),
            "now" => return Ok(Self::Now),
            _ => {}
        }
        let (epoch, seq) = text.split_once('-').ok_or(ParseIdError::NotCursor)?;
        // The standard parser of numbers also takes a plus sign, which would make two spellings of one cursor.
        if !seq.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseIdError::NotCursor);
        }
        let seq = seq.parse().map(Seq).map_err(|_| ParseIdError::NotCursor)?;
        Ok(Self::After {
            epoch: epoch.parse()?,
            seq,
        })
    }
}

string_conversions!(Cursor);
