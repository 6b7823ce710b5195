//! Owns what stands around the router for every request: its name in the log and in the answer, the net under a handler
//! that panics, the one line for a failure of ours; and the order of all layers.
//!
//! It must never know a route.

mod observe;
mod request_id;

use axum::Router;
use tower::ServiceBuilder;

pub use self::observe::{Observe, ObserveLayer};
use crate::{
    audit::{Audit, AuditLayer, AuditLog},
    guard::{Guard, GuardLayer, GuardPolicy},
    limits::{BodyLimits, LimitBody, LimitBodyLayer},
};

/// The whole service that the accept loop serves. A clone is a few reference counts.
pub type App = Observe<Guard<Audit<LimitBody<Router>>>>;

/// Puts the layers around a router, in the only order in which they work: a refusal of the guard has a request id too,
/// the audit log knows who it was that the guard let in, and no body is looked at before.
///
/// The router is resolved here once and shared by all connections, so that a connection costs the same with any number
/// of routes (performance 5).
#[must_use]
pub fn app(router: Router, policy: GuardPolicy, limits: BodyLimits, audit: AuditLog) -> App {
    ServiceBuilder::new()
        .layer(ObserveLayer)
        .layer(GuardLayer::new(policy))
        .layer(AuditLayer::new(audit))
        .layer(LimitBodyLayer::new(limits))
        .service(router.with_state(()))
}
