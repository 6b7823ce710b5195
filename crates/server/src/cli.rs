//! The commands: what they print, and with which code they exit. Those that talk to a server know the wire and nothing
//! behind it; those that work on a data folder know the store and no server.

mod audit;
mod backup;
mod connect;
mod doctor;
mod failure;
mod follow;
mod http;
mod models;
mod portable;
mod print;
mod run;
mod status;

pub(crate) use self::audit::audit;
pub(crate) use self::backup::backup;
pub(crate) use self::doctor::doctor;
pub(crate) use self::failure::Failure;
pub(crate) use self::models::models;
pub(crate) use self::portable::{export, import};
pub(crate) use self::run::run;
pub(crate) use self::status::status;
