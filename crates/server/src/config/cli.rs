//! Owns the shape of the command line: the subcommands and the flags of those that talk to a server.
//!
//! It must never know what a command does.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
    parser::ValueSource,
};
use clap_complete::Shell;
use runwright_proto::BusyPolicy;

use super::{
    AuditArgs, BackupArgs, DoctorArgs, EndpointArgs, ExportArgs, ImportArgs, ProviderArgs,
    ServeArgs, ServerAddress,
};

/// Runs coding-agent prompts for many clients at once.
#[derive(Debug, Parser)]
#[command(name = "runwright", version, disable_help_subcommand = true)]
#[command(after_help = "Without a command, `serve` is meant.")]
pub struct Cli {
    /// Prints JSON instead of text, one value a line.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Parses the arguments, the program's name first. Use this instead of clap's own `parse`: it is what makes `serve`
    /// the command when none is named, with or without flags.
    ///
    /// # Errors
    ///
    /// A usage error, or the text of `--help` and `--version`; its `exit_code` and its output stream are clap's.
    pub fn from_args<I, T>(args: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString>,
    {
        let args = with_default_command(args.into_iter().map(Into::into).collect());
        let matches = Self::command().try_get_matches_from(args)?;
        let mut cli =
            Self::from_arg_matches(&matches).map_err(|error| error.format(&mut Self::command()))?;
        if let (Command::Run(run), Some((_, matches))) = (&mut cli.command, matches.subcommand()) {
            run.provider_flag = provider_flag(matches);
        }
        Ok(cli)
    }
}

/// The commands of the binary.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts the server (the default).
    Serve(Box<ServeArgs>),
    /// Sends one prompt and follows it to its end.
    Run(Box<RunArgs>),
    /// Tells whether a server is there and what it is doing.
    Status(StatusArgs),
    /// Lists the models that the provider offers.
    Models(ModelsArgs),
    /// Looks through the data folder for damage, and repairs it with `--fix`.
    Doctor(DoctorArgs),
    /// Copies the database into a file, also while a server uses it.
    Backup(BackupArgs),
    /// Writes one session, with the sessions that it started, into a file.
    Export(ExportArgs),
    /// Takes a session in that was exported.
    Import(ImportArgs),
    /// Prints the audit log: who did what.
    Audit(AuditArgs),
    /// Prints a completion script for a shell.
    Completions(CompletionsArgs),
    /// Prints the OpenAPI description of the API.
    #[command(hide = true)]
    Openapi,
}

/// The flags of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The prompt.
    pub prompt: String,
    /// Continues this session instead of starting one.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// Continues the session that was used last.
    #[arg(long = "continue", conflicts_with = "session")]
    pub continue_last: bool,
    /// The directory to work in; the current one by default, as a shell command would.
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// The server; the default Unix socket of this user by default, which is where `serve` listens without flags.
    #[arg(long, value_name = "URL", env = "RUNWRIGHT_HOST")]
    pub host: Option<ServerAddress>,
    /// What to do when the session already has a run.
    ///
    /// Left out, the server decides: a prompt with a run id, as this command sends it, is queued.
    #[arg(long, value_name = "POLICY", value_parser = busy_policy())]
    pub when_busy: Option<BusyPolicy>,
    /// The file with the bearer token, for a server that listens on TCP; RUNWRIGHT_TOKEN is read otherwise.
    #[arg(long, value_name = "FILE", env = "RUNWRIGHT_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Which model answers, if a server is started for this call.
    #[command(flatten)]
    pub provider: ProviderArgs,
    /// The first of these flags that stands on the command line: it has no effect on a server that runs already.
    #[arg(skip)]
    pub provider_flag: Option<String>,
}

/// The flags of `models`. No server is asked, so these are those of `serve`.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
}

/// The flags of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The server; the default Unix socket of this user by default, which is where `serve` listens without flags.
    #[arg(long, value_name = "URL", env = "RUNWRIGHT_HOST")]
    pub host: Option<ServerAddress>,
    /// The file with the bearer token, for a server that listens on TCP; RUNWRIGHT_TOKEN is read otherwise.
    #[arg(long, value_name = "FILE", env = "RUNWRIGHT_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: Shell,
}

fn busy_policy() -> impl TypedValueParser<Value = BusyPolicy> {
    PossibleValuesParser::new(BusyPolicy::ALL.iter().map(|policy| policy.as_str()))
        .try_map(|word| word.parse::<BusyPolicy>())
}

/// The first flag about the model that was given, and not set by a variable or a default.
fn provider_flag(matches: &ArgMatches) -> Option<String> {
    let flags = ProviderArgs::augment_args(clap::Command::new("flags"));
    let given = flags.get_arguments().find(|flag| {
        matches.value_source(flag.get_id().as_str()) == Some(ValueSource::CommandLine)
    });
    Some(format!("--{}", given?.get_long()?))
}

/// Puts `serve` where a command is missing: after the program's name and `--json`, unless help or the version is asked
/// for there, or an argument that is no flag and so has to be a command.
fn with_default_command(mut args: Vec<OsString>) -> Vec<OsString> {
    let at = args
        .iter()
        .skip(1)
        .position(|arg| arg != "--json")
        .map_or(args.len().max(1), |at| at + 1);
    let serve = match args.get(at) {
        None => true,
        Some(arg)
            if ["-h", "--help", "-V", "--version"]
                .iter()
                .any(|flag| arg == flag) =>
        {
            false
        }
        Some(arg) => arg.as_encoded_bytes().starts_with(b"-"),
    };
    if args.is_empty() {
        args.push("runwright".into());
    }
    if serve {
        args.insert(at, "serve".into());
    }
    args
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn name(args: &[&str]) -> Result<&'static str, ErrorKind> {
        let cli = Cli::from_args(args.iter().copied()).map_err(|error| error.kind())?;
        Ok(match cli.command {
            Command::Serve(_) => "serve",
            Command::Run(_) => "run",
            Command::Status(_) => "status",
            Command::Models(_) => "models",
            Command::Doctor(_) => "doctor",
            Command::Backup(_) => "backup",
            Command::Export(_) => "export",
            Command::Import(_) => "import",
            Command::Audit(_) => "audit",
            Command::Completions(_) => "completions",
            Command::Openapi => "openapi",
        })
    }

    #[test]
    fn the_definition_of_the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_the_command_when_none_is_named() {
        assert_eq!(name(&[]), Ok("serve"));
        assert_eq!(name(&["runwright"]), Ok("serve"));
        assert_eq!(name(&["runwright", "--json"]), Ok("serve"));
        assert_eq!(name(&["runwright", "--listen", "unix:///x"]), Ok("serve"));
        assert_eq!(name(&["runwright", "--json", "--no-auth"]), Ok("serve"));
        assert_eq!(name(&["runwright", "serve", "--no-auth"]), Ok("serve"));
    }

    #[test]
    fn named_commands_help_and_mistakes_are_left_alone() {
        assert_eq!(name(&["runwright", "--json", "status"]), Ok("status"));
        assert_eq!(name(&["runwright", "status", "--json"]), Ok("status"));
        assert_eq!(name(&["runwright", "run", "fix it"]), Ok("run"));
        assert_eq!(name(&["runwright", "models"]), Ok("models"));
        assert_eq!(
            name(&["runwright", "completions", "bash"]),
            Ok("completions")
        );
        assert_eq!(name(&["runwright", "openapi"]), Ok("openapi"));
        assert_eq!(name(&["runwright", "--help"]), Err(ErrorKind::DisplayHelp));
        assert_eq!(
            name(&["runwright", "--version"]),
            Err(ErrorKind::DisplayVersion)
        );
        assert_eq!(
            name(&["runwright", "sevre"]),
            Err(ErrorKind::InvalidSubcommand)
        );
        assert_eq!(
            name(&["runwright", "--lissen", "x"]),
            Err(ErrorKind::UnknownArgument)
        );
    }

    #[test]
    fn run_reads_its_flags() {
        let args = [
            "runwright",
            "run",
            "fix it",
            "--session",
            "s1",
            "--host",
            "tcp://build:7180",
            "--when-busy",
            "steer",
        ];
        let Command::Run(run) = Cli::from_args(args).expect("valid").command else {
            panic!("not run")
        };
        assert_eq!(run.prompt, "fix it");
        assert_eq!(run.session.as_deref(), Some("s1"));
        assert_eq!(
            run.host,
            Some(ServerAddress::Tcp {
                host: "build".to_owned(),
                port: 7180
            })
        );
        assert_eq!(run.when_busy, Some(BusyPolicy::Steer));
        let both = ["runwright", "run", "x", "--session", "s1", "--continue"];
        assert_eq!(name(&both), Err(ErrorKind::ArgumentConflict));
    }

    #[test]
    fn run_knows_which_flag_about_the_model_it_was_given() {
        let flag = |args: &[&str]| {
            let args = [&["runwright", "run", "fix it"], args].concat();
            let Command::Run(run) = Cli::from_args(args).expect("valid").command else {
                panic!("not run")
            };
            run.provider_flag
        };
        assert_eq!(flag(&[]), None);
        assert_eq!(flag(&["--when-busy", "steer"]), None);
        assert_eq!(flag(&["--model", "m"]).as_deref(), Some("--model"));
        assert_eq!(flag(&["--prices", "1,2"]).as_deref(), Some("--prices"));
    }
}
