//! The Runwright server: HTTP controller and the `runwright` binary.
//!
//! The way of a connection, one module for each step:
//!
//! 1. [`config`]: flags and environment become one [`config::ServeConfig`], or a refusal.
//! 2. [`listen`]: the plan becomes bound sockets, with nobody else on them.
//! 3. [`accept`]: connections become HTTP/1.1 requests, within their limits, until the server stops.
//! 4. [`middleware`]: each request gets a name in the log, and whatever goes wrong is answered and logged once.
//! 5. [`guard`]: a request from somebody who may not speak to us ends here; [`token`] is what it compares with.
//! 6. [`audit`]: what may change something is noted, with who asked for it.
//! 7. [`limits`]: a body that is too large or too slow ends here.
//! 8. [`extract`]: what is left becomes typed values for a route.
//! 9. [`router`]: a route is one call of the backend, or a stream of its events; [`AppState`] is what they share.
//!
//! [`problem`] is the answer of every step that says no; [`shutdown`] and [`service_manager`] are the ends of the process.

pub mod accept;
pub mod audit;
pub mod config;
pub mod extract;
pub mod guard;
pub mod limits;
pub mod listen;
mod map_error;
pub mod middleware;
mod openapi;
pub mod problem;
mod routes;
pub mod service_manager;
pub mod shutdown;
mod sse;
mod state;
pub mod token;

pub use self::{
    openapi::openapi_json,
    routes::router,
    state::{AppState, ServerInfo},
};

/// Compiles the example of the README, which shows how to host one's own agent behind these routes.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExample;
