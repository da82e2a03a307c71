//! Prints F(N), computed by GMP. Compare the whole process with fib-core's example `nth`.

use std::process::ExitCode;
use std::{env, io, io::Write};

use rug::Integer;

fn main() -> ExitCode {
    let Some(index) = env::args().nth(1).and_then(|text| text.parse::<u32>().ok()) else {
        eprintln!("usage: gmp-nth INDEX");
        return ExitCode::from(2);
    };
    match writeln!(io::stdout(), "{}", Integer::from(Integer::fibonacci(index))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gmp-nth: {error}");
            ExitCode::FAILURE
        }
    }
}
