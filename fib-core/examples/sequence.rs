//! Prints the first numbers of the sequence, a line each: `cargo run --release -p fib-core --example sequence -- 10`.
//!
//! A bad argument is one line on standard error, and status 2.

use std::env;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use fib_core::{Decimal, Fibonacci};

const USAGE: &str = "usage: sequence COUNT";
const HELP: &str = "usage: sequence COUNT\nPrints F(0), F(1), ... up to COUNT numbers, a line each.\n";

fn main() -> ExitCode {
    let arguments: Vec<String> =
        env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let printed = match &arguments[..] {
        [argument] if argument == "--help" || argument == "-h" => io::stdout().write_all(HELP.as_bytes()),
        [argument] => match argument.parse() {
            Ok(count) => print(count),
            Err(_) => return refuse(&format!("not a count from 0 to {}: {argument:?}", u64::MAX)),
        },
        [] => return refuse("the count is missing"),
        [_, more, ..] => return refuse(&format!("one argument too many: {more:?}")),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has seen enough, as in `sequence 1000000 | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sequence: {error}");
            ExitCode::FAILURE
        }
    }
}

fn refuse(message: &str) -> ExitCode {
    eprintln!("sequence: {message}; {USAGE}");
    ExitCode::from(2)
}

fn print(count: u64) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut fib = Fibonacci::<Decimal>::new();
    while fib.index() < count {
        writeln!(out, "{}", fib.advance().map_err(io::Error::other)?)?;
    }
    out.flush()
}
