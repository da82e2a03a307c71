//! Messages on standard error.

mod output;
mod stderr;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::ValueEnum;
use tracing::{error, subscriber, warn};
use tracing_subscriber::filter::LevelFilter;

use self::output::Output;
use self::stderr::Stderr;

/// The least severe messages that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing, except an error that prevents the start
    Off,
    /// What the program failed to do
    Error,
    /// What an operator should know, such as a new pass from F(0)
    Warn,
    /// Start, stop, lost numbers, and requests (--access-log)
    #[default]
    Info,
    /// Every connection and every refused request
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

static OUTPUT: Mutex<Output<Stderr>> = Mutex::new(Output::new(Stderr::shared()));

fn output() -> MutexGuard<'static, Output<Stderr>> {
    OUTPUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends this process's messages to standard error, text in colour if that is a terminal. Only the first call counts.
///
/// Nothing ever waits for standard error to be read: a message that cannot be written is dropped, and the number of dropped
/// messages is reported when one can be written again. The last messages wait for up to a second.
pub fn init(level: LogLevel, format: LogFormat) {
    output().set_sink(Stderr::open());
    // An error says that the process has a subscriber already.
    let _ = match format {
        LogFormat::Text => subscriber::set_global_default(messages(level.into()).with_ansi(takes_colour()).finish()),
        LogFormat::Json => subscriber::set_global_default(messages(level.into()).json().flatten_event(true).finish()),
    };
    // A panic is a message like others: with a level, in the chosen format, and without a panic of its own.
    std::panic::set_hook(Box::new(|panic| error!("{panic}")));
}

/// Reports an error that prevents the start, at any log level.
pub fn fatal(format: LogFormat, message: impl Display) {
    wait_for_reader();
    match format {
        LogFormat::Text => output().write_line(format!("error: {message}\n").as_bytes()),
        LogFormat::Json => {
            let subscriber = messages(LevelFilter::ERROR).json().flatten_event(true).finish();
            subscriber::with_default(subscriber, || error!("{message}"));
        }
    }
}

/// From now on messages may wait for standard error to be read, for a second in all: the service has nothing else to do.
pub(crate) fn wait_for_reader() {
    output().wait_for_reader();
}

/// Messages that were dropped because standard error could not be written.
pub(crate) fn dropped() -> u64 {
    output().dropped()
}

type Messages = tracing_subscriber::fmt::SubscriberBuilder<
    tracing_subscriber::fmt::format::DefaultFields,
    tracing_subscriber::fmt::format::Format,
    LevelFilter,
    fn() -> Lines,
>;

fn messages(level: LevelFilter) -> Messages {
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer((|| Lines) as fn() -> Lines)
        .with_ansi(false)
        // By default a message that cannot be written is reported by eprintln!, which may wait, or panic.
        .log_internal_errors(false)
}

/// Whether standard error is a terminal, and colour is wanted there (<https://no-color.org>).
fn takes_colour() -> bool {
    io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && understands_escapes()
}

/// Whether the terminal understands escape sequences.
#[cfg(not(windows))]
fn understands_escapes() -> bool {
    true
}

/// Whether the console understands escape sequences. It must be told to interpret them, and old ones cannot.
#[cfg(windows)]
fn understands_escapes() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(false)
}

/// Writes a message to standard error, after the report about dropped ones.
struct Lines;

impl Write for Lines {
    /// Takes a whole message, as the subscriber gives it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The report comes here too, so nothing may be locked meanwhile.
        let due = output().begin_report();
        if let Some(count) = due {
            warn!(parent: None, "{count} messages were dropped: standard error was not read");
            output().end_report();
        }
        output().write_line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
