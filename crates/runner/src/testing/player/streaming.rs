//! Plays a script as a stream of frames. It must never know a frame of any protocol.

use std::io;

use super::super::framing::{About, Framing};
use super::super::http::{self, LAST_CHUNK};
use super::super::script::{Piece, Step};
use super::super::stage::Stage;
use super::super::{Cut, Ending, Flood, Protocol, Script};
use super::{WAVE, anywhere, refuse};

/// Stands in a frame of text for the place where something happens to it.
const MARK: char = '\u{FFFD}';
/// How long a text in a flood of small frames is, and how many of them are written at once.
const SMALL: usize = 1024;
const FRAMES: usize = 16;

/// Plays a script as a stream of frames.
pub(in super::super) async fn stream(
    script: &Script,
    protocol: Protocol,
    about: About,
    stage: Stage<'_>,
) -> io::Result<Ending> {
    let streaming = Streaming {
        protocol,
        model: about.model.clone(),
        framing: protocol.framing(about),
        stage,
        begun: false,
        stopped: false,
    };
    streaming.play(script).await
}

/// A response that is being streamed.
struct Streaming<'a> {
    protocol: Protocol,
    model: String,
    framing: Box<dyn Framing>,
    stage: Stage<'a>,
    /// Whether the frames with which an answer begins are sent.
    begun: bool,
    stopped: bool,
}

impl Streaming<'_> {
    async fn play(mut self, script: &Script) -> io::Result<Ending> {
        for step in &script.steps {
            if let Some(ending) = self.step(step).await? {
                return Ok(ending);
            }
        }
        if self.stopped {
            let end = self.framing.frame(&Piece::End);
            self.stage.body(end.as_bytes()).await?;
        }
        self.stage.begin(self.protocol.stream_type()).await?;
        self.stage.wire(LAST_CHUNK).await?;
        Ok(Ending::Complete)
    }

    async fn step(&mut self, step: &Step) -> io::Result<Option<Ending>> {
        match step {
            Step::Headers => self.stage.begin(self.protocol.stream_type()).await?,
            Step::Piece(piece) => self.piece(piece).await?,
            Step::Bytewise(text) => {
                let frame = self.text_frame(text).await?;
                let (first, rest) = frame.as_bytes().split_at(1);
                self.stage.text(first).await?;
                for byte in rest {
                    self.stage.body(&[*byte]).await?;
                }
            }
            Step::Error(failure) => {
                let frame = self.framing.error(failure);
                self.write(frame.as_bytes()).await?;
            }
            Step::Garbage => {
                let frame = self.framing.garbage();
                self.write(frame.as_bytes()).await?;
            }
            Step::InvalidUtf8 => {
                let (before, after) = self.marked_frame().await?;
                let frame = [before.as_bytes(), b"\xff", after.as_bytes()].concat();
                self.stage.body(&frame).await?;
            }
            Step::Raw(bytes) => self.write(bytes).await?,
            Step::CutInFrame(how) => return self.cut_after(b"", *how).await,
            // The first byte of two.
            Step::CutInCharacter(how) => return self.cut_after(b"\xc3", *how).await,
            Step::Fail(failure) => {
                let ending = refuse(failure, self.protocol, &self.model, &mut self.stage);
                return ending.await.map(Some);
            }
            Step::Flood(Flood::Frame) => {
                let (before, _) = self.marked_frame().await?;
                self.stage.body(before.as_bytes()).await?;
                let wave = http::chunk(&[b'x'; WAVE]);
                match self.stage.repeat(&wave).await? {}
            }
            Step::Flood(Flood::Text) => {
                self.begin().await?;
                let text = Piece::Text("x".repeat(SMALL));
                loop {
                    let frames: String = (0..FRAMES).map(|_| self.framing.frame(&text)).collect();
                    self.stage.body(frames.as_bytes()).await?;
                }
            }
            Step::Flood(Flood::Arguments) => self.flood_arguments().await?,
            Step::Hold(_)
            | Step::Pause(_)
            | Step::Tick(_)
            | Step::Silence
            | Step::Wire(_)
            | Step::Cut(_)
            | Step::Flood(Flood::Headers | Flood::ErrorBody(_)) => {
                return anywhere(step, &mut self.stage).await;
            }
        }
        Ok(None)
    }

    async fn piece(&mut self, piece: &Piece) -> io::Result<()> {
        match piece {
            Piece::Begin => self.begin().await,
            Piece::Text(text) => {
                let frame = self.text_frame(text).await?;
                self.stage.text(frame.as_bytes()).await
            }
            Piece::Ping
            | Piece::Reasoning(_)
            | Piece::Signature(_)
            | Piece::CallBegin { .. }
            | Piece::CallInput(_)
            | Piece::CallEnd
            | Piece::Stop(_)
            | Piece::End => {
                self.begin().await?;
                self.stopped |= matches!(piece, Piece::Stop(_));
                let frame = self.framing.frame(piece);
                self.stage.body(frame.as_bytes()).await
            }
        }
    }

    /// Begins the response and the answer, unless that has happened.
    async fn begin(&mut self) -> io::Result<()> {
        self.stage.begin(self.protocol.stream_type()).await?;
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let frame = self.framing.frame(&Piece::Begin);
        self.stage.body(frame.as_bytes()).await
    }

    /// Writes bytes of the body, in a response that has begun and an answer that need not have.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stage.begin(self.protocol.stream_type()).await?;
        self.stage.body(bytes).await
    }

    async fn text_frame(&mut self, text: &str) -> io::Result<String> {
        self.begin().await?;
        Ok(self.framing.frame(&Piece::Text(text.to_owned())))
    }

    /// A frame of text in two parts, between which the text would be.
    async fn marked_frame(&mut self) -> io::Result<(String, String)> {
        let frame = self.text_frame(&MARK.to_string()).await?;
        let parts = frame.split_once(MARK);
        let (before, after) = parts.expect("invariant: a frame of text has its text in it");
        Ok((before.to_owned(), after.to_owned()))
    }

    async fn cut_after(&mut self, last: &[u8], how: Cut) -> io::Result<Option<Ending>> {
        let (before, _) = self.marked_frame().await?;
        let written = [before.as_bytes(), last].concat();
        self.stage.body(&written).await?;
        Ok(Some(Ending::Cut(how)))
    }

    async fn flood_arguments(&mut self) -> io::Result<()> {
        let wave = "x".repeat(WAVE);
        let (id, name) = ("call_flood".to_owned(), "flood".to_owned());
        self.piece(&Piece::CallBegin { id, name }).await?;
        let first = self
            .framing
            .frame(&Piece::CallInput("{\"x\":\"".to_owned()));
        if first.is_empty() {
            // The call comes whole, so its one frame does not end.
            let input = Piece::CallInput(format!("{MARK}\"}}"));
            self.framing.frame(&input);
            let frame = self.framing.frame(&Piece::CallEnd);
            let before = frame.split(MARK).next().unwrap_or_default();
            self.stage.body(before.as_bytes()).await?;
            let wave = http::chunk(wave.as_bytes());
            match self.stage.repeat(&wave).await? {}
        }
        self.stage.body(first.as_bytes()).await?;
        loop {
            self.piece(&Piece::CallInput(wave.clone())).await?;
        }
    }
}
