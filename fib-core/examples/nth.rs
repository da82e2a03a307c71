//! Prints one Fibonacci number: `cargo run --release -p fib-core --example nth -- 100000000`.
//!
//! It writes the digits and a newline to standard output and nothing else. With `--time` it writes the number of digits and the
//! times to standard error. A bad argument ends it with one line on standard error and status 2.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use fib_core::Natural;

const USAGE: &str = "usage: nth INDEX [--time]";

/// The number of bytes that are written at a time.
const CHUNK: usize = 64 * 1024;

fn main() -> ExitCode {
    let (index, time) = match parse(env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned())) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("nth: {message}; {USAGE}");
            return ExitCode::from(2);
        }
    };
    let start = Instant::now();
    let number = match Natural::fibonacci(index) {
        Ok(number) => number,
        Err(exhausted) => {
            eprintln!("nth: F({index}): {exhausted}");
            return ExitCode::FAILURE;
        }
    };
    let computed = start.elapsed();
    match print(&number) {
        Ok(()) => {}
        // The reader has closed the pipe, as in `nth 1000000 | head -c 10`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            eprintln!("nth: cannot write: {error}");
            return ExitCode::FAILURE;
        }
    }
    if time {
        let printed = start.elapsed() - computed;
        eprintln!("F({index}): {} digits, computed in {computed:.1?}, printed in {printed:.1?}", number.digit_count());
    }
    ExitCode::SUCCESS
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<(u64, bool), String> {
    let (mut index, mut time) = (None, false);
    for argument in arguments {
        if argument == "--time" {
            time = true;
        } else if index.is_some() {
            return Err(format!("unexpected argument: {argument:?}"));
        } else {
            let parsed = argument.parse().map_err(|_| format!("not an index from 0 to {}: {argument:?}", u64::MAX))?;
            index = Some(parsed);
        }
    }
    Ok((index.ok_or("the index is missing")?, time))
}

fn print(number: &Natural) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut chunk = vec![0; CHUNK.min(number.digit_count())];
    let mut from = 0;
    loop {
        let count = number.copy_digits(from, &mut chunk);
        if count == 0 {
            break;
        }
        out.write_all(&chunk[..count])?;
        from += count;
    }
    out.write_all(b"\n")?;
    out.flush()
}
