//! The first and the last digits of F(n), for any n of a `u64`, without the number:
//! `cargo run -p fib-core --example ends -- 18446744073709551615`. It needs neither an allocator nor much memory.

use std::error::Error;

use fib_core::{Decimal, DigitsError, leading_digits, trailing_digits};

fn main() -> Result<(), Box<dyn Error>> {
    let index = std::env::args().nth(1).ok_or("usage: ends INDEX")?.parse()?;
    let [first, last] = ends::<20>(index)?;
    println!("F({index}) = {first}...{last}, {} digits", Decimal::digits_for(index));
    Ok(())
}

/// Up to `N` digits of each end.
fn ends<const N: usize>(index: u64) -> Result<[String; 2], DigitsError> {
    let [mut first, mut last] = [[0; N]; 2];
    let counts = [leading_digits(index, &mut first)?, trailing_digits(index, &mut last)?];
    Ok([
        String::from_utf8_lossy(&first[..counts[0]]).into_owned(),
        String::from_utf8_lossy(&last[..counts[1]]).into_owned(),
    ])
}

#[test]
fn ends_of_the_last_index() {
    assert_eq!(ends::<20>(u64::MAX).unwrap(), ["69070289095496942236", "66019507593362999010"]);
    assert_eq!(ends::<20>(12).unwrap(), ["144", "144"]);
}
