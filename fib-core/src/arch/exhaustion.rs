//! Proof by exhaustion: the portable addition in small bases, with every pair of numbers, against `u64`.

extern crate std;

use super::portable::add_in_place;
use crate::limb::Limb;
use core::hint::black_box;
use std::vec::Vec;

/// Adds every pair of numbers of up to `longest` limbs, with and without a carry in. Every length is tested, so shorter numbers
/// are also tested with leading zeros. A sum is right if every limb is below the base, and the value of the limbs and the carry
/// out is `x + y + carry`.
#[allow(clippy::useless_conversion, reason = "a limb may have 32 bits or 64")]
fn add_every_pair<const BASE: Limb>(longest: u32) {
    let base = u64::from(BASE);
    // A call that the compiler cannot see through runs the code for slices of any length, as the kernel does.
    let add: fn(&mut [Limb], &[Limb], bool) -> bool = black_box(add_in_place::<BASE>);
    for len in 1..=longest {
        let digit = |number: u64, place: u32| Limb::try_from(number / base.pow(place) % base).unwrap();
        let numbers: Vec<Limb> =
            (0..base.pow(len)).flat_map(|number| (0..len).map(move |place| digit(number, place))).collect();
        let numbers = || (0_u64..).zip(numbers.chunks_exact(len as usize));
        let mut sum = std::vec![0; len as usize];
        for (x, a) in numbers() {
            for (y, b) in numbers() {
                for carry in [false, true] {
                    sum.copy_from_slice(a);
                    let carry_out = add(&mut sum, b, carry);
                    let value = sum.iter().rev().fold(u64::from(carry_out), |high, &x| high * base + u64::from(x));
                    let reduced = sum.iter().all(|&x| x < BASE);
                    assert!(
                        reduced && value == x + y + u64::from(carry),
                        "{x} + {y} + {carry} in {len} limbs: {sum:?}"
                    );
                }
            }
        }
    }
}

/// 5^8 pairs of four limbs, which are one block.
#[test]
fn adds_every_pair_up_to_four_limbs_in_base_5() {
    add_every_pair::<5>(4);
}

/// 2^18 pairs of nine limbs: a block of eight and a single limb.
#[test]
fn adds_every_pair_up_to_nine_limbs_in_base_2() {
    add_every_pair::<2>(9);
}

/// 10^8 pairs of four limbs.
#[test]
#[ignore = "it takes a minute without optimisation: scripts/test runs it"]
fn adds_every_pair_up_to_four_limbs_in_base_10() {
    add_every_pair::<10>(4);
}

/// 2^26 pairs of thirteen limbs: a block of eight, a block of four, and a single limb.
#[test]
#[ignore = "it takes a minute without optimisation: scripts/test runs it"]
fn adds_every_pair_up_to_thirteen_limbs_in_base_2() {
    add_every_pair::<2>(13);
}

#[test]
#[ignore = "2^32 pairs take a minute: scripts/test runs it"]
fn adds_every_pair_up_to_two_limbs_in_base_256() {
    add_every_pair::<256>(2);
}
