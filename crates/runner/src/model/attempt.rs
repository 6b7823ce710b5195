//! One request to a provider, from its sending to its last piece: shows what comes, and stops at a cancel, an error or a
//! silence. It must never know whether it is tried again.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use runwright_agent::{Pace, RunContext, TranscriptError};
use tokio::time::{Instant, sleep_until};

use super::TimeLimits;
use super::draft::{Draft, Taken};
use crate::provider::{AnswerEvent, AnswerStream, ProviderError, ProviderErrorKind, StopReason};

/// How long pieces are gathered before they are shown together. The first of an answer is shown at once; a whole frame
/// of a screen at 60 Hz is what nobody sees.
const GATHERED: Duration = Duration::from_millis(16);

/// How a request ended.
pub(super) enum Attempt {
    /// With a whole answer.
    Answered(StopReason),
    /// Without one, or with a part of one.
    Failed(ProviderError),
    /// Because the run was asked to stop.
    Cancelled,
}

/// Asks, and shows in the history what comes. The connection is closed when this returns.
pub(super) async fn attempt(
    cx: &RunContext,
    answer: AnswerStream,
    draft: &mut Draft,
    limits: TimeLimits,
) -> Result<Attempt, TranscriptError> {
    let mut screen = Screen::new(cx);
    let ended = read(cx, answer, draft, limits, &mut screen).await?;
    // Whatever becomes of the run, what was said is part of its history.
    screen.show_rest(draft).await?;
    Ok(ended)
}

async fn read(
    cx: &RunContext,
    mut answer: AnswerStream,
    draft: &mut Draft,
    limits: TimeLimits,
    screen: &mut Screen<'_>,
) -> Result<Attempt, TranscriptError> {
    let mut silence = Silence::begins(limits);
    let mut cancelled = pin!(cx.cancel.cancelled());
    // One timer for both waits, set anew only when it has fired or is too late: a piece costs no timer.
    let mut timer = pin!(sleep_until(silence.until));
    loop {
        let next = screen
            .due()
            .map_or(silence.until, |due| due.min(silence.until));
        if timer.deadline() > next {
            timer.as_mut().reset(next);
        }
        let event = tokio::select! {
            biased;
            _reason = &mut cancelled => return Ok(Attempt::Cancelled),
            event = answer.next() => event,
            () = &mut timer => {
                screen.show_if_due(draft).await?;
                if let Some(error) = silence.is_too_long() {
                    return Ok(Attempt::Failed(error));
                }
                timer.as_mut().reset(silence.until);
                continue;
            }
        };
        let event = match event {
            Some(Ok(event)) => event,
            Some(Err(error)) => return Ok(Attempt::Failed(error)),
            None => return Ok(Attempt::Failed(cut_off())),
        };
        silence.is_broken_by(&event);
        match draft.take(event, cx.clock.now().seconds()) {
            Taken::Shown => screen.has_more(draft).await?,
            Taken::Silent => {}
            Taken::Ended(reason) => return Ok(Attempt::Answered(reason)),
        }
    }
}

fn cut_off() -> ProviderError {
    let message = "the answer was cut off: it stopped without saying why";
    ProviderError::new(ProviderErrorKind::Network, message)
}

/// How long nothing has come.
struct Silence {
    limits: TimeLimits,
    has_begun: bool,
    until: Instant,
}

impl Silence {
    fn begins(limits: TimeLimits) -> Self {
        Self {
            limits,
            has_begun: false,
            until: Instant::now() + limits.first_token,
        }
    }

    /// What an answer used is no piece of it, and some providers say it first.
    fn is_broken_by(&mut self, event: &AnswerEvent) {
        if !matches!(event, AnswerEvent::Usage(_)) || self.has_begun {
            self.has_begun = true;
            self.until = Instant::now() + self.limits.between_tokens;
        }
    }

    fn is_too_long(&self) -> Option<ProviderError> {
        if Instant::now() < self.until {
            return None;
        }
        let message = if self.has_begun {
            let seconds = self.limits.between_tokens.as_secs_f64();
            format!("the answer stopped: nothing came for {seconds} s")
        } else {
            let seconds = self.limits.first_token.as_secs_f64();
            format!("no answer within {seconds} s")
        };
        Some(ProviderError::new(ProviderErrorKind::Network, message))
    }
}

/// What readers have been shown of an answer. The first piece is shown at once, later ones together.
struct Screen<'a> {
    cx: &'a RunContext,
    shown: Option<Instant>,
    has_more: bool,
}

impl<'a> Screen<'a> {
    fn new(cx: &'a RunContext) -> Self {
        Self {
            cx,
            shown: None,
            has_more: false,
        }
    }

    /// When to show what was gathered.
    fn due(&self) -> Option<Instant> {
        let shown = self.shown.filter(|_| self.has_more)?;
        Some(shown + GATHERED)
    }

    async fn has_more(&mut self, draft: &Draft) -> Result<(), TranscriptError> {
        self.has_more = true;
        self.show_if_due(draft).await
    }

    async fn show_if_due(&mut self, draft: &Draft) -> Result<(), TranscriptError> {
        let is_due = self.due().is_none_or(|due| due <= Instant::now());
        if self.has_more && is_due {
            let pace = if self.shown.is_none() {
                Pace::Begun
            } else {
                Pace::Streamed
            };
            self.show(draft, pace).await?;
        }
        Ok(())
    }

    async fn show_rest(&mut self, draft: &Draft) -> Result<(), TranscriptError> {
        if self.has_more {
            self.show(draft, Pace::Streamed).await?;
        }
        Ok(())
    }

    async fn show(&mut self, draft: &Draft, pace: Pace) -> Result<(), TranscriptError> {
        let transcript = &self.cx.transcript;
        transcript.update_message(draft.message(), pace).await?;
        self.shown = Some(Instant::now());
        self.has_more = false;
        Ok(())
    }
}
