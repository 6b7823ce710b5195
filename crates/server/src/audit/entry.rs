//! Owns one line of the audit log.
//!
//! It must never know where the line is written.

use http::{HeaderValue, Method, StatusCode, Uri, header::LOCATION};
use serde::Serialize;

use crate::{guard::Principal, listen::Peer};

/// The longest request target that is kept; ids are far shorter, and what is longer is noise.
const MAX_TARGET: usize = 512;

/// What is known of a request before it is answered.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) principal: Option<Principal>,
    pub(super) peer: Option<Peer>,
    pub(super) method: Method,
    pub(super) target: Uri,
}

/// One line of the audit log, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// When the request was answered, in milliseconds since 1970.
    pub time_ms: i64,
    /// What is known of it: one JSON object, without a line break.
    pub json: String,
}

/// What the object of a line says.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time_ms: i64,
    principal: String,
    peer: Option<String>,
    method: &'a str,
    target: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
}

/// A request and its answer.
#[derive(Debug)]
pub(super) struct Entry {
    request: Request,
    time_ms: i64,
    status: StatusCode,
    location: Option<HeaderValue>,
}

impl Request {
    /// Keeps what the log says of a request that may change something; `None` for one that only reads.
    pub(super) fn of<B>(request: &http::Request<B>) -> Option<Self> {
        let reads = [Method::GET, Method::HEAD, Method::OPTIONS];
        if reads.contains(request.method()) {
            return None;
        }
        Some(Self {
            principal: request.extensions().get().copied(),
            peer: request.extensions().get().copied(),
            method: request.method().clone(),
            target: request.uri().clone(),
        })
    }

    pub(super) fn answered<B>(self, response: &http::Response<B>, time_ms: i64) -> Entry {
        Entry {
            request: self,
            time_ms,
            status: response.status(),
            location: response.headers().get(LOCATION).cloned(),
        }
    }
}

impl Entry {
    /// Makes the line. JSON escapes every control character, so a target cannot forge a line.
    pub(super) fn line(&self) -> AuditLine {
        let target = self.request.target.path_and_query();
        let target = target.map_or("/", |target| target.as_str());
        let line = Line {
            time_ms: self.time_ms,
            principal: principal(self.request.principal),
            peer: self.request.peer.map(|peer| peer.to_string()),
            method: self.request.method.as_str(),
            target: &target[..target.floor_char_boundary(MAX_TARGET)],
            status: self.status.as_u16(),
            location: self.location.as_ref().and_then(|value| value.to_str().ok()),
        };
        AuditLine {
            time_ms: self.time_ms,
            json: serde_json::to_string(&line)
                .expect("invariant: a line has string keys and writes to memory"),
        }
    }
}

fn principal(principal: Option<Principal>) -> String {
    match principal {
        Some(Principal::Uid(uid)) => format!("uid:{uid}"),
        Some(Principal::Token) => "token".to_owned(),
        Some(Principal::Anonymous) | None => "anonymous".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_did_what_and_what_was_answered() {
        let request = http::Request::post("/v1/workspaces/w/agent?x=%0a")
            .extension(Principal::Uid(1000))
            .extension(Peer::Unix {
                uid: 1000,
                pid: Some(7),
            })
            .body(())
            .expect("a request");
        let response = http::Response::builder()
            .status(202)
            .header(LOCATION, "/v1/workspaces/w/runs/r")
            .body(())
            .expect("a response");
        let kept = Request::of(&request).expect("a post may change something");
        let kept = kept.answered(&response, 5).line();
        let line: serde_json::Value = serde_json::from_str(&kept.json).expect("JSON");
        let expected = serde_json::json!({
            "time_ms": 5,
            "principal": "uid:1000",
            "peer": Peer::Unix { uid: 1000, pid: Some(7) }.to_string(),
            "method": "POST",
            "target": "/v1/workspaces/w/agent?x=%0a",
            "status": 202,
            "location": "/v1/workspaces/w/runs/r",
        });
        assert_eq!((kept.time_ms, line), (5, expected));
        assert!(!kept.json.contains('\n'));
    }

    #[test]
    fn what_only_reads_is_not_kept() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let request = http::Request::builder().method(method).body(());
            assert!(Request::of(&request.expect("a request")).is_none());
        }
    }
}
