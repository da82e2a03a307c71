//! Prints the sequence, one number on each line. The numbers are in `Inline` storage, so fib-core needs no allocator here, as
//! on a microcontroller.
//!
//! `cargo run --release -p fib-core --no-default-features --example sequence -- 10` prints F(0) to F(9). A number that does not
//! fit ends it with a line on standard error and status 1, and a bad argument with status 2.

use std::env;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use fib_core::{Decimal, Fibonacci, Inline};

const USAGE: &str = "usage: sequence COUNT";

/// Room for F(10,000), computed at compile time.
const LIMBS: usize = Decimal::limbs_for(10_000);

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let (Some(argument), None) = (arguments.next(), arguments.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Ok(count) = argument.parse() else {
        eprintln!("sequence: not a count from 0 to {}: {argument:?}; {USAGE}", u64::MAX);
        return ExitCode::from(2);
    };
    match print(count, BufWriter::new(io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader has closed the pipe, as in `sequence 10000 | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sequence: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the first `count` numbers, or as many as fit.
fn print(count: u64, mut out: impl Write) -> io::Result<()> {
    let mut fib = Fibonacci::<Decimal, Inline<LIMBS>>::new();
    while fib.index() < count {
        let index = fib.index();
        match fib.advance() {
            Ok(number) => writeln!(out, "{number}")?,
            Err(exhausted) => {
                out.flush()?;
                return Err(io::Error::other(format!("F({index}): {exhausted}")));
            }
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_many_numbers_as_it_is_asked_for() {
        let mut printed = Vec::new();
        print(8, &mut printed).unwrap();
        assert_eq!(str::from_utf8(&printed), Ok("0\n1\n1\n2\n3\n5\n8\n13\n"));
    }

    #[test]
    fn prints_all_numbers_that_fit_and_names_the_next_one() {
        let mut printed = Vec::new();
        let error = print(u64::MAX, &mut printed).unwrap_err();
        let lines = printed.iter().filter(|&&byte| byte == b'\n').count();
        assert!(lines > 10_000);
        assert_eq!(error.to_string(), format!("F({lines}): the number does not fit its storage"));
    }
}
