//! Reading the command line; no error repeats a secret.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::Cli;
use crate::exit::{Code, Failure};
use crate::report::{self, out};
use crate::shown;

/// Reads the command line. When there is nothing to do but to exit, everything has been said already.
pub(crate) fn parse(args: Vec<OsString>) -> Result<Cli, Code> {
    Cli::try_parse_from(&args).map_err(|error| {
        let text = shown::without_secrets(&error.to_string(), &args);
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                out::stdout(&text);
                Code::Done
            }
            _ => {
                if asks_for_json(&args) {
                    report::json::fatal(&Failure::usage(text.trim_start_matches("error: ").trim_end()));
                }
                out::stderr(&text);
                Code::Usage
            }
        }
    })
}

/// Whether what could not be read has `--json`, and a command that knows it.
fn asks_for_json(args: &[OsString]) -> bool {
    let cli = Cli::command();
    let command = args.iter().skip(1).find_map(|arg| cli.find_subcommand(arg));
    args.iter().any(|arg| arg == "--json")
        && command.is_some_and(|command| command.get_arguments().any(|option| option.get_long() == Some("json")))
}
