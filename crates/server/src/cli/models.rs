//! `runwright models`: what the configured provider offers. It asks the provider itself, with the same settings as a
//! server would, and no server.

use std::process::ExitCode;
use std::time::Duration;

use runwright_runner::{ProviderError, ProviderErrorKind};
use runwright_server::config::{ConfigError, EndpointArgs, Environment, ModelsArgs};
use serde::Serialize;
use tokio::time::timeout;

use super::failure::Failure;
use super::print::Output;
use crate::compose_provider::{connect, shown_base_url};

/// How long a provider may take for its list.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to do where nobody can be asked.
const NOBODY: &str = "no provider is configured, so there is only the offline model: set RUNWRIGHT_PROVIDER \
                      (`--provider`), or RUNWRIGHT_BASE_URL (`--base-url`) for an endpoint that speaks OpenAI's chat \
                      completions";

/// What a provider offers, as JSON.
#[derive(Debug, PartialEq, Serialize)]
struct Offer {
    provider: &'static str,
    base_url: String,
    models: Vec<Offered>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Offered {
    id: String,
    /// Whether it is the configured model.
    is_model: bool,
    /// Whether it is the configured small model.
    is_small_model: bool,
}

/// Prints what the provider offers.
pub(crate) async fn models(
    args: ModelsArgs,
    json: bool,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let endpoint = args
        .endpoint
        .resolve(environment)
        .map_err(ConfigError::from)?;
    let endpoint = endpoint.ok_or_else(|| Failure::Usage(NOBODY.to_owned()))?;
    let provider = connect(&endpoint).map_err(|error| Failure::Usage(error.to_string()))?;
    let base_url = shown_base_url(&endpoint);
    let asked = timeout(PATIENCE, provider.models()).await;
    let asked = asked.unwrap_or_else(|_| {
        let silence = format!("no answer within {} s", PATIENCE.as_secs());
        Err(ProviderError::new(ProviderErrorKind::Network, silence))
    });
    let ids = asked.map_err(|error| {
        Failure::Provider(format!(
            "{} at {base_url} does not list its models: {error}{}",
            endpoint.kind.as_str(),
            hint(error.kind)
        ))
    })?;
    let offer = Offer {
        provider: endpoint.kind.as_str(),
        base_url,
        models: marked(ids, &args.endpoint),
    };
    print(&Output::new(json), &offer, &args.endpoint).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn print(output: &Output, offer: &Offer, args: &EndpointArgs) -> std::io::Result<()> {
    if output.is_json() {
        return output.value(offer);
    }
    let mut lines = output.lines();
    for offered in &offer.models {
        lines.line(&told(offered))?;
    }
    lines.end()?;
    missing(offer, args)
        .iter()
        .try_for_each(|missing| output.notice(missing))
}

fn marked(ids: Vec<String>, args: &EndpointArgs) -> Vec<Offered> {
    let is = |chosen: Option<&str>, id: &str| chosen == Some(id);
    let offered = |id: String| Offered {
        is_model: is(args.model(), &id),
        is_small_model: is(args.small_model(), &id),
        id,
    };
    ids.into_iter().map(offered).collect()
}

fn told(offered: &Offered) -> String {
    let Offered {
        id,
        is_model,
        is_small_model,
    } = offered;
    match (is_model, is_small_model) {
        (true, _) => format!("{id}  (the model)"),
        (false, true) => format!("{id}  (the small model)"),
        (false, false) => id.clone(),
    }
}

/// What is configured and not offered. That may be right: not every provider lists all that it has.
fn missing(offer: &Offer, args: &EndpointArgs) -> Vec<String> {
    let mut chosen: Vec<_> = args.model().into_iter().chain(args.small_model()).collect();
    chosen.dedup();
    chosen.retain(|chosen| !offer.models.iter().any(|offered| offered.id == *chosen));
    let told = |id| format!("`{id}` is configured and not in this list");
    chosen.into_iter().map(told).collect()
}

fn hint(kind: ProviderErrorKind) -> &'static str {
    match kind {
        ProviderErrorKind::Auth => {
            "\nput the key of the provider into RUNWRIGHT_API_KEY, or name its file with `--api-key-file`"
        }
        ProviderErrorKind::Network => "\nis it running there, and is RUNWRIGHT_BASE_URL right?",
        ProviderErrorKind::RateLimit
        | ProviderErrorKind::ContextLength
        | ProviderErrorKind::Refused
        | ProviderErrorKind::Provider
        | ProviderErrorKind::TooMuch => "",
    }
}

#[cfg(test)]
mod tests {
    use runwright_server::config::{Cli, Command};

    use super::*;

    fn args(flags: &[&str]) -> EndpointArgs {
        let args = [&["runwright", "models"], flags].concat();
        let Command::Models(args) = Cli::from_args(args).expect("valid").command else {
            panic!("not models")
        };
        args.endpoint
    }

    #[test]
    fn the_configured_models_are_marked_and_those_that_are_not_offered_are_named() {
        let args = args(&["--model", "b", "--small-model", "d"]);
        let offer = Offer {
            provider: "openai",
            base_url: String::new(),
            models: marked(["a", "b"].map(str::to_owned).into(), &args),
        };
        let lines: Vec<_> = offer.models.iter().map(told).collect();
        assert_eq!(lines, ["a", "b  (the model)"]);
        assert_eq!(
            missing(&offer, &args),
            ["`d` is configured and not in this list"]
        );
    }

    #[test]
    fn a_model_that_is_both_is_named_once() {
        let args = args(&["--model", "m"]);
        let offer = Offer {
            provider: "openai",
            base_url: String::new(),
            models: marked(vec!["m".to_owned()], &args),
        };
        let both = Offered {
            id: "m".to_owned(),
            is_model: true,
            is_small_model: true,
        };
        assert_eq!(offer.models, [both]);
        assert!(missing(&offer, &args).is_empty());
        let none = Offer {
            models: Vec::new(),
            ..offer
        };
        assert_eq!(
            missing(&none, &args),
            ["`m` is configured and not in this list"]
        );
    }
}
