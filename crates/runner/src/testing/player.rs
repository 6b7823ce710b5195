//! Plays a script as the answer to one request, in the protocol of the request. It must never know who closes the
//! connection, or when: it is dropped then.

use std::future;
use std::io;

use tokio::time::sleep;

use super::framing::{About, Framing, Whole};
use super::http::LAST_CHUNK;
use super::script::{Piece, Step};
use super::stage::Stage;
use super::{Cut, Ending, Failure, Flood, Protocol, Script};

/// Stands in a frame of text for the place where something happens to it.
const MARK: char = '\u{FFFD}';
/// How much of a flood is written at once.
const WAVE: usize = 16 * 1024;

/// Plays a script as a stream of frames.
pub(super) async fn stream(
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

/// Plays a script of which only the whole answer is sent, when it is over. Frames that are spoiled in a stream spoil
/// the answer here; a cut comes before it.
pub(super) async fn whole(
    script: &Script,
    protocol: Protocol,
    about: About,
    mut stage: Stage<'_>,
) -> io::Result<Ending> {
    let (mut whole, mut spoiled) = (Whole::default(), None);
    for step in &script.steps {
        match step {
            Step::Piece(piece) => whole.add(piece),
            Step::Bytewise(text) => whole.add(&Piece::Text(text.clone())),
            Step::Raw(bytes) => spoiled.get_or_insert_with(Vec::new).extend(bytes),
            Step::Garbage => spoiled = Some(b"{not JSON".to_vec()),
            Step::InvalidUtf8 => spoiled = Some(b"{\"\xff\"}".to_vec()),
            Step::Error(failure) | Step::Fail(failure) => {
                return refuse(failure, protocol, &about.model, &mut stage).await;
            }
            Step::Headers => {}
            Step::Hold(_)
            | Step::Pause(_)
            | Step::Silence
            | Step::Wire(_)
            | Step::Cut(_)
            | Step::CutInFrame(_)
            | Step::CutInCharacter(_)
            | Step::Flood(_) => {
                if let Some(ending) = anywhere(step, &mut stage).await? {
                    return Ok(ending);
                }
            }
        }
    }
    let body = spoiled.unwrap_or_else(|| protocol.whole(&about, &whole).into_bytes());
    stage.whole(200, "application/json", &[], &body).await?;
    Ok(Ending::Complete)
}

/// Answers with the list of models, after the steps of the script that need no answer.
pub(super) async fn models(
    script: &Script,
    protocol: Protocol,
    models: &[String],
    mut stage: Stage<'_>,
) -> io::Result<Ending> {
    for step in &script.steps {
        match step {
            Step::Fail(failure) => return refuse(failure, protocol, "", &mut stage).await,
            Step::Raw(body) => {
                stage.whole(200, "application/json", &[], body).await?;
                return Ok(Ending::Complete);
            }
            Step::Hold(_)
            | Step::Pause(_)
            | Step::Silence
            | Step::Wire(_)
            | Step::Cut(_)
            | Step::CutInFrame(_)
            | Step::CutInCharacter(_)
            | Step::Flood(_) => {
                if let Some(ending) = anywhere(step, &mut stage).await? {
                    return Ok(ending);
                }
            }
            Step::Headers
            | Step::Piece(_)
            | Step::Bytewise(_)
            | Step::Error(_)
            | Step::Garbage
            | Step::InvalidUtf8 => panic!("a list of models has no such step: {step:?}"),
        }
    }
    let body = protocol.models(models);
    stage
        .whole(200, "application/json", &[], body.as_bytes())
        .await?;
    Ok(Ending::Complete)
}

/// Answers a request for what there is not.
pub(super) async fn unknown(path: &str, mut stage: Stage<'_>) -> io::Result<Ending> {
    let body = format!("the scripted provider has nothing at {path}\n");
    stage.whole(404, "text/plain", &[], body.as_bytes()).await?;
    Ok(Ending::Complete)
}

async fn refuse(
    failure: &Failure,
    protocol: Protocol,
    model: &str,
    stage: &mut Stage<'_>,
) -> io::Result<Ending> {
    let refusal = protocol.refuse(failure, model);
    let (status, body) = (refusal.status, refusal.body.as_bytes());
    stage
        .whole(status, &refusal.content_type, &failure.headers, body)
        .await?;
    Ok(Ending::Complete)
}

/// Does a step that is the same in every protocol and needs no response to have begun. Says when it ends the script.
async fn anywhere(step: &Step, stage: &mut Stage<'_>) -> io::Result<Option<Ending>> {
    match step {
        Step::Hold(gate) => gate.pass().await,
        Step::Pause(time) => sleep(*time).await,
        Step::Silence => future::pending().await,
        Step::Wire(bytes) => stage.wire(bytes).await?,
        Step::Cut(how) | Step::CutInFrame(how) | Step::CutInCharacter(how) => {
            return Ok(Some(Ending::Cut(*how)));
        }
        Step::Flood(Flood::Headers) => {
            stage.wire(b"HTTP/1.1 200 OK\r\n").await?;
            match stage.repeat(b"x-flood: nothing to say\r\n").await? {}
        }
        Step::Flood(Flood::ErrorBody(status)) => {
            let head = format!(
                "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
            );
            stage.wire(head.as_bytes()).await?;
            stage.body(br#"{"error":{"message":""#).await?;
            let wave = super::http::chunk(&[b'x'; WAVE]);
            match stage.repeat(&wave).await? {}
        }
        Step::Flood(Flood::Frame | Flood::Text | Flood::Arguments)
        | Step::Headers
        | Step::Piece(_)
        | Step::Bytewise(_)
        | Step::Error(_)
        | Step::Garbage
        | Step::InvalidUtf8
        | Step::Raw(_)
        | Step::Fail(_) => panic!("a step that needs a stream: {step:?}"),
    }
    Ok(None)
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
                for byte in frame.as_bytes() {
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
                let wave = super::http::chunk(&[b'x'; WAVE]);
                match self.stage.repeat(&wave).await? {}
            }
            Step::Flood(Flood::Text) => loop {
                self.piece(&Piece::Text("x".to_owned())).await?;
            },
            Step::Flood(Flood::Arguments) => self.flood_arguments().await?,
            Step::Hold(_)
            | Step::Pause(_)
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
            let wave = super::http::chunk(wave.as_bytes());
            match self.stage.repeat(&wave).await? {}
        }
        self.stage.body(first.as_bytes()).await?;
        loop {
            self.piece(&Piece::CallInput(wave.clone())).await?;
        }
    }
}
