//! The commands that talk to a server: what they send, what they print, and with which code they exit. They know the
//! wire and nothing behind it.

mod connect;
mod failure;
mod follow;
mod http;
mod print;
mod run;
mod status;

pub(crate) use self::failure::Failure;
pub(crate) use self::run::run;
pub(crate) use self::status::status;
