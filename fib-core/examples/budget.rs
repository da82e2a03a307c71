//! Steps until a budget of memory is used up: `cargo run -p fib-core --example budget -- 10000`.

use std::error::Error;

use fib_core::{ByteBudget, Cause, Decimal, Fibonacci};

fn main() -> Result<(), Box<dyn Error>> {
    let bytes = std::env::args().nth(1).ok_or("usage: budget BYTES")?.parse()?;
    let (index, digits, held) = spend(bytes);
    println!("F({index}), with {digits} digits, is the last number: both values hold {held} of {bytes} bytes");
    Ok(())
}

/// The index of the last number within the budget, the count of its digits, and the bytes that both values hold.
fn spend(bytes: usize) -> (u64, usize, usize) {
    let mut fib = Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(bytes));
    let refused = loop {
        if let Err(exhausted) = fib.advance() {
            break exhausted;
        }
    };
    // The step was refused, not lost: with a larger budget it can be tried again.
    assert_eq!(refused.cause(), Cause::Guard);
    let last = fib.current().expect("F(0) needs no memory");
    (fib.index() - 1, last.digit_count(), fib.bytes_held())
}

#[test]
fn never_holds_more_than_the_budget() {
    for bytes in [0, 1_000, 10_000] {
        let (index, digits, held) = spend(bytes);
        assert!(held <= bytes);
        assert_eq!(digits as u64, Decimal::digits_for(index));
    }
}
