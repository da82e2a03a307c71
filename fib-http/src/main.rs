//! `fib-http`: answers each `GET /` with the next Fibonacci number. Reads the arguments, then calls [`fib_http::run`].

use std::io;
use std::process::ExitCode;

use clap::Parser;
use fib_http::net::listen;
use fib_http::net::shutdown::Signals;
use fib_http::sequence::memory::SystemMemory;
use fib_http::{Config, Error, log, run};

fn main() -> ExitCode {
    // Before anything else: as process 1 of a container the program would not notice a signal without a handler.
    let signals = Signals::catch();
    let config = Config::parse();
    log::init(config.log_level, config.log_format);
    match serve(&config, signals) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not through tracing: an error that prevents the start is reported at any log level.
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: &Config, signals: io::Result<Signals>) -> Result<(), Error> {
    let signals = signals.map_err(Error::Runtime)?;
    let memory = SystemMemory::of_this_process(config.memory_threshold);
    let listeners = match listen::inherited()? {
        Some(listeners) => listeners,
        None => listen::bind(&config.host, config.port)?,
    };
    run(config, memory, listeners, || signals.listen())?;
    Ok(())
}
