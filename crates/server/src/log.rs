//! The log of the process: what of it is written, and how. It must never let through what may hold a prompt or a key.

use std::error::Error;
use std::io;

use runwright_server::config::{LogConfig, LogFormat};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// Libraries whose log has what is sent and received in it, at whatever level: frames of an answer with what a model
/// said, requests with what people said.
const TALKATIVE: [&str; 1] = ["genai"];

/// Logs to stderr from now on.
///
/// # Errors
///
/// When the filter is none.
pub(crate) fn to_stderr(log: &LogConfig) -> Result<(), Box<dyn Error + Send + Sync>> {
    Ok(subscriber(log, io::stderr)?.try_init()?)
}

fn subscriber<W>(
    log: &LogConfig,
    writer: W,
) -> Result<impl Subscriber + Send + Sync, Box<dyn Error + Send + Sync>>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&log.filter)?;
    let lines = fmt::layer().with_writer(writer);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    Ok(tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .with(filter_fn(may_be_told)))
}

/// Nothing that an operator sets opens it: a filter is set to find a fault, and its log is sent to others.
fn may_be_told(event: &Metadata<'_>) -> bool {
    let module = event.target().split("::").next().unwrap_or_default();
    !TALKATIVE.contains(&module)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[track_caller]
    fn check(filter: &str, format: LogFormat, told: &[&str], not_told: &[&str]) {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = LogConfig {
            format,
            filter: filter.to_owned(),
        };
        let subscriber = subscriber(&log, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "genai::webc", "a frame");
            tracing::error!(target: "genai", "a request");
            tracing::info!(target: "genai_like", "another library");
            tracing::info!("a start");
            tracing::debug!("a request of a client");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        for words in told {
            assert!(text.contains(words), "no `{words}` in {text}");
        }
        for words in not_told {
            assert!(!text.contains(words), "`{words}` in {text}");
        }
    }

    #[test]
    fn what_may_hold_a_prompt_is_not_logged_whatever_the_filter_says() {
        let never = ["a frame", "\"a request\"", " a request\n"];
        let usual = ["another library", "a start"];
        check(
            "info",
            LogFormat::Text,
            &usual,
            &[&never[..], &["of a client"]].concat(),
        );
        for filter in [
            "trace",
            "info,genai=trace,runwright=debug",
            "trace,genai::webc=trace",
        ] {
            check(
                filter,
                LogFormat::Text,
                &[&usual[..], &["of a client"]].concat(),
                &never,
            );
            check(
                filter,
                LogFormat::Json,
                &[&usual[..], &["of a client"]].concat(),
                &never,
            );
        }
    }

    #[test]
    fn a_filter_that_is_none_is_refused() {
        let log = LogConfig {
            format: LogFormat::Text,
            filter: "runwright=loud".to_owned(),
        };
        assert!(subscriber(&log, io::sink).is_err());
    }
}
