//! Addition by every kernel, against an addition in double width.

use super::{Candidate, Radix, Random, candidates, lengths, limb, outside};
use crate::limb::Limb;
use std::format;
use std::vec::Vec;

/// The oracle of addition: schoolbook, in double width.
fn naive_sum(a: &[Limb], b: &[Limb], carry: bool, base: u128) -> (Vec<Limb>, bool) {
    let mut carry = u128::from(carry);
    let sum = a
        .iter()
        .zip(b)
        .map(|(&x, &y)| {
            let sum = u128::from(x) + u128::from(y) + carry;
            carry = sum / base;
            limb(sum % base)
        })
        .collect();
    (sum, carry != 0)
}

/// Adds with each kernel and both carries, within longer buffers, and compares with the oracle.
pub(super) fn check_addition(
    candidates: &[Candidate],
    radix: Radix,
    a: &[Limb],
    b: &[Limb],
    offset: usize,
    what: &str,
) {
    const SENTINEL: Limb = 0x5a5a_5a5a;
    let within = offset..offset + a.len();
    for carry in [false, true] {
        let (sum, carry_out) = naive_sum(a, b, carry, radix.base());
        for candidate in candidates {
            let mut padded_a = std::vec![SENTINEL; a.len() + 16];
            let mut padded_b = std::vec![SENTINEL; a.len() + 16];
            // The two have different alignments.
            let b_within = 8 - offset..8 - offset + b.len();
            padded_a[within.clone()].copy_from_slice(a);
            padded_b[b_within.clone()].copy_from_slice(b);
            let out = radix.add(candidate)(&mut padded_a[within.clone()], &padded_b[b_within], carry);

            let case = format!("{} {radix:?} {what}, {} limbs, carry {carry}", candidate.name, a.len());
            assert!(padded_a[within.clone()] == sum[..], "{case}: wrong sum");
            assert_eq!(out, carry_out, "{case}: wrong carry out");
            assert!(outside(&padded_a, &within).all(|&x| x == SENTINEL), "{case}: wrote outside");
        }
    }
}

#[test]
fn adds_random_and_extreme_limbs() {
    let candidates = candidates();
    let mut random = Random(1);
    for radix in Radix::BOTH {
        for len in lengths() {
            let base = radix.base();
            let (a, b) = (random.limbs(len, base), random.limbs(len, base));
            check_addition(&candidates, radix, &a, &b, len % 9, "random");
            check_addition(&candidates, radix, &a, &a, len % 9, "doubled");
            for round in 0..8 {
                let (a, b) = (random.extreme_limbs(len, base), random.extreme_limbs(len, base));
                check_addition(&candidates, radix, &a, &b, round, "extreme");
                check_addition(&candidates, radix, &a, &a, round, "extreme, doubled");
            }
        }
    }
}

/// The numbers are long enough for kernels to prefetch.
#[test]
fn adds_beyond_the_caches() {
    let candidates = candidates();
    let mut random = Random(5);
    for radix in Radix::BOTH {
        let (a, mut b) = (random.limbs(70_003, radix.base()), random.limbs(70_003, radix.base()));
        // Some carry chains, also across the ends of blocks.
        for i in (0..a.len()).filter(|i| i % 1009 < 37) {
            b[i] = radix.top() - a[i];
        }
        check_addition(&candidates, radix, &a, &b, 1, "long");
    }
}

#[test]
fn adds_from_every_alignment() {
    let candidates = candidates();
    let mut random = Random(2);
    for radix in Radix::BOTH {
        for len in 0..=80 {
            let (a, b) = (random.limbs(len, radix.base()), random.extreme_limbs(len, radix.base()));
            for offset in 0..=8 {
                check_addition(&candidates, radix, &a, &b, offset, "unaligned");
            }
        }
    }
}

/// `9999 + 0` propagates a carry through all limbs, `9999 + 9999` generates one in each limb, `9999 + 1` starts a chain.
#[test]
fn adds_with_carries_through_everything() {
    let candidates = candidates();
    for radix in Radix::BOTH {
        for len in lengths() {
            let top = std::vec![radix.top(); len];
            let zero = std::vec![0; len];
            let mut one = zero.clone();
            one.iter_mut().take(1).for_each(|lowest| *lowest = 1);
            for (a, b) in [(&top, &zero), (&zero, &top), (&top, &top), (&top, &one), (&one, &top), (&zero, &zero)] {
                check_addition(&candidates, radix, a, b, 3, "full chain");
            }
        }
    }
}

/// A carry chain that begins at one position and ends at another.
#[test]
fn adds_chains_from_each_position_to_each() {
    const LEN: usize = 130;
    let candidates = candidates();
    for radix in Radix::BOTH {
        for start in 0..LEN {
            // Every end near the start, then some far away.
            for end in (start..LEN.min(start + 12)).chain((start..LEN).step_by(17)) {
                let mut a = std::vec![0; LEN];
                let mut b = std::vec![0; LEN];
                a[start..=end].fill(radix.top());
                b[start] = 1;
                if end > start {
                    a[end] = radix.top() - 1;
                }
                check_addition(&candidates, radix, &a, &b, start % 9, "one chain");
                check_addition(&candidates, radix, &b, &a, start % 9, "one chain, exchanged");
            }
        }
    }
}
