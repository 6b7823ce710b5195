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
pub(super) enum RequestId {
    Given(HeaderValue),
    /// Written out only where it is read: most requests need it once, in the answer.
    Counted(u64),
}

impl RequestId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = headers
            .get(X_REQUEST_ID)
            .filter(|value| is_plain(value))
            .cloned();
        given.map_or_else(Self::next, Self::Given)
    }

    /// No system call, and sorted as the requests came.
    fn next() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        // Only the number has to be unique; nothing else is ordered by it.
        Self::Counted(COUNT.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn into_header(self) -> HeaderValue {
        match self {
            Self::Given(value) => value,
            Self::Counted(_) => HeaderValue::try_from(self.to_string())
                .expect("invariant: hexadecimal digits are a header value"),
        }
    }
}

impl Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Tells the requests of this process from those of the last one, which counted from 1 too.
        static PROCESS: LazyLock<u32> = LazyLock::new(|| Uuid::new_v4().as_fields().0);
        match self {
            Self::Given(value) => f.write_str(value.to_str().unwrap_or_default()),
            Self::Counted(count) => write!(f, "{:08x}-{count:06x}", *PROCESS),
        }
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
