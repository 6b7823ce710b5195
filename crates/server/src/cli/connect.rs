//! Finds the server that a command is for: the one that was named, the one on the default socket, or one that is
//! started for this call alone.

use std::path::Path;

use runwright_server::config::{DefaultSocket, Environment, ProviderArgs, ServerAddress};
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

/// Which model the caller wants, as far as that can be chosen.
#[derive(Debug)]
pub(super) struct WantedModel {
    /// For a server that is started.
    pub(super) provider: ProviderArgs,
    /// The flag that asks for it, if one does: a server that runs already has its model.
    pub(super) flag: Option<String>,
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
    wanted: WantedModel,
    environment: &Environment,
) -> Result<Connected, Failure> {
    let was_named = host.is_some();
    let server = named_or_default(host, token_file, environment)?;
    if was_named || server.answers().await {
        return match wanted.flag {
            Some(flag) => Err(Failure::Usage(format!(
                "`{flag}` is for a server that this call would start, and there is one already, with its own model: \
                 leave it out, or start that server with it"
            ))),
            None => Ok(Connected { server, own: None }),
        };
    }
    let own = OwnServer::start(wanted.provider, environment)
        .map_err(|error| Failure::Usage(error.to_string()))?;
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
