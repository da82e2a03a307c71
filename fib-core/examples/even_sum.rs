//! The sum of the even Fibonacci numbers below a bound of any length, as in problem 2 of Project Euler:
//! `cargo run -p fib-core --example even_sum -- 4000000`.

use std::error::Error;

use fib_core::{Decimal, Exhausted, Fibonacci, Natural};

fn main() -> Result<(), Box<dyn Error>> {
    let bound: Natural = std::env::args().nth(1).ok_or("usage: even_sum BOUND")?.parse()?;
    println!("{}", even_sum(&bound)?);
    Ok(())
}

fn even_sum(bound: &Natural) -> Result<Natural, Exhausted> {
    Fibonacci::<Decimal>::new().take_while(|number| number < bound).filter(Natural::is_even).sum()
}

#[test]
fn below_four_million() {
    let bound = Natural::try_from(4_000_000_u32).unwrap();
    assert_eq!(even_sum(&bound).unwrap(), 4_613_732);
}
