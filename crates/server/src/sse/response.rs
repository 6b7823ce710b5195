//! Owns the head of the answer that a stream is.
//!
//! It must never know what is on the stream.

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, Version, header};

/// Tells a proxy in between to pass each event on at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers a request of this version with a stream.
///
/// On HTTP/1.1 the answer is one of HTTP/1.0, so that the close of the connection is what ends the body: existing clients
/// do not notice that a chunked body was cut (semantics 3, "End"). HTTP/2 has its own end of a stream.
pub(crate) fn event_stream(request: Version, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    if request <= Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        *response.version_mut() = Version::HTTP_10;
    }
    response
}
