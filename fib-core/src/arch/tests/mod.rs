//! Tests of all kernels that this machine supports, called directly and not by dispatch, with the same cases and naive oracles.

extern crate std;

mod addition;
mod choice;
mod products;
mod text;

use super::portable;
use crate::limb::{DECIMAL_BASE, Limb};
use core::ops::Range;
use std::vec::Vec;

type Add = fn(&mut [Limb], &[Limb], bool) -> bool;
type Text = fn(&[Limb], &mut [u8]);

/// A kernel under test.
struct Candidate {
    name: &'static str,
    add_binary: Add,
    add_decimal: Add,
    text: Option<Text>,
}

const PORTABLE: Candidate = Candidate {
    name: "portable",
    add_binary: portable::add_binary_in_place,
    add_decimal: portable::add_decimal_in_place,
    text: Some(portable::decimal_text),
};

/// The kernels that this machine supports.
#[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
fn candidates() -> Vec<Candidate> {
    use super::portable::BINARY_BASE;
    use super::x86_64::{Avx2, Avx512, Avx512Text, add_in_place};

    let mut candidates = Vec::from([PORTABLE]);
    if Avx2::new().is_some() {
        candidates.push(Candidate {
            name: "avx2",
            add_binary: |a, b, carry| add_in_place::<BINARY_BASE, _>(Avx2::new().unwrap(), a, b, carry),
            add_decimal: |a, b, carry| add_in_place::<DECIMAL_BASE, _>(Avx2::new().unwrap(), a, b, carry),
            text: Some(|limbs, out| Avx2::new().unwrap().decimal_text(limbs, out)),
        });
    }
    if Avx512::new().is_some() {
        candidates.push(Candidate {
            name: "avx512",
            add_binary: |a, b, carry| add_in_place::<BINARY_BASE, _>(Avx512::new().unwrap(), a, b, carry),
            add_decimal: |a, b, carry| add_in_place::<DECIMAL_BASE, _>(Avx512::new().unwrap(), a, b, carry),
            text: Avx512Text::new()
                .map(|_| -> Text { |limbs, out| Avx512Text::new().unwrap().decimal_text(limbs, out) }),
        });
    }
    candidates
}

#[cfg(not(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable))))]
fn candidates() -> Vec<Candidate> {
    Vec::from([PORTABLE])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Radix {
    Binary,
    Decimal,
}

impl Radix {
    const BOTH: [Self; 2] = [Self::Binary, Self::Decimal];

    fn base(self) -> u128 {
        match self {
            Self::Binary => u128::from(Limb::MAX) + 1,
            Self::Decimal => u128::from(DECIMAL_BASE),
        }
    }

    /// The largest limb.
    fn top(self) -> Limb {
        limb(self.base() - 1)
    }

    fn add(self, candidate: &Candidate) -> Add {
        match self {
            Self::Binary => candidate.add_binary,
            Self::Decimal => candidate.add_decimal,
        }
    }
}

fn limb(x: u128) -> Limb {
    Limb::try_from(x).expect("a limb")
}

/// Random numbers by `SplitMix64` (Steele, Lea and Flood 2014), the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u128) -> u128 {
        (u128::from(self.next()) * bound) >> 64
    }

    fn limbs(&mut self, len: usize, base: u128) -> Vec<Limb> {
        (0..len).map(|_| limb(self.below(base))).collect()
    }

    /// Limbs that are mostly the smallest and the largest ones, so that long carry chains are likely.
    fn extreme_limbs(&mut self, len: usize, base: u128) -> Vec<Limb> {
        let mut extreme = || match self.below(16) {
            0 => self.below(base),
            1 => 1,
            2..8 => 0,
            _ => base - 1,
        };
        (0..len).map(|_| limb(extreme())).collect()
    }
}

/// Lengths around the widths of all vectors and unrolled blocks, and some of many blocks.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=130).chain(190..=194).chain(254..=258).chain(510..=514).chain([1000, 1023, 1024, 1025, 2500, 4999])
}

fn outside<'a, T>(padded: &'a [T], within: &Range<usize>) -> impl Iterator<Item = &'a T> {
    padded[..within.start].iter().chain(&padded[within.end..])
}
