//! What the process says for itself when it does nothing else: usage, refusals, and what was asked to be printed. It
//! knows no command.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use runwright_server::config::USAGE_EXIT_CODE;

/// The exit code of what went wrong and is no usage error.
pub(crate) const FAILURE: u8 = 1;

/// Prints what the command line was not, or the help that it asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let code = u8::try_from(error.exit_code()).unwrap_or(USAGE_EXIT_CODE);
    match error.print() {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::from(FAILURE),
    }
}

/// An error with everything that led to it.
pub(crate) fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Prints why nothing was done. There is nobody left to tell if that fails.
pub(crate) fn refuse(why: &str, code: u8) -> ExitCode {
    let _unwritable = writeln!(std::io::stderr().lock(), "runwright: {why}");
    ExitCode::from(code)
}

/// Prints what was asked for.
pub(crate) fn print(bytes: &[u8]) -> ExitCode {
    match std::io::stdout().lock().write_all(bytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(FAILURE),
    }
}
