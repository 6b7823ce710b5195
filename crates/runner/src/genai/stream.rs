//! One answer as a stream: the library and the relay, polled together and dropped together. It must never let anybody
//! see what the library logs.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use genai::chat::{ChatStream, ChatStreamEvent};
use tracing::dispatcher::{self, Dispatch};

use super::answer::Answer;
use super::ask::{self, Ask};
use super::course::Course;
use super::failure;
use super::relay::{self, Relay};
use super::upstream::{self, Upstream};
use super::watch::Watch;
use crate::provider::{AnswerEvent, AnswerStream, ModelRequest, ProviderError, ProviderErrorKind};

/// An answer that nobody has asked for yet.
pub(super) fn answer(upstream: Arc<Upstream>, request: ModelRequest) -> AnswerStream {
    Box::pin(Asked {
        state: State::Asking(begin(upstream, request).boxed()),
    })
}

/// An answer, from the first poll to its end.
struct Asked {
    state: State,
}

enum State {
    Asking(BoxFuture<'static, Result<Coming, ProviderError>>),
    Coming(Box<Coming>),
    Over,
}

/// An answer that is coming.
struct Coming {
    chat: ChatStream,
    /// Passes on what the provider sends, until it has passed on all.
    relay: Option<BoxFuture<'static, ()>>,
    course: Course,
    answer: Answer,
    /// Whether everything was taken, so that only events are left to tell.
    is_whole: bool,
}

impl Stream for Asked {
    type Item = Result<AnswerEvent, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &mut self.state {
                State::Asking(begun) => match ready!(begun.poll_unpin(cx)) {
                    Ok(coming) => self.state = State::Coming(Box::new(coming)),
                    Err(error) => return self.end(Some(Err(error))),
                },
                State::Coming(coming) => {
                    let next = ready!(coming.poll_event(cx));
                    return match next {
                        Some(Ok(event @ AnswerEvent::End(_))) => self.end(Some(Ok(event))),
                        Some(Ok(event)) => Poll::Ready(Some(Ok(event))),
                        other => self.end(other),
                    };
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

impl Asked {
    /// Drops what is left, and with it the connection: nothing is read after an end or an error.
    fn end(
        &mut self,
        last: Option<Result<AnswerEvent, ProviderError>>,
    ) -> Poll<Option<Result<AnswerEvent, ProviderError>>> {
        self.state = State::Over;
        Poll::Ready(last)
    }
}

impl Coming {
    fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<AnswerEvent, ProviderError>>> {
        loop {
            if let Some(event) = self.answer.next_event() {
                return Poll::Ready(Some(Ok(event)));
            }
            if self.is_whole {
                return Poll::Ready(None);
            }
            let chat = Pin::new(&mut self.chat);
            let Poll::Ready(next) = unheard(|| chat.poll_next(cx)) else {
                // Only what the library has no more of is fetched: a relay that is asked for each piece costs as much
                // as the piece.
                if let Some(relay) = &mut self.relay
                    && relay.poll_unpin(cx).is_ready()
                {
                    self.relay = None;
                }
                return Poll::Pending;
            };
            if let Err(error) = self.take(next) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Takes what the library says. What the relay says of a failure is first-hand and comes before it.
    fn take(&mut self, next: Option<genai::Result<ChatStreamEvent>>) -> Result<(), ProviderError> {
        match next {
            Some(Ok(event)) => {
                let is_end = matches!(event, ChatStreamEvent::End(_));
                if is_end && let Some(failure) = self.course.failure() {
                    return Err(failure);
                }
                let noted = if is_end {
                    self.course.noted()
                } else {
                    Default::default()
                };
                self.is_whole = self.answer.take(event, &noted)?;
            }
            Some(Err(error)) => {
                return Err(self.course.failure().unwrap_or_else(|| unforeseen(&error)));
            }
            None => {
                if let Some(failure) = self.course.failure() {
                    return Err(failure);
                }
                self.answer.finish(&self.course.noted())?;
                self.is_whole = true;
            }
        }
        Ok(())
    }
}

async fn begin(upstream: Arc<Upstream>, request: ModelRequest) -> Result<Coming, ProviderError> {
    let protocol = upstream.protocol;
    let course = Course::new(Watch::new(protocol, upstream.scrub.clone()));
    let answer = Answer::new(protocol, upstream.limits, ask::call_ids(&request));
    let relay = Relay::open().map_err(|error| relay::lost(&error.to_string()))?;
    let Ask {
        target,
        request: chat,
        options,
    } = Ask::new(protocol, &request);
    let library = library(&relay)?;
    let asked = library.exec_chat_stream(target, chat, Some(&options));
    let mut asked = std::pin::pin!(asked);
    let asked = std::future::poll_fn(|cx| unheard(|| asked.as_mut().poll(cx))).await;
    Ok(Coming {
        chat: asked.map_err(|error| unforeseen(&error))?.stream,
        relay: Some(relay.pass(upstream, course.clone(), request.model).boxed()),
        course,
        answer,
        is_whole: false,
    })
}

/// The library, with no other way out than the relay.
fn library(relay: &Relay) -> Result<genai::Client, ProviderError> {
    let client = upstream::plain(reqwest::Client::builder())
        .unix_socket(relay.path())
        // It never speaks TLS, and reading the certificates of the system takes longer than a short answer.
        .tls_certs_only([])
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|_| relay::lost("no client for it"))?;
    genai::Client::builder()
        .with_reqwest(client)
        .build()
        .map_err(|_| relay::lost("no library for it"))
}

/// Runs the library without a subscriber: it logs frames and requests, at every level, and no filter of the user's may
/// bring them to light.
fn unheard<T>(run: impl FnOnce() -> T) -> T {
    dispatcher::with_default(&Dispatch::none(), run)
}

/// What the library could not do with what the relay had found in order. Its own words are not used: they have the
/// frame or the whole request in them.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library has many errors of requests, and more with each version"
)]
fn unforeseen(error: &genai::Error) -> ProviderError {
    match error {
        genai::Error::StreamParse { .. }
        | genai::Error::JsonValueExt(_)
        | genai::Error::SerdeJson(_)
        | genai::Error::InvalidJsonResponseElement { .. }
        | genai::Error::ChatResponse { .. } => {
            failure::unreadable("a frame that does not belong there")
        }
        genai::Error::WebStream { .. } => relay::lost("the library's connection broke"),
        _ => ProviderError::new(
            ProviderErrorKind::Refused,
            "the request cannot be put into the words of the protocol",
        ),
    }
}
