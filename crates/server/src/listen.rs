//! Owns the sockets: binding them, keeping others off them, and taking connections from them.
//!
//! [`bind`] turns a [`ListenPlan`](crate::config::ListenPlan) into [`Listener`]s, after all refusals and before anything
//! is served; a [`Listener`] gives [`Connection`]s, each with its [`Peer`].
//!
//! It must never know what is spoken over a connection.

mod bind;
mod connection;
mod inherited;
mod listener;
mod private_dir;
mod socket_lock;
mod tcp;
mod unix;

pub use self::{
    bind::bind,
    connection::{Connection, Io, Peer},
    inherited::Inherited,
    listener::{AcceptError, BindError, Listener},
    private_dir::{PrivateDirError, check_private_dir, ensure_private_dir},
};
