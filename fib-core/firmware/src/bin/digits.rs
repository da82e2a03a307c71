//! The ends of numbers that no device can hold, and the instructions that they take.

#![no_std]
#![no_main]

use core::hint::black_box;
use fib_core::{Binary, Decimal, DigitsError, MAX_DIGITS, leading_digits, trailing_digits};
use firmware::counter::Counter;
use firmware::{entry, println};

type Digits = fn(u64, &mut [u8]) -> Result<usize, DigitsError>;

#[entry]
fn main() -> ! {
    let mut counter = Counter::new();
    assert!(Decimal::digits_for(u64::MAX) == 3_855_141_514_259_838_963);
    // 5,224,691,006 digits are more than a usize counts here, and 17,356,047,840 bits are too; limbs of them are not.
    assert!(Decimal::limbs_for(25_000_000_000) == 580_521_223);
    assert!(Binary::limbs_for(25_000_000_000) == 542_376_495);
    assert!(Decimal::limbs_for(u64::MAX) == usize::MAX);
    let ends: [(&str, Digits, &[u8; 20]); 2] =
        [("first", leading_digits, b"69070289095496942236"), ("last", trailing_digits, b"66019507593362999010")];
    for (which, function, expected) in ends {
        let mut digits = [0; MAX_DIGITS];
        for count in [expected.len(), MAX_DIGITS] {
            let digits = &mut digits[..count];
            let instructions = counter.count(|| {
                assert!(function(black_box(u64::MAX), digits) == Ok(count));
            });
            let known = if which == "first" { &digits[..20] } else { &digits[count - 20..] };
            assert!(known == expected, "the {which} digits are wrong");
            println!("the {which} {count} digits of F(2^64 - 1): {instructions} instructions");
        }
    }
    firmware::succeed()
}
