//! Finds the server that a command is for: the one that was named, the one on the default socket, or one that is
//! started for this call alone.

use std::path::Path;

use runwright_server::config::{DefaultSocket, Environment, ServerAddress};
use runwright_server::listen::check_private_dir;
use runwright_server::token::BearerToken;

use super::failure::Failure;
use super::http::Server;
use crate::own_server::OwnServer;

/// A server, and what has to end with the call.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) server: Server,
    /// The server that was started for this call.
    pub(super) own: Option<OwnServer>,
}

/// The server that is named, or that listens on the default socket of this user.
pub(super) fn named_or_default(
    host: Option<ServerAddress>,
    token_file: Option<&Path>,
    environment: &Environment,
) -> Result<Server, Failure> {
    let address = match host {
        Some(address) => address,
        None => default_address(environment)?,
    };
    Ok(Server::new(address, token(token_file, environment)?))
}

/// The default socket. Where somebody else may write into its folder the server in it may be anybody's, and a prompt is
/// not for anybody.
fn default_address(environment: &Environment) -> Result<ServerAddress, Failure> {
    let socket = DefaultSocket::new(environment);
    if socket.folder().exists() {
        let checked = check_private_dir(socket.folder(), environment.uid);
        checked.map_err(|error| Failure::Usage(error.to_string()))?;
    }
    Ok(ServerAddress::Unix(socket.path()))
}

/// The same; where nobody named one and none listens, starts one for this call.
pub(super) async fn or_start(
    host: Option<ServerAddress>,
    token_file: Option<&Path>,
    environment: &Environment,
) -> Result<Connected, Failure> {
    let was_named = host.is_some();
    let server = named_or_default(host, token_file, environment)?;
    if was_named || server.answers().await {
        return Ok(Connected { server, own: None });
    }
    let own = OwnServer::start(environment).map_err(|error| Failure::Usage(error.to_string()))?;
    let server = Server::new(own.address(), None);
    Ok(Connected {
        server,
        own: Some(own),
    })
}

fn token(file: Option<&Path>, environment: &Environment) -> Result<Option<BearerToken>, Failure> {
    match file {
        Some(file) => BearerToken::read(file)
            .map(Some)
            .map_err(|error| Failure::Usage(error.to_string())),
        None => Ok(environment.token.clone()),
    }
}
