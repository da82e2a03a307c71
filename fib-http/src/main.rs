//! `fib-http`: answers each `GET /` with the next Fibonacci number. Prepares the process, then calls [`fib_http::run`].

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::{env, io};

use fib_http::config::{PositionTask, Task};
use fib_http::log::{self, LogFormat};
use fib_http::net::shutdown::Signals;
use fib_http::net::{limits, listen};
use fib_http::position::{OpenError, file};
use fib_http::sequence::memory::SystemMemory;
use fib_http::{Config, Error, health, run};

fn main() -> ExitCode {
    // Before anything else: as process 1 of a container the program would not notice a signal without a handler.
    let signals = Signals::catch();
    let arguments: Vec<_> = env::args_os().collect();
    let config = match Config::from_arguments(&arguments) {
        Ok(config) => config,
        Err(error) if error.use_stderr() && Config::log_format_of(&arguments) == LogFormat::Json => {
            log::fatal(LogFormat::Json, in_one_line(&error));
            return ExitCode::from(2);
        }
        Err(error) => error.exit(),
    };
    log::init(config.log_level, config.log_format);
    let done = match &config.task {
        None => serve(&config, signals),
        Some(Task::Position(PositionTask::Show { path })) => show(path),
        Some(Task::Health { url }) => health::check(url, health::TIMEOUT).map(|status| print(&format!("{status}\n"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::fatal(config.log_format, error);
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with the flags, without the hint at `--help`.
fn in_one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let (message, _) = text.split_once("\n\n").unwrap_or((&text, ""));
    let lines: Vec<&str> = message.trim_start_matches("error: ").lines().map(str::trim).collect();
    lines.join(" ")
}

/// Prints what a position's file contains.
fn show(path: &Path) -> Result<(), Error> {
    file::show(path).map(|text| print(&text)).map_err(|error| Error::Position(OpenError::File(error)))
}

/// Prints text on standard output.
fn print(text: &str) {
    // An error says that the reader has gone.
    let _ = io::stdout().write_all(text.as_bytes());
}

fn serve(config: &Config, signals: io::Result<Signals>) -> Result<(), Error> {
    Config::warn_of_unknown_variables();
    limits::raise_open_files()?;
    let signals = signals.map_err(Error::Runtime)?;
    let memory = SystemMemory::of_this_process(config.memory_threshold);
    let listeners = match listen::inherited()? {
        Some(listeners) => listeners,
        None => listen::bind(&config.hosts, config.port)?,
    };
    run(config, memory, listeners, || signals.listen())?;
    Ok(())
}
