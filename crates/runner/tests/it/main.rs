//! The built-in agent through its port.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[cfg(feature = "genai")]
mod genai_answers;
#[cfg(feature = "genai")]
mod genai_closing;
#[cfg(feature = "genai")]
mod genai_failures;
#[cfg(feature = "genai")]
mod genai_hazards;
#[cfg(feature = "genai")]
mod genai_limits;
#[cfg(feature = "genai")]
mod genai_mutations;
#[cfg(feature = "genai")]
mod genai_requests;
#[cfg(feature = "genai")]
mod genai_rules;
#[cfg(feature = "genai")]
mod genai_secrets;
#[cfg(feature = "genai")]
mod genai_stage;
mod model;
mod offline;
mod scripted_provider;
mod stage;
