//! Owns the command line and the environment: nothing else in the workspace reads flags or variables.
//!
//! [`Cli::from_args`] parses, [`ServeArgs::resolve`] turns the flags and an [`Environment`] into one plain
//! [`ServeConfig`] with every default filled in, or refuses with a sentence that says what to do. A refusal is a usage
//! error: [`USAGE_EXIT_CODE`]. Nothing is bound, created or written here.
//!
//! It must never know how an address is bound, how a token is compared, or what a route does.

mod address;
mod age;
mod api_key;
mod auth;
mod base_url;
mod cli;
mod data_dir;
mod default_socket;
mod environment;
mod error;
mod prices;
mod provider;
mod provider_args;
mod serve;
mod serve_args;
mod since;
mod size;
mod storage;
mod store_args;

pub use self::{
    address::{AddressError, ListenAddress, ServerAddress},
    age::{Age, AgeError},
    api_key::{ApiKey, ApiKeyError, KeySource, KeyVariables},
    auth::{AuthConfig, TokenSource, check_exposure},
    base_url::{BaseUrl, BaseUrlError},
    cli::{Cli, Command, CompletionsArgs, ModelsArgs, RunArgs, StatusArgs},
    data_dir::DataDirArgs,
    default_socket::DefaultSocket,
    environment::{Environment, variables},
    error::{ConfigError, USAGE_EXIT_CODE},
    prices::{Prices, PricesError},
    provider::{EndpointConfig, ModelChoice, ModelConfig, ProviderKind},
    provider_args::{EndpointArgs, ProviderArgs, ProviderConfigError},
    serve::{Limits, ListenPlan, LogConfig, LogFormat, ServeConfig},
    serve_args::ServeArgs,
    since::{Since, SinceError},
    size::{ByteSize, SizeError},
    storage::{Retention, StorageArgs, StorageConfig},
    store_args::{AuditArgs, BackupArgs, DoctorArgs, ExportArgs, ImportArgs},
};
