//! Counts the instructions of a step, for short and for long numbers.

#![no_std]
#![no_main]

use core::cell::RefCell;
use core::hint::black_box;

use critical_section::Mutex;
use fib_core::{Decimal, Fibonacci, Inline};
use firmware::counter::Counter;
use firmware::{entry, println};

const LIMBS: usize = Decimal::limbs_for(1000);

/// scripts/firmware checks that it is in .bss, and so takes no room in the flash.
static SEQUENCE: Mutex<RefCell<Fibonacci<Decimal, Inline<LIMBS>>>> = Mutex::new(RefCell::new(Fibonacci::new()));

#[entry]
fn main() -> ! {
    critical_section::with(|token| _ = black_box(SEQUENCE.borrow_ref_mut(token).advance()));

    let mut counter = Counter::new();
    let mut fib = Fibonacci::<Decimal, Inline<LIMBS>>::new();
    // F(44) is the last number of one limb. The timer is coarse, so the steps are repeated.
    let rounds = 100;
    let instructions = counter.count(|| {
        for _ in 0..rounds {
            fib.restart();
            for _ in 0..45 {
                _ = black_box(fib.advance());
            }
        }
    });
    println!("F(0) to F(44): {} instructions a step", instructions / (rounds * 45));
    let instructions = counter.count(|| {
        while fib.index() < 960 {
            _ = black_box(fib.advance());
        }
    });
    println!("F(45) to F(959): {} instructions a step", instructions / (960 - 45));
    let instructions = counter.count(|| {
        while fib.index() <= 1000 {
            _ = black_box(fib.advance());
        }
    });
    println!("F(960) to F(1000): {} instructions a step", instructions / 41);
    let mut text = [0; 210];
    let number = fib.peek().expect("F(1001) has as many limbs");
    let instructions = counter.count(|| {
        for _ in 0..rounds {
            _ = black_box(number).copy_digits(0, black_box(&mut text));
        }
    });
    println!("text of F(1001), 210 digits: {} instructions", instructions / rounds);
    firmware::succeed()
}
