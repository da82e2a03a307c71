//! A log by defmt. The device sends limbs, and the host that reads the log makes digits of them.

#![no_std]
#![no_main]

use core::hint::black_box;

use defmt_semihosting as _; // the logger
use fib_core::{Binary, Decimal, Demand, Fibonacci, Inline};
use firmware::{entry, succeed};

#[entry]
fn main() -> ! {
    let mut fib = Fibonacci::<Decimal, Inline<{ Decimal::limbs_for(1000) }>>::new();
    let exhausted = loop {
        match fib.advance_indexed() {
            Ok((index, number)) => defmt::println!("F({}) = {}", index, number),
            Err(exhausted) => break exhausted,
        }
    };
    defmt::println!("F({}): {}", fib.index(), exhausted);

    let mut fib = Fibonacci::<Binary, Inline<{ Binary::limbs_for(1000) }>>::new();
    for index in black_box([0, 1, 47, 48, 1000]) {
        assert!(fib.jump_to(index).is_ok(), "there is room for F(1000)");
        if let Ok(number) = fib.advance() {
            defmt::println!("F({}) = {}", index, number);
        }
    }
    defmt::println!("{}", Demand::new(192, 0));
    succeed()
}
