//! `fib-http`: answers each `GET /` with the next Fibonacci number. Reads the arguments, then calls [`fib_http::run`].

use std::process::ExitCode;

use clap::Parser;
use fib_http::net::{listen, shutdown};
use fib_http::sequence::memory::SystemMemory;
use fib_http::{Config, Error, log, run};

fn main() -> ExitCode {
    let config = Config::parse();
    log::init(config.log_level, config.log_format);
    match serve(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not through tracing: an error that prevents the start is reported at any log level.
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: &Config) -> Result<(), Error> {
    let memory = SystemMemory::of_this_process(config.memory_threshold);
    let listeners = match listen::inherited()? {
        Some(listeners) => listeners,
        None => listen::bind(&config.host, config.port)?,
    };
    run(config, memory, listeners, shutdown::signals)?;
    Ok(())
}
