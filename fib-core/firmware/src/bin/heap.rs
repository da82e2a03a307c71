//! The sequence on a heap, until the allocator has no more memory.

#![no_std]
#![no_main]

use embedded_alloc::LlffHeap;
use fib_core::{ByteBudget, Cause, Decimal, Fibonacci, Natural};
use firmware::{entry, fill, is_f1000, println, show_restart, succeed};

/// 16 KiB. The microbit has no more than that, and its stack needs some, so there it is half.
const HEAP_BYTES: usize = if cfg!(target_has_atomic = "32") { 16 * 1024 } else { 8 * 1024 };

/// The number of digits that are printed at each end of a long number.
const ENDS: usize = 20;

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();

#[entry]
fn main() -> ! {
    // SAFETY: this is called once, before anything else.
    #[allow(unsafe_code, reason = "an allocator must be told its memory")]
    unsafe {
        embedded_alloc::init!(HEAP, HEAP_BYTES);
    }
    let mut fib = Fibonacci::<Decimal>::new();
    let cause = fill(&mut fib, print);
    assert!(cause == Cause::Allocation);
    println!("both values held {} of {HEAP_BYTES} bytes", fib.bytes_held());
    fib.restart();

    assert!(Natural::fibonacci(1000).is_ok_and(|number| is_f1000(&number)));
    println!("F(1000) from nothing is the same");
    show_restart(fib.with_guard(ByteBudget::new(1024)).restarting());
    succeed()
}

/// Prints a number, or the first and the last digits of a long one. There are thousands of numbers with thousands of digits.
fn print(index: u64, number: &Natural) {
    let count = number.digit_count();
    if count <= 3 * ENDS {
        println!("F({index}) = {number}");
        return;
    }
    let [mut first, mut last] = [[0; ENDS]; 2];
    _ = number.copy_digits(0, &mut first);
    _ = number.copy_digits(count - ENDS, &mut last);
    let [first, last] = [&first, &last].map(|digits| str::from_utf8(digits).unwrap_or_default());
    println!("F({index}) = {first}...{last} ({count} digits)");
}
