//! The `runwright` binary: reads the command line, builds what it asks for, and reports how it went. Everything it is
//! made of is somewhere else: the routes in the library, the composition in `compose.rs`, the commands in `cli`.

use std::process::ExitCode;
use std::time::Duration;

use clap::CommandFactory;
use runwright_server::config::{Cli, Command, Environment, ServeArgs, USAGE_EXIT_CODE};
use runwright_server::listen::Inherited;

mod cli;
mod compose;
mod compose_model;
mod compose_provider;
mod log;
mod own_server;
mod report;
mod serve;
mod stored;

use self::report::{FAILURE, print, refuse, told, usage};

/// How long what is left of a server may take to be dropped.
const LAST_TASKS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = match Cli::from_args(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let environment = match Environment::of_process() {
        Ok(environment) => environment,
        Err(error) => return refuse(&told(&error), USAGE_EXIT_CODE),
    };
    match cli.command {
        Command::Serve(args) => serve(*args, &environment),
        Command::Run(args) => talk(cli::run(*args, cli.json, &environment)),
        Command::Status(args) => talk(cli::status(args, cli.json, &environment)),
        Command::Models(args) => talk(cli::models(args, cli.json, &environment)),
        Command::Doctor(args) => ended(cli::doctor(&args, cli.json, &environment)),
        Command::Backup(args) => ended(cli::backup(&args, cli.json, &environment)),
        Command::Export(args) => ended(cli::export(&args, cli.json, &environment)),
        Command::Import(args) => ended(cli::import(&args, cli.json, &environment)),
        Command::Audit(args) => ended(cli::audit(&args, cli.json, &environment)),
        Command::Completions(args) => {
            let mut completions = Vec::new();
            clap_complete::generate(
                args.shell,
                &mut Cli::command(),
                "runwright",
                &mut completions,
            );
            print(&completions)
        }
        Command::Openapi => print(runwright_server::openapi_json().as_bytes()),
    }
}

fn serve(args: ServeArgs, environment: &Environment) -> ExitCode {
    let config = match args.resolve(environment) {
        Ok(config) => config,
        Err(error) => return refuse(&told(&error), USAGE_EXIT_CODE),
    };
    if let Err(error) = log::to_stderr(&config.log) {
        return refuse(
            &format!("the log filter `{}`: {error}", config.log.filter),
            USAGE_EXIT_CODE,
        );
    }
    // Before there are other threads: it takes its variables out of the environment.
    let inherited = Inherited::from_service_manager();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&told(&error), FAILURE),
    };
    let served = runtime.block_on(serve::serve(config, inherited));
    // A thread that never comes back, in a tool or on a dead disk, must not keep the process.
    runtime.shutdown_timeout(LAST_TASKS);
    served.unwrap_or_else(|error| {
        let code = if error.is_usage {
            USAGE_EXIT_CODE
        } else {
            FAILURE
        };
        refuse(&told(error.cause.as_ref()), code)
    })
}

/// Runs a command that talks to a server.
fn talk(command: impl Future<Output = Result<ExitCode, cli::Failure>>) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&told(&error), FAILURE),
    };
    ended(runtime.block_on(command))
}

/// Says why a command failed, if it did.
fn ended(command: Result<ExitCode, cli::Failure>) -> ExitCode {
    command.unwrap_or_else(|failure| {
        let is_usage = matches!(failure, cli::Failure::Usage(_));
        let code = if is_usage { USAGE_EXIT_CODE } else { FAILURE };
        refuse(&told(&failure), code)
    })
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}
