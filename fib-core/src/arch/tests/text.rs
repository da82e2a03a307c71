//! Text of limbs by every kernel, against the formatter of integers.

use super::{Candidate, Random, candidates, lengths, outside};
use crate::arch::{digit_count, short_text};
use crate::limb::{DECIMAL_BASE, LIMB_DIGITS, Limb};
use std::format;
use std::string::String;
use std::vec::Vec;

/// The oracle of text.
fn naive_text(limbs: &[Limb]) -> String {
    limbs.iter().rev().map(|limb| format!("{limb:0LIMB_DIGITS$}")).collect()
}

#[test]
fn writes_text() {
    let candidates = candidates();
    let mut random = Random(3);
    for len in lengths() {
        let few_digits: Vec<Limb> =
            (0..len).map(|i| DECIMAL_BASE / (10 as Limb).pow(u32::try_from(i % LIMB_DIGITS).unwrap())).collect();
        for limbs in [
            random.limbs(len, DECIMAL_BASE.into()),
            random.extreme_limbs(len, DECIMAL_BASE.into()),
            few_digits.iter().map(|x| x - 1).collect(),
            few_digits.iter().map(|x| x % DECIMAL_BASE).collect(),
        ] {
            check_text(&candidates, &limbs);
        }
    }
}

/// Each group of digits has the values at which the quotient by a rounded-up reciprocal would first be wrong.
#[test]
fn writes_text_of_limbs_around_every_split() {
    let candidates = candidates();
    let mut limbs = Vec::new();
    for power in 0..u32::try_from(LIMB_DIGITS).unwrap() {
        let unit = (10 as Limb).pow(power);
        for factor in 1..1000.min(DECIMAL_BASE / unit) {
            limbs.extend([factor * unit - 1, factor * unit, DECIMAL_BASE - factor * unit]);
        }
    }
    // Every number of four digits, at each place where four digits are split in one field.
    for four in 0..10_000 {
        for power in [0, 4, 8, 12, 16] {
            limbs.extend(
                (10 as Limb).checked_pow(power).and_then(|unit| unit.checked_mul(four)).filter(|&x| x < DECIMAL_BASE),
            );
        }
    }
    check_text(&candidates, &limbs);
}

#[test]
fn writes_one_limb_without_leading_zeros() {
    let mut random = Random(6);
    let powers = (0..=LIMB_DIGITS).map(|power| 10u128.pow(u32::try_from(power).unwrap()));
    let around = powers.clone().flat_map(|power| [power - 1, power, power + 1]);
    let edges = around.filter(|&n| n < u128::from(DECIMAL_BASE)).map(|n| Limb::try_from(n).unwrap());
    for limb in edges.chain(powers.map(|power| random.limbs(1, power)[0])) {
        let text = std::format!("{limb}");
        assert_eq!(digit_count(limb), text.len(), "{limb}");
        for len in 0..=LIMB_DIGITS + 9 {
            let mut out = [b'#'; LIMB_DIGITS + 9];
            let count = short_text(limb, &mut out[..len]);
            assert_eq!(count, (text.len() <= len).then_some(text.len()), "{limb} into {len} bytes");
            let (written, rest) = out.split_at(count.unwrap_or(0));
            assert!(count.is_none() || written == text.as_bytes(), "{limb}: {written:?}");
            assert!(rest.iter().all(|&byte| byte == b'#'), "{limb}: wrote outside");
        }
    }
}

pub(super) fn check_text(candidates: &[Candidate], limbs: &[Limb]) {
    let expected = naive_text(limbs);
    for (name, text) in candidates.iter().filter_map(|candidate| Some((candidate.name, candidate.text?))) {
        let within = 5..5 + expected.len();
        let mut out = std::vec![b'#'; expected.len() + 70];
        text(limbs, &mut out[within.clone()]);
        assert!(out[within.clone()] == *expected.as_bytes(), "{name}: wrong text of {limbs:?}");
        assert!(outside(&out, &within).all(|&byte| byte == b'#'), "{name}: wrote outside, {} limbs", limbs.len());
    }
}
