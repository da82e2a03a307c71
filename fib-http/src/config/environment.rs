//! The environment variables of the flags.

use std::env;
use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, Command, CommandFactory, FromArgMatches};
use tracing::warn;

use super::Config;
use crate::log::LogFormat;

/// What the names of all variables begin with.
const PREFIX: &str = "FIB_HTTP_";

impl Config {
    /// The flags of `arguments`, and of the environment. An environment variable that is empty counts as absent.
    ///
    /// # Errors
    /// What is wrong with them. The error names the variable if the value comes from one. Help and version are errors too.
    pub fn from_arguments(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let command = Self::command().mut_args(without_empty_variable);
        let matches = command.clone().try_get_matches_from(arguments);
        matches
            .and_then(|mut matches| Self::from_arg_matches_mut(&mut matches))
            .map_err(|error| name_variable(error, &command, arguments))
    }

    /// The format of messages that `arguments` and the environment ask for, even if they are wrong otherwise.
    #[must_use]
    pub fn log_format_of(arguments: &[OsString]) -> LogFormat {
        // A bad value in another variable would keep this one from being read.
        let only_format = |argument: Arg| match argument.get_id().as_str() {
            "log_format" => without_empty_variable(argument),
            _ => without_variable(argument),
        };
        let command = Self::command().mut_args(only_format).ignore_errors(true);
        let given = |arguments: &[OsString]| {
            let matches = command.clone().try_get_matches_from(arguments).ok()?;
            matches.value_source("log_format").filter(|&source| source != ValueSource::DefaultValue)?;
            matches.get_one("log_format").copied()
        };
        // A bad value of a flag keeps the variable from being read, so it is read again without flags.
        given(arguments).or_else(|| given(&arguments[..arguments.len().min(1)])).unwrap_or_default()
    }

    /// Logs a warning if the environment has variables that begin like those of flags and belong to none: a name may be
    /// misspelt.
    pub fn warn_of_unknown_variables() {
        let command = Self::command();
        let is_known = |name: &OsString| command.get_arguments().any(|argument| argument.get_env() == Some(name));
        let set = env::vars_os().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name);
        let unknown = set.filter(|name| name.to_string_lossy().starts_with(PREFIX) && !is_known(name));
        let mut unknown: Vec<String> = unknown.map(|name| name.to_string_lossy().into_owned()).collect();
        unknown.sort_unstable();
        if !unknown.is_empty() {
            warn!("these environment variables belong to no flag and are ignored: {}", unknown.join(", "));
        }
    }
}

fn without_empty_variable(argument: Arg) -> Arg {
    let is_empty = argument.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    if is_empty { without_variable(argument) } else { argument }
}

fn without_variable(argument: Arg) -> Arg {
    argument.env(Resettable::<clap::builder::OsStr>::Reset)
}

/// The same error, naming the environment variable that the bad value comes from, if it does.
fn name_variable(mut error: clap::Error, command: &Command, arguments: &[OsString]) -> clap::Error {
    let flag_in = |error: &clap::Error| match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => Some(flag.clone()),
        _ => None,
    };
    let of_arguments = command.clone().mut_args(without_variable).try_get_matches_from(arguments).err();
    if of_arguments.is_some_and(|other| other.kind() == error.kind() && flag_in(&other) == flag_in(&error)) {
        return error;
    }
    let variables = || command.get_arguments().filter_map(|argument| Some((argument, argument.get_env()?.to_str()?)));
    if error.kind() == ErrorKind::InvalidUtf8 {
        let is_malformed = |name: &str| env::var_os(name).is_some_and(|value| value.to_str().is_none());
        if let Some((_, name)) = variables().find(|(_, name)| is_malformed(name)) {
            let message = format!("the value of {name} is not UTF-8");
            return command.clone().error(ErrorKind::InvalidUtf8, message);
        }
    }
    // Such as "--port <PORT>" or "--access-log[=<true|false>]".
    if let Some(flag) = flag_in(&error)
        && let Some(long) = flag.split([' ', '[']).next().and_then(|long| long.strip_prefix("--"))
        && let Some((_, name)) = variables().find(|(argument, _)| argument.get_long() == Some(long))
    {
        let both = format!("{name} ({flag})");
        error.insert(ContextKind::InvalidArg, ContextValue::String(both));
    }
    error
}
