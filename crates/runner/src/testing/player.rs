//! Plays a script as the answer to one request, in the protocol of the request. It must never know who closes the
//! connection, or when: it is dropped then.

mod streaming;

use std::future;
use std::io;

use tokio::time::sleep;

pub(super) use self::streaming::stream;
use super::framing::{About, Whole};
use super::http;
use super::script::{Piece, Step};
use super::stage::Stage;
use super::{Ending, Failure, Flood, Protocol, Script};

/// How much of a flood is written at once.
const WAVE: usize = 16 * 1024;

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
            | Step::Tick(_)
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
            | Step::Tick(_)
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
        Step::Tick(every) => stage.tick(*every).await,
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
            let wave = http::chunk(&[b'x'; WAVE]);
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
