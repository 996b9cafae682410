//! Reading the command line; no error repeats a secret.

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;

use super::Cli;
use crate::exit::Code;
use crate::report::out;
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
                out::stderr(&text);
                Code::Usage
            }
        }
    })
}
