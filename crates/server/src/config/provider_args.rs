//! Owns the flags about the model that answers prompts, each with its variable, its default and the reason for that
//! default, and how they become plain values or a refusal.
//!
//! It must never know how a provider is spoken to.

use std::{path::PathBuf, time::Duration};

use clap::{Args, builder::BoolishValueParser, value_parser};

use super::{
    ApiKey, ApiKeyError, BaseUrl, BaseUrlError, EndpointConfig, Environment, ModelChoice,
    ModelConfig, Prices, ProviderKind,
};

/// The flags that say whom to ask.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model")]
pub struct EndpointArgs {
    /// Asks this provider.
    ///
    /// Default: `openai-compat` when there is a base URL; nobody otherwise, and then the built-in offline model answers.
    #[arg(long, value_name = "NAME", env = "RUNWRIGHT_PROVIDER", value_enum)]
    pub provider: Option<ProviderKind>,

    /// Asks at this address: `http://127.0.0.1:8080/v1`.
    ///
    /// Default: the provider's own address; `openai-compat` has none.
    #[arg(
        long,
        value_name = "URL",
        env = "RUNWRIGHT_BASE_URL",
        hide_env_values = true
    )]
    pub base_url: Option<String>,

    /// Reads the key of the provider from this file.
    ///
    /// Default: RUNWRIGHT_API_KEY, which holds the key itself, else the variable in which the provider's key usually is
    /// (OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or GOOGLE_API_KEY, OLLAMA_API_KEY). There is no flag for the key:
    /// arguments are visible to every user of the machine.
    #[arg(long, value_name = "FILE", env = "RUNWRIGHT_API_KEY_FILE")]
    pub api_key_file: Option<PathBuf>,

    /// Takes this model.
    ///
    /// No default, because models come and go; `runwright models` lists what the provider offers.
    #[arg(long, value_name = "ID", env = "RUNWRIGHT_MODEL")]
    pub model: Option<String>,

    /// Takes this model for small things, such as titles.
    ///
    /// Default: the model itself, which is always there.
    #[arg(long, value_name = "ID", env = "RUNWRIGHT_SMALL_MODEL")]
    pub small_model: Option<String>,

    /// Time for a connection to the provider, with names and TLS.
    ///
    /// 10 seconds are more than any working network needs.
    #[arg(long, value_name = "SECS", env = "RUNWRIGHT_CONNECT_TIMEOUT", default_value_t = 10,
          value_parser = seconds())]
    pub connect_timeout: u64,
}

/// The flags about the model that answers prompts.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model")]
pub struct ProviderArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub endpoint: EndpointArgs,

    /// Time for the first piece of an answer.
    ///
    /// 300 seconds: a model on one's own machine may read a long conversation for minutes before it says a word.
    #[arg(long, value_name = "SECS", env = "RUNWRIGHT_FIRST_TOKEN_TIMEOUT", default_value_t = 300,
          value_parser = seconds())]
    pub first_token_timeout: u64,

    /// Time for the next piece of an answer.
    ///
    /// 120 seconds: a model that has begun to speak and is silent that long is not coming back.
    #[arg(long, value_name = "SECS", env = "RUNWRIGHT_BETWEEN_TOKENS_TIMEOUT", default_value_t = 120,
          value_parser = seconds())]
    pub between_tokens_timeout: u64,

    /// Tries a request this often in all, when the provider is overloaded, fails or is cut off.
    ///
    /// 4 tries, with growing pauses, outlast a restart and most overloads; who waits longer should be told.
    #[arg(long, value_name = "N", env = "RUNWRIGHT_MAX_ATTEMPTS", default_value_t = 4,
          value_parser = value_parser!(u32).range(1..=100))]
    pub max_attempts: u32,

    /// The pause before the second try, in milliseconds. For tests: it is hidden.
    #[arg(
        long,
        value_name = "MS",
        env = "RUNWRIGHT_RETRY_PAUSE",
        default_value_t = 500,
        hide = true
    )]
    pub retry_pause: u64,

    /// Tokens of one answer.
    ///
    /// No default: the provider has its own limit for each model.
    #[arg(long, value_name = "N", env = "RUNWRIGHT_MAX_OUTPUT_TOKENS",
          value_parser = value_parser!(u32).range(1..))]
    pub max_output_tokens: Option<u32>,

    /// Tokens of a conversation that the model sees, for clients that show how full it is.
    ///
    /// No default: providers do not say, and a wrong number is worse than none.
    #[arg(long, value_name = "N", env = "RUNWRIGHT_CONTEXT_WINDOW",
          value_parser = value_parser!(u32).range(1..))]
    pub context_window: Option<u32>,

    /// Says that the model looks at pictures; they are mentioned by name to one that does not.
    ///
    /// Off by default: a model that cannot refuses the whole request.
    #[arg(long, env = "RUNWRIGHT_IMAGES", value_parser = BoolishValueParser::new())]
    pub images: bool,

    /// What the model costs, in US dollars for a million tokens: `2.5,10`.
    ///
    /// What is left out of the two prices for the provider's cache costs as much as IN. Nothing is known about prices
    /// otherwise, because a built-in table is wrong the day after; costs are 0 then.
    #[arg(
        long,
        value_name = "IN,OUT[,CACHE_READ[,CACHE_WRITE]]",
        env = "RUNWRIGHT_PRICES"
    )]
    pub prices: Option<Prices>,

    /// What the small model costs.
    ///
    /// Default: as the model when it is the same, nothing otherwise.
    #[arg(
        long,
        value_name = "IN,OUT[,CACHE_READ[,CACHE_WRITE]]",
        env = "RUNWRIGHT_SMALL_PRICES"
    )]
    pub small_prices: Option<Prices>,
}

fn seconds() -> clap::builder::RangedU64ValueParser {
    value_parser!(u64).range(1..=24 * 60 * 60)
}

impl EndpointArgs {
    /// Says whom to ask; `None` when nothing is configured at all.
    ///
    /// # Errors
    ///
    /// [`ProviderConfigError`], when there is something and it is not enough.
    pub fn resolve(
        &self,
        environment: &Environment,
    ) -> Result<Option<EndpointConfig>, ProviderConfigError> {
        let base_url = given(self.base_url.as_deref());
        let Some(kind) = self
            .provider
            .or(base_url.map(|_| ProviderKind::OpenAiCompat))
        else {
            return self.nobody(environment);
        };
        if kind == ProviderKind::OpenAiCompat && base_url.is_none() {
            return Err(ProviderConfigError::NoBaseUrl);
        }
        Ok(Some(EndpointConfig {
            kind,
            base_url: base_url.map(str::parse::<BaseUrl>).transpose()?,
            key: ApiKey::find(kind, self.api_key_file.as_deref(), &environment.keys)?,
            connect_timeout: Duration::from_secs(self.connect_timeout),
        }))
    }

    /// The model, if one is chosen.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        given(self.model.as_deref())
    }

    /// The model for small things, if one is chosen or there is another one.
    #[must_use]
    pub fn small_model(&self) -> Option<&str> {
        given(self.small_model.as_deref()).or(self.model())
    }

    /// Nobody to ask is fine, unless something says that there should be somebody.
    fn nobody(
        &self,
        environment: &Environment,
    ) -> Result<Option<EndpointConfig>, ProviderConfigError> {
        if self.small_model().is_some() {
            Err(ProviderConfigError::ModelWithoutProvider)
        } else if self.api_key_file.is_some() || environment.keys.has_own() {
            Err(ProviderConfigError::KeyWithoutProvider)
        } else {
            Ok(None)
        }
    }
}

impl ProviderArgs {
    /// Says which model answers prompts; `None` for the offline model, when nothing is configured at all.
    ///
    /// # Errors
    ///
    /// [`ProviderConfigError`], when there is something and it is not enough.
    pub fn resolve(
        &self,
        environment: &Environment,
    ) -> Result<Option<ModelConfig>, ProviderConfigError> {
        let Some(endpoint) = self.endpoint.resolve(environment)? else {
            return Ok(None);
        };
        let chosen = self.endpoint.model().zip(self.endpoint.small_model());
        let (model, small_model) = chosen.ok_or(ProviderConfigError::NoModel {
            provider: endpoint.kind,
        })?;
        let as_model = self.prices.filter(|_| small_model == model);
        Ok(Some(ModelConfig {
            model: choice(model, self.prices),
            small_model: choice(small_model, self.small_prices.or(as_model)),
            endpoint,
            images: self.images,
            context_window: self.context_window,
            max_output_tokens: self.max_output_tokens,
            first_token_timeout: Duration::from_secs(self.first_token_timeout),
            between_tokens_timeout: Duration::from_secs(self.between_tokens_timeout),
            max_attempts: self.max_attempts,
            retry_pause: Duration::from_millis(self.retry_pause),
        }))
    }
}

fn choice(id: &str, prices: Option<Prices>) -> ModelChoice {
    ModelChoice {
        id: id.to_owned(),
        prices,
    }
}

/// An empty variable is one that is not set.
fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Tells why a model cannot be asked like this.
#[derive(Debug, thiserror::Error)]
pub enum ProviderConfigError {
    /// There is a model and nobody to ask for it.
    #[error(
        "there is a model and no provider: set RUNWRIGHT_PROVIDER (`--provider`), or RUNWRIGHT_BASE_URL (`--base-url`) \
         for an endpoint that speaks OpenAI's chat completions; without a model, the offline model answers"
    )]
    ModelWithoutProvider,
    /// There is a key and nobody to send it to.
    #[error(
        "there is a key and no provider: set RUNWRIGHT_PROVIDER (`--provider`), or RUNWRIGHT_BASE_URL (`--base-url`) \
         for an endpoint that speaks OpenAI's chat completions; without a key, the offline model answers"
    )]
    KeyWithoutProvider,
    /// There is a provider and no model.
    #[error(
        "no model is chosen for `{}`: set RUNWRIGHT_MODEL (`--model`); `runwright models` lists what it offers", provider.as_str()
    )]
    NoModel {
        /// The provider.
        provider: ProviderKind,
    },
    /// `openai-compat` without an address.
    #[error(
        "`openai-compat` needs an address: set RUNWRIGHT_BASE_URL (`--base-url`), for example to \
         `http://127.0.0.1:8080/v1`"
    )]
    NoBaseUrl,
    /// The address is none.
    #[error("RUNWRIGHT_BASE_URL (`--base-url`) is not the address of a provider")]
    BaseUrl(#[from] BaseUrlError),
    /// There is no key where one should be.
    #[error(transparent)]
    Key(#[from] ApiKeyError),
}

#[cfg(test)]
mod tests;
