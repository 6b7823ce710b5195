//! How long a provider asks to wait, in each of the forms there are. Pure: what a date means is told by the date of the
//! answer itself.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The longest wait that is believed. A longer one is a mistake, or as good as a refusal.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait that the headers of an answer ask for.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return believed(millis / 1000.0);
    }
    let asked = text(RETRY_AFTER.as_str())?;
    seconds(asked).or_else(|| {
        let until = date(asked)?;
        let now = date(text(DATE.as_str())?)?;
        let wait = until.duration_since(now).unwrap_or_default();
        Some(wait.min(LONGEST))
    })
}

/// A number of seconds, with or without a fraction.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    believed(text.trim().parse().ok()?)
}

fn believed(seconds: f64) -> Option<Duration> {
    let wait = Duration::try_from_secs_f64(seconds).ok()?;
    Some(wait.min(LONGEST))
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    #[track_caller]
    fn waits(headers: &[(&'static str, &'static str)], wanted: Option<f64>) {
        let headers = headers
            .iter()
            .map(|&(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        assert_eq!(wait(&headers), wanted.map(Duration::from_secs_f64));
    }

    #[test]
    fn every_form_of_a_wait_is_understood() {
        waits(&[], None);
        waits(&[("retry-after", "7")], Some(7.0));
        waits(&[("retry-after", "0.25")], Some(0.25));
        waits(
            &[("retry-after", "7"), ("retry-after-ms", "1500")],
            Some(1.5),
        );
        waits(
            &[
                ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"),
                ("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
            ],
            Some(30.0),
        );
    }

    #[test]
    fn what_is_no_wait_is_none_and_what_is_past_is_over() {
        waits(&[("retry-after", "soon")], None);
        waits(&[("retry-after", "-1")], None);
        waits(&[("retry-after", "NaN")], None);
        waits(&[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")], None);
        waits(
            &[
                ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"),
                ("date", "Wed, 21 Oct 2026 07:29:00 GMT"),
            ],
            Some(0.0),
        );
    }

    #[test]
    fn a_wait_of_more_than_a_day_is_a_day() {
        waits(&[("retry-after", "1e30")], None);
        waits(&[("retry-after", "99999999")], Some(86_400.0));
    }
}
