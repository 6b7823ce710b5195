//! Timestamps: known dates, and a round trip over all years.

use proptest::prelude::*;
use runwright_proto::Timestamp;

#[test]
fn known_moments_are_written_as_they_are_known() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_709_164_800, "2024-02-29T00:00:00Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (1_795_357_488, "2026-11-22T14:24:48Z"),
        (-62_135_596_800, "0001-01-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
        (i64::MIN, "0001-01-01T00:00:00Z"),
        (i64::MAX, "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(Timestamp::from_unix_seconds(seconds).to_string(), text);
    }
}

#[test]
fn offsets_and_fractions_are_read() {
    for text in [
        "2026-11-22T14:24:48Z",
        "2026-11-22t14:24:48z",
        "2026-11-22T14:24:48.999999999Z",
        "2026-11-22T16:54:48+02:30",
        "2026-11-22T04:24:48.5-10:00",
    ] {
        assert_eq!(
            text.parse(),
            Ok(Timestamp::from_unix_seconds(1_795_357_488)),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "now",
        "2026-11-22",
        "2026-11-22T14:24:48",
        "2026-11-22 14:24:48Z",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00Zx",
        "+026-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T00:00:0\u{e9}Z",
    ] {
        assert!(text.parse::<Timestamp>().is_err(), "{text:?}");
    }
}

/// The calendar repeats itself every 400 years: looked at are the first ones and the ones around 1970.
#[test]
fn every_day_follows_the_day_before() {
    const CYCLE: i64 = 146_097;
    for first in [-719_162, -CYCLE / 2] {
        let mut before = String::new();
        for day in first..first + CYCLE {
            let moment = Timestamp::from_unix_seconds(day * 86_400);
            let text = moment.to_string();
            assert!(before < text, "{before} {text}");
            assert_eq!(text.parse(), Ok(moment), "{text}");
            before = text;
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(seconds in -62_135_596_800_i64..=253_402_300_799) {
        let moment = Timestamp::from_unix_seconds(seconds);
        prop_assert_eq!(moment.unix_seconds(), seconds);
        prop_assert_eq!(moment.to_string().parse(), Ok(moment));
    }
}
