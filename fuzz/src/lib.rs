//! Code that the fuzz targets share: numbers with long carry chains, and naive references.

use arbitrary::Arbitrary;
use fib_core::{Decimal, Kernel, Limb};

/// A run of limbs. Random bytes alone hardly ever make a long carry chain.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Run {
    /// Zeros.
    Zeros(u8),
    /// Largest limbs.
    Tops(u8),
    /// Limbs that add up to the largest limb with those of the other operand, so that a carry in becomes a carry out.
    Complements(u8),
    /// The limbs of the other operand.
    Same(u8),
    /// A limb that is one.
    One,
    /// Any limb.
    Any(u64),
}

/// About the most limbs of a number.
const LIMBS: usize = 1_500;

/// The limbs of a number, without zeros at the high end. `top` is the largest limb of the radix, and `other` is the other
/// operand.
pub fn limbs(runs: &[Run], other: &[Limb], top: Limb) -> Vec<Limb> {
    let mut limbs: Vec<Limb> = Vec::new();
    for run in runs {
        let (count, kind): (u8, fn(Limb, Limb) -> Limb) = match *run {
            Run::Zeros(count) => (count, |_, _| 0),
            Run::Tops(count) => (count, |_, top| top),
            Run::Complements(count) => (count, |other, top| top - other),
            Run::Same(count) => (count, |other, _| other),
            Run::One => (1, |_, _| 1),
            Run::Any(limb) => {
                let base = u128::from(top) + 1;
                limbs.push(limb_of(u128::from(limb) % base));
                continue;
            }
        };
        for _ in 0..count {
            limbs.push(kind(other.get(limbs.len()).copied().unwrap_or(0), top));
        }
        if limbs.len() >= LIMBS {
            break;
        }
    }
    trimmed(limbs)
}

/// Removes the zeros at the high end.
pub fn trimmed(mut limbs: Vec<Limb>) -> Vec<Limb> {
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
    limbs
}

fn limb_of(value: u128) -> Limb {
    Limb::try_from(value).expect("a limb")
}

/// The sum of two numbers by the schoolbook method, in double width.
pub fn naive_sum(a: &[Limb], b: &[Limb], top: Limb) -> Vec<Limb> {
    let base = u128::from(top) + 1;
    let mut carry = 0;
    let mut sum: Vec<Limb> = (0..a.len().max(b.len()))
        .map(|place| {
            let limb = |number: &[Limb]| u128::from(number.get(place).copied().unwrap_or(0));
            let sum = limb(a) + limb(b) + carry;
            carry = sum / base;
            limb_of(sum % base)
        })
        .collect();
    if carry > 0 {
        sum.push(limb_of(carry));
    }
    sum
}

/// The text of decimal limbs, one limb at a time.
pub fn naive_text(limbs: &[Limb]) -> String {
    let Some((highest, rest)) = limbs.split_last() else { return "0".into() };
    let mut text = highest.to_string();
    for limb in rest.iter().rev() {
        text.push_str(&format!("{limb:0digits$}", digits = Decimal::LIMB_DIGITS));
    }
    text
}

/// Makes one of this machine's kernels the current one.
pub fn force_kernel(choice: u8) -> Kernel {
    let kernels: Vec<_> = Kernel::available().collect();
    let kernel = kernels[usize::from(choice) % kernels.len()];
    kernel.force().expect("it is available");
    kernel
}

/// Primes whose squares fit a `u64`.
pub const PRIMES: [u64; 3] = [998_244_353, 2_147_483_647, 4_294_967_291];

/// F(n) modulo `m`, for `m` below 2^32, by powers of the matrix (1 1; 1 0).
pub fn residue(n: u64, m: u64) -> u64 {
    let (mut result, mut power) = ([1, 0, 1], [1, 1, 0]); // F(k+1), F(k), F(k−1)
    let dot = |a: u64, b: u64, c: u64, d: u64| (a * b % m + c * d % m) % m;
    let product = |[a2, a1, a0]: [u64; 3], [b2, b1, b0]: [u64; 3]| {
        [dot(a2, b2, a1, b1), dot(a2, b1, a1, b0), dot(a1, b1, a0, b0)]
    };
    for bit in 0..u64::BITS - n.leading_zeros() {
        if n >> bit & 1 == 1 {
            result = product(result, power);
        }
        power = product(power, power);
    }
    result[1] % m
}

/// The remainder modulo `m` of the number with these digits in base `base`, the least significant first.
pub fn remainder(places: impl DoubleEndedIterator<Item = u64>, base: u128, m: u64) -> u64 {
    let m = u128::from(m);
    let rest = places.rev().fold(0, |rest: u128, place| (rest * (base % m) + u128::from(place)) % m);
    u64::try_from(rest).expect("below m")
}

/// Checks that these are the limbs of F(`index`), by residues and by the number of limbs.
#[track_caller]
#[allow(clippy::useless_conversion, reason = "a limb may have 32 bits or 64")]
pub fn assert_fibonacci(index: u64, limbs: &[Limb], top: Limb, expected_limbs: usize) {
    assert_eq!(limbs.len(), expected_limbs, "limbs of F({index})");
    assert!(limbs.iter().all(|&limb| limb <= top), "F({index}) has a limb beyond the radix");
    for m in PRIMES {
        let rest = remainder(limbs.iter().map(|&limb| limb.into()), u128::from(top) + 1, m);
        assert_eq!(rest, residue(index, m), "F({index}) modulo {m}");
    }
}
