//! The agent that asks a model: a turn of a session, told to a provider and streamed into the history. It must never
//! know a wire format, nor how a run is admitted or ended.

mod attempt;
mod cost;
mod draft;
mod history;
mod instructions;
mod retry;
mod session_title;
mod step;
mod tools;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runwright_agent::{RunContext, RunError, RunOutcome, Runner, RunnerModel};
use runwright_proto::{CatwalkModel, SelectedModel};

pub use self::cost::Prices;
use self::cost::Spending;
pub use self::retry::RetryPolicy;
use self::step::Stepped;
use crate::provider::Provider;

/// After so many steps in which the model did nothing but call tools that it does not have, the turn fails.
const MOST_STEPS_IN_VAIN: usize = 5;

/// An agent that asks a model. It has no tools yet: a model that calls one all the same is told so.
///
/// A turn reads the history of its session, asks the model, and streams what it says into one assistant message for
/// each step. A request that fails in a way that may pass is made again; a cancel ends the connection to the provider
/// at once, in every phase. Beside the first turn of a session the small model is asked for its title.
#[derive(Clone)]
pub struct ModelRunner {
    provider: Arc<dyn Provider>,
    options: Arc<ModelOptions>,
}

/// Which models answer, and how patiently they are asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelOptions {
    /// The model that answers prompts.
    pub large: ModelSpec,
    /// The model for titles; may be the same.
    pub small: ModelSpec,
    /// How long nothing may come.
    pub time_limits: TimeLimits,
    /// How often and when a failed request is made again.
    pub retry: RetryPolicy,
}

/// A model of the provider, as it is configured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelSpec {
    /// Its id at the provider.
    pub id: String,
    /// What its tokens cost.
    pub prices: Prices,
    /// How many tokens it can see at once; zero where nobody said.
    pub context_window: u32,
    /// How many tokens it may write in one answer; the provider's own limit without it.
    pub max_output_tokens: Option<u32>,
    /// Whether it can look at pictures. Where it cannot, they are mentioned by name.
    pub images: bool,
}

/// How long nothing may come from a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// Until the first piece of an answer, from the moment it is asked for.
    pub first_token: Duration,
    /// Between two pieces.
    pub between_tokens: Duration,
}

impl Default for TimeLimits {
    /// Five minutes for the first piece, since models that reason may be silent that long, and two between pieces.
    fn default() -> Self {
        Self {
            first_token: Duration::from_secs(5 * 60),
            between_tokens: Duration::from_secs(2 * 60),
        }
    }
}

impl ModelRunner {
    /// Makes an agent that asks this provider.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, options: ModelOptions) -> Self {
        Self {
            provider,
            options: Arc::new(options),
        }
    }

    /// The model that is asked for titles, in the form in which [`Runner::model`] gives the other.
    #[must_use]
    pub fn small_model(&self) -> RunnerModel {
        self.described(&self.options.small)
    }

    fn described(&self, spec: &ModelSpec) -> RunnerModel {
        let max_tokens = spec.max_output_tokens.map_or(0, i64::from);
        RunnerModel {
            model: CatwalkModel {
                id: spec.id.clone(),
                name: spec.id.clone(),
                cost_per_1m_in: spec.prices.input,
                cost_per_1m_out: spec.prices.output,
                cost_per_1m_in_cached: spec.prices.cache_write,
                cost_per_1m_out_cached: spec.prices.cache_read,
                context_window: i64::from(spec.context_window),
                default_max_tokens: max_tokens,
                supports_attachments: spec.images,
                ..CatwalkModel::default()
            },
            config: SelectedModel {
                model: spec.id.clone(),
                provider: self.provider.name().to_owned(),
                max_tokens,
                ..SelectedModel::default()
            },
        }
    }
}

#[async_trait]
impl Runner for ModelRunner {
    fn model(&self) -> RunnerModel {
        self.described(&self.options.large)
    }

    async fn run(&self, cx: RunContext) -> Result<RunOutcome, RunError> {
        let mut spending = Spending::default();
        for step in 1.. {
            let folded = cx.steering.fold().await?;
            let prompts = (step == 1).then_some(1 + folded.len());
            match self.step(&cx, prompts, &mut spending).await? {
                Stepped::Ended { reason } => {
                    return Ok(RunOutcome {
                        usage: spending.reported(),
                        reason,
                    });
                }
                Stepped::CalledTools if step >= MOST_STEPS_IN_VAIN => break,
                Stepped::CalledTools => {}
            }
        }
        Err(RunError::failed(
            "Model is stuck",
            "it calls tools again and again, and there are none",
        ))
    }
}

impl fmt::Debug for ModelRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelRunner")
            .field("provider", &self.provider.name())
            .field("options", &self.options)
            .finish()
    }
}
