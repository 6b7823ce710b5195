//! Owns the pace of a reader of messages that are being written (semantics 3, last rule): whole-message snapshots cost it
//! at most about 128 KiB a second, and no snapshot waits longer than 250 ms. Pure.
//!
//! A reader of deltas has the same clock: one tick gathers the words of a fast model into one frame, which is what makes
//! them cheap, and the first words after a pause come at once. What it is sent does not depend on the length of the
//! message, so only snapshots that had to be sent as a whole make it wait longer than a tick.
//!
//! It must never know the time.

use std::time::Duration;

/// One tick of the clock that readers are paced by.
pub(super) const TICK: Duration = Duration::from_millis(33);

/// What one tick may cost: 128 KiB a second.
const BYTES_PER_TICK: usize = 128 * 1024 * 33 / 1000;

/// The longest wait in ticks: 231 ms, the last multiple below 250 ms.
const MAX_TICKS: u64 = 7;

/// Returns after how many ticks a reader looks for more that was sent so many bytes of whole messages which are still being
/// written.
///
/// The snapshots of all messages count together: it is the reader's cost that is bounded.
pub(super) fn ticks(bytes: usize) -> u64 {
    let ticks = u64::try_from(bytes.div_ceil(BYTES_PER_TICK)).unwrap_or(u64::MAX);
    ticks.clamp(1, MAX_TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_messages_come_with_every_tick_and_none_waits_a_quarter_of_a_second() {
        let table = [
            (0, 1),
            (1, 1),
            (4_325, 1),
            (4_326, 2),
            (8_651, 3),
            (30_275, 7),
            (30_276, 7),
            (usize::MAX, 7),
        ];
        for (bytes, expect) in table {
            assert_eq!(ticks(bytes), expect, "{bytes}");
        }
        assert!(TICK * u32::try_from(MAX_TICKS).expect("small") <= Duration::from_millis(250));
    }

    #[test]
    fn a_reader_is_sent_at_most_128_kib_a_second_up_to_the_longest_wait() {
        for bytes in (0..=30_275).step_by(25) {
            let per_second = bytes as f64 / (ticks(bytes) as f64 * TICK.as_secs_f64());
            assert!(
                per_second <= 131_072.0,
                "{bytes} bytes: {per_second} a second"
            );
        }
    }
}
