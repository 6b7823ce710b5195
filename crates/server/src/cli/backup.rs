//! `runwright backup FILE`: a copy of the database, while a server goes on with it.

use std::process::ExitCode;

use runwright_server::config::{BackupArgs, Environment};
use runwright_store::maintenance;
use serde::Serialize;
use tokio::time::Instant;

use super::failure::Failure;
use super::print::Output;

/// What was copied, as JSON.
#[derive(Debug, Serialize)]
struct Copied {
    file: String,
    bytes: u64,
    took_ms: u128,
}

/// Makes the copy, and prints where it is.
pub(crate) fn backup(
    args: &BackupArgs,
    json: bool,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let directory = args.data_dir.resolve(environment)?;
    let begun = Instant::now();
    let made = maintenance::backup(&directory, &args.file).map_err(Failure::store)?;
    let copied = Copied {
        file: made.file.display().to_string(),
        bytes: made.bytes,
        took_ms: begun.elapsed().as_millis(),
    };
    let output = Output::new(json);
    let printed = if output.is_json() {
        output.value(&copied)
    } else {
        output.text(&told(&copied))
    };
    printed.map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn told(copied: &Copied) -> String {
    let Copied {
        file,
        bytes,
        took_ms,
    } = copied;
    format!(
        "backup     {file}, {bytes} bytes, in {took_ms} ms\n\
         restore    put it as `runwright.db` into an empty folder, and start the server with `--data-dir`\n"
    )
}
