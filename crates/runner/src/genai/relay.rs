//! The relay: one connection of one request, on a socket that only this process can open. The library speaks to it
//! instead of to the provider, because it would keep a frame or an error of any length, and would say of a failure
//! only what it makes of it.
//!
//! The relay belongs to the request: it is polled with the answer and dropped with it, has no task and no thread of its
//! own, and outlives nothing. It must never know what the library makes of a frame.

use std::convert::Infallible;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, TRANSFER_ENCODING,
    USER_AGENT,
};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::UnixListener;

use super::course::Course;
use super::flow::Flow;
use super::upstream::Upstream;
use crate::provider::{ProviderError, ProviderErrorKind};

/// The longest path of a socket that every system takes, in bytes.
const LONGEST_PATH: usize = 100;

/// A socket on which the library is waited for.
#[derive(Debug)]
pub(super) struct Relay {
    listener: UnixListener,
    path: PathBuf,
    folder: TempDir,
}

impl Relay {
    /// Opens a socket in a folder of its own.
    pub(super) fn open() -> io::Result<Self> {
        let folder = private_folder(&std::env::temp_dir())?;
        let folder = if folder.path().as_os_str().len() + 2 > LONGEST_PATH {
            private_folder(Path::new("/tmp"))?
        } else {
            folder
        };
        let path = folder.path().join("s");
        Ok(Self {
            listener: UnixListener::bind(&path)?,
            path,
            folder,
        })
    }

    /// Where the library finds it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Passes one request on and its answer back. Never fails: what goes wrong is in the course.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection to the provider, in every phase.
    pub(super) async fn pass(self, upstream: Arc<Upstream>, course: Course, model: Arc<str>) {
        let Ok((socket, _)) = self.listener.accept().await else {
            return course.fail(lost("nobody came"));
        };
        // Nobody else finds it.
        drop((self.listener, self.folder));
        let service = service_fn(|request| {
            let (upstream, course) = (Arc::clone(&upstream), course.clone());
            let model = Arc::clone(&model);
            async move { Ok::<_, Infallible>(forward(request, upstream, course, &model).await) }
        });
        let served = http1::Builder::new()
            .keep_alive(false)
            .serve_connection(TokioIo::new(socket), service)
            .await;
        if served.is_err() {
            course.fail(lost("its connection broke"));
        }
    }
}

async fn forward(
    request: Request<Incoming>,
    upstream: Arc<Upstream>,
    course: Course,
    model: &str,
) -> Response<Flow> {
    let source = match ask(request, &upstream, model).await {
        Ok(source) => Some(source),
        Err(error) => {
            course.fail(error);
            None
        }
    };
    Response::new(Flow::new(upstream, course, source))
}

async fn ask(
    request: Request<Incoming>,
    upstream: &Upstream,
    model: &str,
) -> Result<reqwest::Body, ProviderError> {
    let (head, body) = request.into_parts();
    // It is our own request, as large as the conversation is.
    let body = body
        .collect()
        .await
        .map_err(|_| lost("its request broke off"))?
        .to_bytes();
    let url = upstream.place.answers(model);
    let response = upstream
        .open(Method::POST, url, kept(head.headers), Some(body))
        .await?;
    Ok(response.into())
}

/// The headers that are for the provider: not those of the connection, and none of the keys that the library made up.
fn kept(mut headers: HeaderMap) -> HeaderMap {
    for name in [
        HOST,
        CONNECTION,
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        USER_AGENT,
        AUTHORIZATION,
        HeaderName::from_static("x-api-key"),
        HeaderName::from_static("x-goog-api-key"),
    ] {
        headers.remove(name);
    }
    headers
}

fn private_folder(parent: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("runwright-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
}

/// The error for a relay that did not do its work.
pub(super) fn lost(why: &str) -> ProviderError {
    ProviderError::new(
        ProviderErrorKind::Network,
        format!("the request was lost inside of this process: {why}"),
    )
}
