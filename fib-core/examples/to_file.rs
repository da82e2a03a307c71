//! Writes F(n) to a file: `cargo run --release -p fib-core --example to_file -- 1000000 million.txt`.
//!
//! The digits go from the number to the file in pieces, so that their text is never in memory as a whole.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};

use fib_core::Natural;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [index, path] = arguments.as_slice() else { return Err("usage: to_file INDEX PATH".into()) };
    let number = Natural::fibonacci(index.parse()?)?;
    write(&number, BufWriter::new(File::create(path)?))?;
    println!("{path}: {} digits, {number:.5e}", number.digit_count());
    Ok(())
}

fn write(number: &Natural, mut out: impl Write) -> std::io::Result<()> {
    number.write_digits(|digits| out.write_all(digits))?;
    out.write_all(b"\n")?;
    out.flush()
}

#[test]
fn writes_the_digits_and_a_newline() {
    let mut out = Vec::new();
    write(&Natural::fibonacci(100).unwrap(), &mut out).unwrap();
    assert_eq!(out, b"354224848179261915075\n");
}
