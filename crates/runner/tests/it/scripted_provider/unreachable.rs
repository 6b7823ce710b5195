//! Addresses at which nobody answers.

use std::io::ErrorKind;
use std::time::Duration;

use runwright_runner::testing::{ScriptedProvider, Unreachable};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(3600);

async fn connect(url: &str) -> Option<Result<(), ErrorKind>> {
    let address = url.strip_prefix("http://").unwrap();
    let address = address.split('/').next().unwrap();
    let connected = timeout(LONG, TcpStream::connect(address)).await.ok()?;
    Some(connected.map(|_| ()).map_err(|error| error.kind()))
}

#[tokio::test]
async fn one_refuses() {
    let refusing = Unreachable::refusing();
    let connected = connect(&refusing.url()).await;
    assert_eq!(connected, Some(Err(ErrorKind::ConnectionRefused)));
}

/// With paused time, an hour passes when nothing else can happen any more.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn one_hangs_where_a_provider_answers() {
    let hanging = Unreachable::hanging().await;
    let provider = ScriptedProvider::start().await;
    let connected = [
        connect(&hanging.url()).await,
        connect(&provider.url("/v1")).await,
    ];
    assert_eq!(connected, [None, Some(Ok(()))]);
}
