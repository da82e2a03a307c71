//! Messages on standard error.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing::error;
use tracing_subscriber::filter::LevelFilter;

/// The least severe messages that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing, except an error that prevents the start
    Off,
    /// What the program failed to do
    Error,
    /// What an operator should know, such as a new pass from F(0)
    Warn,
    /// Start and stop
    #[default]
    Info,
    /// Each failed connection
    Debug,
    /// Everything
    Trace,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// How messages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Sends this process's messages to standard error, text in colour where that is a terminal. Only the first call counts.
pub fn init(level: LogLevel, format: LogFormat) {
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::from(level))
        .with_target(false)
        .with_writer(io::stderr)
        .with_ansi(colour && format == LogFormat::Text)
        // By default a message that cannot be written is reported by eprintln!, which panics when that cannot be written
        // either: a closed standard error would take a request with it.
        .log_internal_errors(false);
    // An error says that the process has a subscriber already.
    let _ = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(builder.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
    };
    // A panic is a message like others: with a level, in the chosen format, and without a panic of its own.
    std::panic::set_hook(Box::new(|panic| error!("{panic}")));
}
