//! What the provider does with one request, step by step and in no protocol. It must never know how a step is framed.

use std::time::Duration;

use super::{Failure, Gate};
use crate::{StopReason, TokenUsage};

/// What the provider does with one request.
///
/// Its steps are played in order. What comes before the first piece of the answer (or before [`headers`]) happens
/// before the response has begun; the response begins by itself when a piece needs it. A script that is over ends its
/// response; only one with a [`stop`] also ends the answer in the way of its protocol. So a script without a stop is an
/// answer that was cut off although HTTP saw a proper end.
///
/// [`headers`]: Self::headers
/// [`stop`]: Self::stop
///
/// ```
/// use std::time::Duration;
///
/// use runwright_runner::StopReason;
/// use runwright_runner::testing::{Cut, Gate, Script};
///
/// let gate = Gate::new();
/// let slow = Script::new().hold(&gate).text("he").text("llo").stop(StopReason::EndTurn);
/// let cut = Script::new().text("he").pause(Duration::from_millis(5)).cut(Cut::Reset);
/// # let _ = (slow, cut);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) usage: Option<Usage>,
}

/// What an answer used, in tokens, and how many of them it was thinking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// What it used, as the adapter is to tell it.
    pub tokens: TokenUsage,
    /// How many of the tokens written were thoughts.
    pub reasoning: u64,
}

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Closed in order by TCP, in the middle of the response.
    Close,
    /// Reset.
    Reset,
}

/// What never ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// A head: one header after the other.
    Headers,
    /// The body of an error with this status, one JSON string.
    ErrorBody(u16),
    /// One frame: its text goes on and its end does not come.
    Frame,
    /// Small frames of text, each of them fine.
    Text,
    /// The arguments of one tool call. In pieces where the protocol has pieces, in one frame otherwise.
    Arguments,
}

/// One step of a script.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Hold(Gate),
    Pause(Duration),
    /// Waits until so long after the last tick, or after the request.
    Tick(Duration),
    Silence,
    Headers,
    Piece(Piece),
    /// A piece of text, in which each byte of its frame is a write of its own.
    Bytewise(String),
    Error(Failure),
    Garbage,
    InvalidUtf8,
    /// Bytes of the body.
    Raw(Vec<u8>),
    /// Bytes of the connection.
    Wire(Vec<u8>),
    Cut(Cut),
    CutInFrame(Cut),
    CutInCharacter(Cut),
    Fail(Failure),
    Flood(Flood),
}

/// A piece of an answer, as every protocol frames it in its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// What comes before everything else.
    Begin,
    Ping,
    Text(String),
    Reasoning(String),
    Signature(String),
    CallBegin {
        id: String,
        name: String,
    },
    CallInput(String),
    CallEnd,
    Stop(StopReason),
    /// What comes after a stop.
    End,
}

impl Script {
    /// Makes a script without steps: an empty response.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A plain answer in one piece.
    #[must_use]
    pub fn answer(text: impl Into<String>) -> Self {
        Self::new().text(text).stop(StopReason::EndTurn)
    }

    /// An answer of so many words, `tok0 tok1 …`, each in a piece of its own, that says how many they were.
    #[must_use]
    pub fn words(count: usize) -> Self {
        let mut script = Self::new();
        for word in 0..count {
            script = script.text(format!("tok{word} "));
        }
        script.tokens(0, count as u64).stop(StopReason::EndTurn)
    }

    /// The same with this long before each word. A late word does not delay those behind it, so that the rate holds.
    #[must_use]
    pub fn paced_words(count: usize, every: Duration) -> Self {
        let mut paced = Self::new().tokens(0, count as u64);
        for word in 0..count {
            paced = paced.step(Step::Tick(every)).text(format!("tok{word} "));
        }
        paced.stop(StopReason::EndTurn)
    }

    /// An error instead of an answer.
    #[must_use]
    pub fn failing(failure: Failure) -> Self {
        Self::new().fail(failure)
    }

    /// Waits at a gate until the test releases it.
    #[must_use]
    pub fn hold(self, gate: &Gate) -> Self {
        self.step(Step::Hold(gate.clone()))
    }

    /// Waits for so long, on tokio's clock.
    #[must_use]
    pub fn pause(self, time: Duration) -> Self {
        self.step(Step::Pause(time))
    }

    /// Says nothing more and keeps the connection open, until the client closes it.
    #[must_use]
    pub fn silence(self) -> Self {
        self.step(Step::Silence)
    }

    /// Sends the head of the response and nothing of its body.
    #[must_use]
    pub fn headers(self) -> Self {
        self.step(Step::Headers)
    }

    /// Sends the frames with which an answer begins, before it says anything. Protocols without such frames send none.
    #[must_use]
    pub fn begin(self) -> Self {
        self.step(Step::Piece(Piece::Begin))
    }

    /// Shows that it is alive: a comment, an event or an empty message.
    #[must_use]
    pub fn ping(self) -> Self {
        self.step(Step::Piece(Piece::Ping))
    }

    /// Sends a piece of text.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.step(Step::Piece(Piece::Text(text.into())))
    }

    /// Sends a piece of text whose frame arrives byte by byte.
    #[must_use]
    pub fn bytewise(self, text: impl Into<String>) -> Self {
        self.step(Step::Bytewise(text.into()))
    }

    /// Sends a piece of reasoning.
    #[must_use]
    pub fn reasoning(self, text: impl Into<String>) -> Self {
        self.step(Step::Piece(Piece::Reasoning(text.into())))
    }

    /// Sends the proof of the reasoning so far. OpenAI's chat completions and Ollama have none and send nothing; Gemini
    /// sends it with the next piece of text or call, or else with the stop.
    #[must_use]
    pub fn signature(self, signature: impl Into<String>) -> Self {
        self.step(Step::Piece(Piece::Signature(signature.into())))
    }

    /// Sends a tool call, whose JSON arguments come in pieces. Gemini and Ollama send calls whole, and Gemini without
    /// the id.
    #[must_use]
    pub fn tool_call(self, id: &str, name: &str, input: &[&str]) -> Self {
        let mut script = self.tool_begin(id, name);
        for piece in input {
            script = script.tool_input(*piece);
        }
        script.tool_end()
    }

    /// Begins a tool call.
    #[must_use]
    pub fn tool_begin(self, id: &str, name: &str) -> Self {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.step(Step::Piece(Piece::CallBegin { id, name }))
    }

    /// Sends more of the arguments of the tool call that was begun last.
    #[must_use]
    pub fn tool_input(self, piece: impl Into<String>) -> Self {
        self.step(Step::Piece(Piece::CallInput(piece.into())))
    }

    /// Ends the tool call that was begun last.
    #[must_use]
    pub fn tool_end(self) -> Self {
        self.step(Step::Piece(Piece::CallEnd))
    }

    /// What the answer says it used, wherever in it its protocol says so. A script without it says nothing of usage.
    #[must_use]
    pub fn usage(mut self, usage: impl Into<Usage>) -> Self {
        self.usage = Some(usage.into());
        self
    }

    /// The same for tokens that were only read and written.
    #[must_use]
    pub fn tokens(self, input: u64, output: u64) -> Self {
        self.usage(TokenUsage {
            input,
            output,
            ..TokenUsage::default()
        })
    }

    /// Says why the model stopped, in the word that the protocol has for it. Where it has none for
    /// [`ToolUse`](StopReason::ToolUse) or [`ContentFilter`](StopReason::ContentFilter), it is a plain stop;
    /// [`Other`](StopReason::Other) is sent as it is.
    #[must_use]
    pub fn stop(self, reason: StopReason) -> Self {
        self.step(Step::Piece(Piece::Stop(reason)))
    }

    /// Fails inside the answer: a frame with the error, and nothing that stops it.
    #[must_use]
    pub fn error(self, failure: Failure) -> Self {
        self.step(Step::Error(failure))
    }

    /// Sends a frame that holds no JSON.
    #[must_use]
    pub fn garbage(self) -> Self {
        self.step(Step::Garbage)
    }

    /// Sends a piece of text with a byte that is not UTF-8.
    #[must_use]
    pub fn invalid_utf8(self) -> Self {
        self.step(Step::InvalidUtf8)
    }

    /// Sends bytes of the body as they are.
    #[must_use]
    pub fn raw(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Raw(bytes.into()))
    }

    /// Sends bytes of the connection as they are, past HTTP. End such a script with a [`cut`](Self::cut), a
    /// [`silence`](Self::silence) or a flood, or the response goes on behind them.
    #[must_use]
    pub fn wire(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Wire(bytes.into()))
    }

    /// Cuts the connection.
    #[must_use]
    pub fn cut(self, how: Cut) -> Self {
        self.step(Step::Cut(how))
    }

    /// Cuts the connection in the middle of a frame of text.
    #[must_use]
    pub fn cut_in_frame(self, how: Cut) -> Self {
        self.step(Step::CutInFrame(how))
    }

    /// Cuts the connection in the middle of a character.
    #[must_use]
    pub fn cut_in_character(self, how: Cut) -> Self {
        self.step(Step::CutInCharacter(how))
    }

    /// Answers with an error. Ends the script.
    #[must_use]
    pub fn fail(self, failure: Failure) -> Self {
        self.step(Step::Fail(failure))
    }

    /// Sends without end, as fast as the client takes it, until the client closes the connection.
    #[must_use]
    pub fn flood(self, flood: Flood) -> Self {
        self.step(Step::Flood(flood))
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl From<TokenUsage> for Usage {
    fn from(tokens: TokenUsage) -> Self {
        Self {
            tokens,
            reasoning: 0,
        }
    }
}
