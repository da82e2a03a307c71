//! What the programs of the firmware share: start, output over semihosting, end, and a counter of instructions.
//!
//! - `inline` keeps its numbers in `Inline` storage and needs no allocator; `heap` has an allocator with a few KiB. Both
//!   print the sequence until their storage is full, let a guard restart it, and check F(1000).
//! - `steps` counts the instructions of a step, and `digits` those of the first and the last digits of a long number.
//! - `resume` returns to a position from its index alone.
//! - `log` sends numbers by defmt.
//! - `empty` does nothing. The size of the code of another program is what it has more than `empty`.
//! - `panics` and `faults` show how a failure ends.
//!
//! `scripts/firmware` builds them all and runs them in QEMU. Status 0 is success, 1 a panic.

#![no_std]

pub mod counter;

use core::panic::PanicInfo;

#[cfg(target_arch = "arm")]
pub use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
pub use riscv_rt::entry;
pub use semihosting::println;

use fib_core::{Buffer, Cause, Decimal, Fibonacci, MemoryGuard, Natural, Restarting, Storage};
use semihosting::{eprintln, process};

/// F(1000).
const F1000: &[u8] = b"\
    4346655768693745643568852767504062580256466051737178040248172908953655541794905189040387984007925516929592259308\
    0322634775209689623239873322471161642996440906533187938298969649928516003704476137795166849228875";

/// Steps and prints until the next number does not fit, and checks F(1000).
///
/// # Panics
/// If F(1000) is wrong or does not fit.
pub fn fill<S: Storage>(fib: &mut Fibonacci<Decimal, S>, print: fn(u64, &Natural<Decimal, S>)) -> Cause {
    loop {
        let index = fib.index();
        match fib.advance() {
            Ok(number) => {
                print(index, number);
                assert!(index != 1000 || is_f1000(number), "F(1000) is wrong");
            }
            Err(exhausted) => {
                println!("F({index}): {exhausted}");
                assert!(index > 1000, "F(1000) does not fit");
                return exhausted.cause();
            }
        }
    }
}

/// Whether the number is F(1000).
pub fn is_f1000<S: Buffer>(number: &Natural<Decimal, S>) -> bool {
    let mut digits = [0; F1000.len() + 1];
    let count = number.copy_digits(0, &mut digits);
    digits[..count] == *F1000
}

/// Steps until the guard refuses for the first time.
///
/// # Panics
/// If the sequence does not start again at F(0) after that.
pub fn show_restart<S: Storage, G: MemoryGuard>(mut endless: Restarting<Decimal, S, G>) {
    let mut refused = 0;
    while endless.restarts() == 0 {
        refused = endless.get_ref().index();
        endless.advance();
    }
    assert!(endless.get_ref().index() == 1, "F(0) comes after a restart");
    println!("the guard refused F({refused}); F(0) came again, and now F(1) = {}", endless.advance());
}

/// Ends the program with success.
pub fn succeed() -> ! {
    process::exit(0)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    eprintln!("{info}");
    process::exit(1)
}
