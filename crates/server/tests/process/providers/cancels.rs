//! Cancels in each phase of a request to a provider: the run ends soon, the connection to the provider is closed, and the
//! next prompt works.

use std::time::Duration;

use runwright_runner::testing::{
    Ending, Exchange, Failure, Flood, MODEL, Protocol, Script, ScriptedProvider, Unreachable,
};
use serde_json::Value;
use tokio::time::Instant;

use super::{Stage, says, settings};
use crate::http::Events;
use crate::promises::last_messages;
use crate::server::{Server, Start};
use crate::workspace::{Member, endings, ends};

/// How often a run is cancelled in each phase.
const CANCELS: usize = 12;

/// What a cancel may take until the terminal event is read (semantics 2.3). It holds for the one in the middle here, since
/// other tests use the same disk at the same time; the bench `provider` looks at the slowest.
const SOON: Duration = Duration::from_millis(100);

const FLOOD: &str = "in a flood";

/// A client that reads, and times what it cancels.
struct Canceller {
    member: Member,
    events: Events,
    session: String,
    took: Vec<Duration>,
}

impl Canceller {
    async fn join(server: &Server) -> Self {
        let member = Member::join(server, "demo").await;
        Self {
            events: member.events(None).await,
            session: member.session().await,
            member,
            took: Vec::new(),
        }
    }

    async fn prompt(&self, run: &str) {
        let accepted = self.member.prompt(&self.session, run, "count").await;
        accepted.ok(202);
    }

    async fn until(&mut self, is_it: impl Fn(&Value) -> bool) {
        self.events.until(is_it).await;
    }

    /// Cancels, and reads up to the terminal event.
    async fn cancel(&mut self, run: &str) {
        let asked = Instant::now();
        self.member
            .post(&format!("runs/{run}/cancel"))
            .await
            .ok(200);
        let story = self.events.until(ends(run)).await;
        self.took.push(asked.elapsed());
        assert_eq!(endings(&story), [(run.to_owned(), "cancelled".to_owned())]);
        let (_id, last) = last_messages(&story).pop().unwrap();
        let parts = last["parts"].as_array().unwrap();
        assert_eq!(
            parts.last().unwrap()["data"]["reason"],
            "canceled",
            "{last}"
        );
    }

    /// What the cancel in the middle took.
    fn median(mut self) -> Duration {
        self.took.sort();
        self.took[CANCELS / 2]
    }
}

/// What the provider does with the request, and how the test knows that it does it.
struct Phase {
    name: &'static str,
    script: Script,
    /// The text that is read before the cancel; none waits for the request alone.
    says: Option<&'static str>,
    /// Whether the provider is done with the request, and the run waits before it asks again.
    is_over: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_a_run_in_each_phase_of_its_request() {
    let Stage { provider, server } = Stage::start().await;
    let busy = Failure::overloaded().retry_after("30");
    let phases = [
        ("before the headers", Script::new().silence(), None, false),
        (
            "before the first token",
            Script::new().headers().silence(),
            None,
            false,
        ),
        (
            "in the text",
            Script::new().text("one ").silence(),
            Some("one "),
            false,
        ),
        (
            "in a flood",
            Script::new().text("one ").flood(Flood::Text),
            None,
            false,
        ),
        ("between two tries", Script::failing(busy), None, true),
    ];
    let mut asked = 0;
    for (name, script, says, is_over) in phases {
        let phase = Phase {
            name,
            script,
            says,
            is_over,
        };
        asked = cancel_often(&provider, &server, &phase, asked).await;
    }
}

/// Returns how many requests there were.
async fn cancel_often(
    provider: &ScriptedProvider,
    server: &Server,
    phase: &Phase,
    mut asked: usize,
) -> usize {
    let mut client = Canceller::join(server).await;
    for _ in 0..CANCELS {
        let run = format!("r{asked}");
        provider.script(phase.script.clone());
        client.prompt(&run).await;
        let exchange: Exchange = provider.request(asked).await;
        if phase.is_over {
            assert_eq!(exchange.ended().await, Ending::Complete);
        }
        if let Some(text) = phase.says {
            client.until(says(text)).await;
        }
        client.cancel(&run).await;
        if !phase.is_over {
            assert_eq!(exchange.ended().await, Ending::HungUp, "{}", phase.name);
        }
        asked += 1;
    }
    assert_eq!(provider.turns().count(), asked, "nothing was asked again");
    let run = format!("r{asked}");
    client.prompt(&run).await;
    let story = client.events.until(ends(&run)).await;
    assert_eq!(
        endings(&story),
        [(run, "completed".to_owned())],
        "{}",
        phase.name
    );
    let median = client.median();
    // A flood has all processors that there are, here and in the server.
    assert!(
        median < SOON || phase.name == FLOOD,
        "{}: {median:?}",
        phase.name
    );
    asked + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_a_run_whose_provider_is_not_even_reached() {
    let nobody = Unreachable::hanging().await;
    let base_url = nobody.url();
    let server = Server::start_with(&Start {
        env: &settings(&base_url),
        ..Start::default()
    });
    let mut client = Canceller::join(&server).await;
    for number in 0..CANCELS {
        let run = format!("r{number}");
        client.prompt(&run).await;
        // The answer is begun before the provider is asked.
        client
            .until(|event| {
                event["payload"]["type"] == "created"
                    && event["payload"]["payload"]["role"] == "assistant"
            })
            .await;
        client.cancel(&run).await;
    }
    let median = client.median();
    assert!(median < SOON, "{median:?}");

    let provider = ScriptedProvider::start().await;
    let base_url = provider.base_url(Protocol::OpenAi);
    let again = Server::start_with(&Start {
        env: &settings(&base_url),
        ..Start::default()
    });
    let mut client = Canceller::join(&again).await;
    client.prompt("r1").await;
    client.until(ends("r1")).await;
    assert_eq!(provider.request(0).await.request().model(), MODEL);
}
