//! Owns the text form of a number of bytes.
//!
//! It must never know what is limited.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

/// Counts bytes; written `65536`, `64KiB`, `1MiB` or `1 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl FromStr for ByteSize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (digits, factor) = UNITS
            .iter()
            .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
            .unwrap_or((text, 1));
        let count: u64 = digits
            .trim_end()
            .parse()
            .map_err(|_| SizeError::NotANumber)?;
        count
            .checked_mul(factor)
            .map(Self)
            .ok_or(SizeError::TooLarge)
    }
}

impl Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .iter()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor))
            .unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

/// Tells why a text is not a number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// The text is not a whole number with a known unit.
    #[error("a size is a whole number of bytes, with `KiB`, `MiB` or `GiB` if you like")]
    NotANumber,
    /// The number does not fit.
    #[error("the size is too large")]
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        let read = |text: &str| text.parse::<ByteSize>().map(|size| size.0);
        assert_eq!(read("0"), Ok(0));
        assert_eq!(read("65536"), Ok(65536));
        assert_eq!(read("64KiB"), Ok(65536));
        assert_eq!(read("32 MiB"), Ok(32 << 20));
        assert_eq!(read("1GiB"), Ok(1 << 30));
        assert_eq!(read("1.5MiB"), Err(SizeError::NotANumber));
        assert_eq!(read("-1"), Err(SizeError::NotANumber));
        assert_eq!(read("17179869184GiB"), Err(SizeError::TooLarge));
    }

    #[test]
    fn a_written_size_reads_back() {
        for size in [0, 1, 1023, 1024, 65536, 1 << 20, (1 << 20) + 1, 3 << 30] {
            assert_eq!(ByteSize(size).to_string().parse(), Ok(ByteSize(size)));
        }
        assert_eq!(ByteSize(1 << 20).to_string(), "1MiB");
    }
}
