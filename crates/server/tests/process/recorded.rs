//! Recorded conversations of the contract, sent again to this server: each request in its order, ids mapped, and
//! status, JSON types and events compared with what was recorded. What differs on purpose is in `differences.rs`.

mod compare;
mod conversation;
mod differences;
mod ids;
mod provider;
mod story;

use std::ops::RangeInclusive;

use self::conversation::{Conversation, Exchange};
use self::differences::Differences;
use self::ids::Ids;
use self::provider::Provider;
use crate::http::{Answer, Client, Events};
use crate::server::{Server, Start};

/// How a recorded conversation is sent again.
struct Script {
    name: &'static str,
    /// Recorded exchanges that are left out: what this server does not do yet.
    left_out: &'static [RangeInclusive<usize>],
    /// Prompts whose runs are under way, and no more than that, when the next request is sent.
    under_way: &'static [usize],
    /// Prompts that the next request does not wait for at all.
    unattended: &'static [usize],
    /// Requests before which everything has come to its end.
    in_peace: &'static [usize],
    /// Whether a provider answers, as when it was recorded; the offline model otherwise.
    asks_provider: bool,
}

/// A script of one prompt that is waited for.
const ONE_PROMPT: Script = Script {
    name: "",
    left_out: &[],
    under_way: &[],
    unattended: &[],
    in_peace: &[],
    asks_provider: false,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_prompt_of_the_one_shot_client_goes_as_recorded() {
    replay(&Script {
        name: "run-plain",
        ..ONE_PROMPT
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_continued_session_of_the_one_shot_client_goes_as_recorded() {
    replay(&Script {
        name: "run-continue",
        ..ONE_PROMPT
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_interrupted_and_leaves_goes_as_recorded() {
    replay(&Script {
        name: "run-sigint",
        under_way: &[6],
        ..ONE_PROMPT
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn start_chat_queue_cancel_sessions_and_leaving_of_the_interactive_client_go_as_recorded() {
    replay(&Script {
        name: "tui",
        // Tools with approvals, a provider's error, a to-do list: there are no tools and no providers yet.
        left_out: &[24..=41, 48..=50],
        // A slow run with a prompt behind it, twice; the first of these is cleared.
        under_way: &[42, 51],
        unattended: &[44, 53],
        in_peace: &[55],
        ..ONE_PROMPT
    })
    .await;
}

#[cfg(feature = "providers")]
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_goes_as_recorded() {
    replay(&Script {
        name: "run-fail",
        asks_provider: true,
        ..ONE_PROMPT
    })
    .await;
}

#[cfg(feature = "providers")]
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_overloaded_once_goes_as_recorded() {
    replay(&Script {
        name: "run-fail-retry",
        asks_provider: true,
        ..ONE_PROMPT
    })
    .await;
}

#[cfg(feature = "providers")]
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cuts_each_answer_goes_as_recorded() {
    replay(&Script {
        name: "run-truncate",
        asks_provider: true,
        ..ONE_PROMPT
    })
    .await;
}

async fn replay(script: &Script) {
    let recorded = Conversation::load(script.name);
    let provider = match script.asks_provider {
        true => Some(Provider::start().await),
        false => None,
    };
    // No linger: the streams end as soon as the last client has left and the last run has ended.
    let mut flags = vec!["--linger", "0"];
    flags.extend(provider.iter().flat_map(Provider::flags));
    let server = Server::start_with(&Start {
        flags: &flags,
        ..Start::default()
    });
    let mut replay = Replay {
        client: server.client(),
        ids: Ids::new(&server.directory("demo")),
        differences: Differences::of(script.name),
        streams: Vec::new(),
        runs: 0,
    };
    replay.prepare(script, &recorded).await;
    for (at, exchange) in recorded.exchanges.iter().enumerate() {
        if script.left_out.iter().any(|range| range.contains(&at)) {
            continue;
        }
        if script.in_peace.contains(&at) {
            replay.all_runs_ended().await;
        }
        replay.send(at, exchange).await;
        if exchange.is_prompt() {
            replay.runs += 1;
            if script.under_way.contains(&at) {
                replay.says_something().await;
            } else if !script.unattended.contains(&at) {
                replay.all_runs_ended().await;
                if let Some(provider) = &provider {
                    replay.has_title(provider).await;
                }
            }
        }
    }
    replay.compare_streams(script, &recorded).await;
    replay.differences.each_was_seen();
}

/// One conversation while it is sent again.
struct Replay {
    client: Client,
    ids: Ids,
    differences: Differences,
    streams: Vec<Stream>,
    /// Prompts sent so far.
    runs: usize,
}

/// One event stream of the conversation, and where it was recorded.
struct Stream {
    exchange: usize,
    events: Events,
    seen: Vec<serde_json::Value>,
}

impl Replay {
    /// Makes what the recorded server already had when the conversation began: `--continue` needs a session.
    async fn prepare(&mut self, script: &Script, recorded: &Conversation) {
        if script.name == "run-continue" {
            conversation::had_before(&self.client, &mut self.ids, recorded).await;
        }
    }

    async fn send(&mut self, at: usize, exchange: &Exchange) {
        let path = self.ids.to_ours(&exchange.path);
        if exchange.frames.is_some() {
            self.streams.push(Stream {
                exchange: at,
                events: self.client.events(&path).await,
                seen: Vec::new(),
            });
            return;
        }
        let body = exchange
            .request
            .as_ref()
            .map(|body| self.ids.value_to_ours(body));
        let answer = self
            .client
            .send(exchange.method(), &path, body.as_ref())
            .await;
        self.compare(exchange, &answer);
    }

    fn compare(&mut self, exchange: &Exchange, answer: &Answer) {
        let name = exchange.name();
        assert_eq!(
            answer.status.as_u16(),
            exchange.status,
            "{name}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        if let Some(recorded) = &exchange.response {
            let ours = answer.json();
            self.ids.learn(recorded, &ours);
            for difference in compare::types(recorded, &ours, &name) {
                self.differences.expect(&difference);
            }
        }
    }

    /// Reads the newest stream until as many runs have ended as prompts were sent.
    async fn all_runs_ended(&mut self) {
        let runs = self.runs;
        let stream = self.streams.last_mut().unwrap();
        while story::ended(&stream.seen) < runs {
            let event = stream.events.next().await.unwrap();
            stream.seen.push(event);
        }
    }

    /// Lets the provider make a title, now that the run has ended without it, and reads until the session has it.
    async fn has_title(&mut self, provider: &Provider) {
        provider.make_title();
        let stream = self.streams.last_mut().unwrap();
        loop {
            let event = stream.events.next().await.unwrap();
            let is_title = event["payload"]["payload"]["title"] == "Title.";
            stream.seen.push(event);
            if is_title {
                return;
            }
        }
    }

    /// Reads until the newest run has said something.
    async fn says_something(&mut self) {
        let stream = self.streams.last_mut().unwrap();
        loop {
            let event = stream.events.next().await.unwrap();
            let says = story::is_streamed_text(&event);
            stream.seen.push(event);
            if says {
                return;
            }
        }
    }

    /// Compares what each stream has shown. The client has left by now; what a run did after that is read too.
    async fn compare_streams(&mut self, script: &Script, recorded: &Conversation) {
        for mut stream in std::mem::take(&mut self.streams) {
            let frames = recorded.exchanges[stream.exchange].frames.as_ref().unwrap();
            let left_out = recorded.prompts_in(script.left_out);
            let expected = story::tell(frames, &left_out);
            let expected = story::by_turn(self.differences.applied_to(expected));
            stream
                .seen
                .extend(stream.events.rest_of_a_closed_stream().await);
            let ours = story::by_turn(story::tell(&stream.seen, &[]));
            assert_eq!(ours, expected, "the story of {}", script.name);
        }
    }
}
