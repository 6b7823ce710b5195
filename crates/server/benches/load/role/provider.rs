//! Owns the roles that read a model provider: its adapter alone, and the product whose agent asks it. It must never know
//! what the provider says.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::StreamExt;
use runwright_backend::{MakeRunner, MemoryFactory};
use runwright_proto::Config;
use runwright_runner::{
    AnswerEvent, AnswerLimits, GenaiProvider, ModelOptions, ModelRequest, ModelRunner, ModelSpec,
    Protocol, Provider, ProviderSettings, RequestMessage, UserPart,
    testing::{MODEL, SMALL_MODEL},
};
use tokio::task::JoinSet;

use crate::{Result, net::Address};

use super::{
    control::Control,
    product,
    stored::{Agent, StoredFactory},
};

/// Has as many answers as it is told read by the adapter at the same time, with nothing around it, and says how many
/// bytes of text were in them.
pub(crate) async fn alone(mut control: Control, listen: &Address, url: &str) -> Result<()> {
    let provider = adapter(url)?;
    control.ready(listen, "").await?;
    while let Some(count) = control.next().await {
        let mut answers = JoinSet::new();
        for _ in 0..count {
            answers.spawn(read(Arc::clone(&provider)));
        }
        let mut bytes = 0;
        while let Some(answer) = answers.join_next().await {
            bytes += answer??;
        }
        control.say(&bytes.to_string()).await?;
    }
    Ok(())
}

/// Has answers read one after the other, and says when the first piece of each has come.
pub(crate) async fn first(mut control: Control, listen: &Address, url: &str) -> Result<()> {
    let provider = adapter(url)?;
    control.ready(listen, "").await?;
    while let Some(count) = control.next().await {
        for _ in 0..count {
            let mut answer = provider.answer(request());
            while let Some(event) = answer.next().await {
                if let AnswerEvent::Text(_) = event? {
                    control.say("first").await?;
                }
            }
        }
    }
    Ok(())
}

/// The product with the agent that asks the provider, and nothing on disk.
pub(crate) async fn in_memory(control: Control, listen: &Address, url: &str) -> Result<()> {
    let agent = agent(url)?;
    let make_agent: MakeRunner = Box::new(move |_directory| Some(Arc::new(agent.clone())));
    let factory = MemoryFactory::new(make_agent, Config::default(), PathBuf::new());
    product::serve(control, listen, Arc::new(factory)).await
}

/// The same with the store that the binary has.
pub(crate) async fn stored(control: Control, listen: &Address, url: &str) -> Result<()> {
    let agent = Agent::Speaking(Arc::new(agent(url)?));
    product::serve(control, listen, Arc::new(StoredFactory::open(agent)?)).await
}

fn agent(url: &str) -> Result<ModelRunner> {
    let model = |id: &str| ModelSpec {
        id: id.to_owned(),
        ..ModelSpec::default()
    };
    let options = ModelOptions {
        large: model(MODEL),
        small: model(SMALL_MODEL),
        ..ModelOptions::default()
    };
    Ok(ModelRunner::new(adapter(url)?, options))
}

fn adapter(url: &str) -> Result<Arc<dyn Provider>> {
    let settings = ProviderSettings {
        protocol: Protocol::OpenAiCompat,
        base_url: Some(url.to_owned()),
        api_key: None,
        connect_timeout: Duration::from_secs(10),
        limits: AnswerLimits::default(),
    };
    Ok(Arc::new(GenaiProvider::new(settings)?))
}

/// Reads one answer to its end. How many bytes of text were in it.
async fn read(provider: Arc<dyn Provider>) -> Result<usize, String> {
    let mut answer = provider.answer(request());
    let mut bytes = 0;
    while let Some(event) = answer.next().await {
        match event.map_err(|error| error.to_string())? {
            AnswerEvent::Text(text) => bytes += text.len(),
            AnswerEvent::End(_) => return Ok(bytes),
            AnswerEvent::Reasoning(_)
            | AnswerEvent::ReasoningSignature(_)
            | AnswerEvent::ToolCall(_)
            | AnswerEvent::Usage(_) => {}
        }
    }
    Err("an answer was cut off".to_owned())
}

fn request() -> ModelRequest {
    ModelRequest {
        model: MODEL.into(),
        system: String::new(),
        messages: vec![RequestMessage::User(vec![UserPart::Text("hi".to_owned())])],
        max_output_tokens: None,
        cache_key: None,
    }
}
