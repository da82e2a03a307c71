//! Returns to a position after a reset, from the index alone and without an allocator. A device keeps the index in its flash;
//! here a variable stands for it.

#![no_std]
#![no_main]

use core::hint::black_box;

use fib_core::{Decimal, Fibonacci, Inline, Limb};
use firmware::counter::Counter;
use firmware::{entry, is_f1000, println, succeed};

/// 24 limbs of 32 bits.
const LIMBS: usize = Decimal::limbs_for(1001);

#[entry]
fn main() -> ! {
    let mut counter = Counter::new();
    let kept_index: u64 = black_box(1000);

    let mut fib = Fibonacci::<Decimal, Inline<LIMBS>>::new();
    let instructions = counter.count(|| assert!(fib.jump_to(kept_index).is_ok(), "there is room for F(1000)"));
    assert!(fib.index() == 1000);
    assert!(fib.advance().is_ok_and(is_f1000), "F(1000) is wrong");
    println!("back at F(1000) in place: {instructions} instructions");

    // The same over memory whose size the program knows only when it runs.
    let mut memory: [Limb; 2 * LIMBS] = [0; 2 * LIMBS];
    let (first, second) = memory.split_at_mut(black_box(LIMBS));
    let mut fib = Fibonacci::<Decimal, _>::in_slices([first, second]);
    assert!(fib.jump_to(kept_index).is_ok(), "there is room for F(1000)");
    assert!(fib.advance().is_ok_and(is_f1000), "F(1000) is wrong");
    println!("back at F(1000) in slices");
    succeed()
}
