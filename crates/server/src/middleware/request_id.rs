//! Owns the name of a request, which the log, the answer and a bug report share.
//!
//! It must never know what the request is about.

use std::{
    fmt::{self, Display},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header, in both directions.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a client.
const MAX_LEN: usize = 64;

/// Names one request. It is the client's own `x-request-id` where that is short and plain, since it ends up in the log,
/// else one that no other request has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        headers
            .get(X_REQUEST_ID)
            .filter(|value| is_plain(value))
            .cloned()
            .map_or_else(Self::next, Self)
    }

    /// A random number of this process and a count: no system call, and sorted as the requests came.
    fn next() -> Self {
        static PROCESS: LazyLock<u32> = LazyLock::new(|| Uuid::new_v4().as_fields().0);
        static COUNT: AtomicU64 = AtomicU64::new(1);
        // Only the number has to be unique; nothing else is ordered by it.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let text = format!("{:08x}-{count:06x}", *PROCESS);
        Self(
            HeaderValue::from_str(&text).expect("invariant: hexadecimal digits are a header value"),
        )
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

fn is_plain(value: &HeaderValue) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=MAX_LEN).contains(&value.len()) && value.as_bytes().iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> RequestId {
        let value = HeaderValue::from_str(value).expect("header value");
        RequestId::of(&HeaderMap::from_iter([(X_REQUEST_ID, value)]))
    }

    #[test]
    fn a_plain_id_is_taken_over_and_any_other_replaced() {
        assert_eq!(of("build-7.3_a").to_string(), "build-7.3_a");
        for bad in [
            "",
            "a b",
            "\u{1b}[31m".trim_start_matches('\u{1b}'),
            "a\"b",
            &"x".repeat(65),
        ] {
            assert_ne!(of(bad).to_string(), bad);
        }
        assert_ne!(
            RequestId::of(&HeaderMap::new()),
            RequestId::of(&HeaderMap::new())
        );
    }
}
