//! Owns the order of binding: what would be refused is refused before the first socket exists.
//!
//! It must never know how one kind of socket is bound.

use rustix::process::geteuid;

use crate::config::{AuthConfig, DefaultSocket, ListenAddress, ListenPlan, check_exposure};

use super::{
    BindError, Inherited, Listener, check_private_dir, ensure_private_dir, tcp::TcpListener,
    unix::UnixListener,
};

/// Opens all listeners of a plan, or none. Call it inside the runtime that will accept.
///
/// # Errors
///
/// Any [`BindError`]; [`BindError::Config`] is a usage error.
pub fn bind(
    plan: &ListenPlan,
    inherited: Inherited,
    auth: &AuthConfig,
) -> Result<Vec<Listener>, BindError> {
    let mut listeners = inherited.into_listeners()?;
    let addresses = addresses(plan, !listeners.is_empty());
    let handed_over: Vec<_> = listeners.iter().map(Listener::address).collect();
    check_exposure(handed_over.iter().chain(&addresses), auth)?;
    if let (ListenPlan::Default(socket), [_]) = (plan, addresses.as_slice()) {
        prepare_folder(socket)?;
    }
    for address in addresses {
        listeners.push(match address {
            ListenAddress::Tcp(address) => Listener::Tcp(TcpListener::bind(address)?),
            ListenAddress::Unix(path) => Listener::Unix(UnixListener::bind(&path)?),
        });
    }
    Ok(listeners)
}

fn addresses(plan: &ListenPlan, handed_over: bool) -> Vec<ListenAddress> {
    match plan {
        ListenPlan::Explicit(addresses) => addresses.clone(),
        ListenPlan::Default(_) if handed_over => Vec::new(),
        ListenPlan::Default(socket) => vec![ListenAddress::Unix(socket.path())],
    }
}

fn prepare_folder(socket: &DefaultSocket) -> Result<(), BindError> {
    let uid = geteuid().as_raw();
    if socket.may_create_folder() {
        ensure_private_dir(socket.folder(), uid)?;
    } else {
        check_private_dir(socket.folder(), uid)?;
    }
    Ok(())
}
