//! Owns who may speak to the server at all: the check that every request passes before it is routed, also one for an
//! unknown path and one with the method OPTIONS (semantics 8, reliability 5.2).
//!
//! | | Unix socket | TCP |
//! |---|---|---|
//! | absolute-form target, both body lengths | 400 | 400 |
//! | more than 64 headers | 431 | 431 |
//! | `Host` | not checked: contract clients send a made-up name | exactly one; an address listened on, `localhost` for loopback, or `--allow-host`; port included |
//! | `Origin`, `Sec-Fetch-Site` | not checked: no browser reaches the socket | own origin or `--allow-origin`; `same-origin` or `none` |
//! | token | none: the peer's uid was checked at the accept | exactly one `Authorization: Bearer`, except for the public paths and with `--no-auth` |
//! | type of a request body | any | `application/json` only, which no web page can send without asking first |
//!
//! No CORS header is ever sent, by anything.
//!
//! It must never know a route, nor what a principal is allowed to do.

mod authority;
mod layer;
mod origin;
mod policy;
mod refusal;

pub use self::{
    authority::{Authority, AuthorityError},
    layer::{Guard, GuardLayer},
    origin::{Origin, OriginError},
    policy::{Access, GuardPolicy, PUBLIC_PATHS, Principal},
    refusal::Refusal,
};
