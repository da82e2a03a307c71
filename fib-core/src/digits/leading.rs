//! The first digits of F(n): doubling of truncated numbers, with a bound of what was dropped.
//!
//! F(k) is kept as a mantissa of up to M limbs, whose highest limb is not zero, times a power of their base B, and F(k − 1) as
//! a mantissa times the same power. A unit is the place value of the lowest limb that is kept.
//!
//! A mantissa is never larger than its number: the formulas only add and multiply, and limbs are only dropped. How much too
//! small it may be is bounded by a fraction ρ: the mantissa of x is at least x·(1 − ρ), for both numbers.
//!
//! - A doubling multiplies mantissas, so its result is at least (1 − ρ)² ≥ 1 − 2ρ of what it should be.
//! - Then less than two units are dropped: less than one by limbs, and less than one by columns that are not computed at all
//!   (see [`Mantissa::double`]). F(2k) or F(2k + 1) has at least B^(M − 1) units then, and the number before it at least half
//!   as many. So this is less than the fraction 4·B^(1 − M) of either.
//!
//! So ρ = 4e·B^(1 − M) is a bound, where e is 0 until the first limbs are dropped, and each doubling that drops some turns e
//! into 2e + 1. After j of these e is 2^j − 1. The first leads to an index above 2^7, since F(2^7) has only three limbs, and
//! the last to one below 2^64, so e < 2^58.
//!
//! In the end x ≤ mantissa / (1 − ρ) ≤ mantissa·(1 + 2ρ), since ρ ≤ 1/2. The mantissa is below (t + 1)·B^(M − 1), where t is
//! its highest limb. So it is too small by less than 8e·(t + 1) units.

use super::pair::{BASE, LIMB_DIGITS, Pair, Rows, SHORT_ROW};
use super::{DigitsError, MAX_DIGITS, requested, write_digits};
use crate::radix::Decimal;

/// The fewest limbs of a mantissa, for which ρ ≤ 1/2.
const FEWEST: usize = 4;

/// Guard limbs: those of a mantissa beyond the digits that are wanted. Of their 36 digits 9 are lost if the highest limb has
/// one digit, and 18.4 because 8e < 2^61. At least 8 are left, which decide the wanted ones unless all are nines or zeros.
const GUARD_LIMBS: usize = 4;

/// The same for a second try, where at least 71 digits decide.
const RETRY_GUARD_LIMBS: usize = 11;

/// Limbs that a row has beyond those of the mantissa: see [`Mantissa::double`].
const SPARE: usize = 4;

/// Limbs of a row for [`MAX_DIGITS`] digits.
const LONG_ROW: usize = MAX_DIGITS.div_ceil(LIMB_DIGITS) + RETRY_GUARD_LIMBS + SPARE;

/// Writes the first digits of F(`index`) to `out`, in ASCII; returns how many it wrote: as many as `out` takes, or as there
/// are.
///
/// Takes about 64·(d/9 + 4)² multiplications of 32-bit words for d digits of the largest indices. The method is doubling of
/// F(k) and F(k − 1) as truncated numbers, as in floating point, with a bound of what was dropped. Where the digits after
/// the wanted ones are nines or zeros, and so the bound does not decide, it starts again with longer numbers, once. Needs
/// no allocator; the numbers take 400 bytes of the stack for up to 45 digits, 2,540 for more.
///
/// ```
/// use fib_core::leading_digits;
///
/// let mut digits = [0; 20];
/// assert_eq!(leading_digits(u64::MAX, &mut digits)?, 20);
/// assert_eq!(&digits, b"69070289095496942236");
///
/// // F(10) = 55 has no more digits.
/// let count = leading_digits(10, &mut digits)?;
/// assert_eq!(&digits[..count], b"55");
/// # Ok::<(), fib_core::DigitsError>(())
/// ```
///
/// # Errors
/// - [`DigitsError::TooMany`] where this asks for more than [`MAX_DIGITS`] digits of a number that has more.
/// - [`DigitsError::Undecided`] where at least 71 nines or zeros follow the digits, and F(`index`) has more than 99 digits
///   after the wanted ones: a shorter number is computed exactly. No such number is known. If the digits
///   behave like random ones, the chance that any `index` has such a run after any count of digits is below 10^-48.
pub fn leading_digits(index: u64, out: &mut [u8]) -> Result<usize, DigitsError> {
    let count = requested(index, out)?;
    let out = &mut out[..count];
    if index == 0 {
        out.fill(b'0');
    }
    if index == 0 || count == 0 {
        return Ok(count);
    }
    for guard_limbs in [GUARD_LIMBS, RETRY_GUARD_LIMBS] {
        let limbs = count.div_ceil(LIMB_DIGITS) + guard_limbs;
        // Two functions, so that the stack holds the long rows only where they are needed: for more than 45 digits.
        let is_decided = if limbs + SPARE <= SHORT_ROW {
            write::<SHORT_ROW>(index, limbs, out)
        } else {
            write::<LONG_ROW>(index, limbs, out)
        };
        if is_decided {
            return Ok(count);
        }
    }
    Err(DigitsError::Undecided)
}

/// Writes the first digits of F(`index`), for `index` > 0, if a mantissa of `limbs` limbs decides them.
#[inline(never)]
fn write<const N: usize>(index: u64, limbs: usize, out: &mut [u8]) -> bool {
    let mut rows: Rows<N> = [[0; N]; 5];
    let mantissa = Mantissa::new(index, limbs, &mut rows);
    let is_decided = mantissa.decides(out.len());
    if is_decided {
        debug_assert_eq!(mantissa.exponent * LIMB_DIGITS as u64 + mantissa.digits() as u64, Decimal::digits_for(index));
        mantissa.write(out);
    }
    is_decided
}

/// For `exponent` up to [`LIMB_DIGITS`].
fn power_of_10(exponent: usize) -> u32 {
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, BASE][exponent]
}

/// The highest limbs of F(k) and F(k − 1).
struct Mantissa<'a> {
    pair: Pair<'a>,
    /// Limbs of the mantissa of F(k), of which the highest is not zero.
    len: usize,
    /// The most limbs that are kept.
    limit: usize,
    /// Limbs of F(k) below those of the mantissa.
    exponent: u64,
    /// The e of the error bound.
    lost: u64,
}

impl<'a> Mantissa<'a> {
    /// F(`index`) in up to `limit` limbs.
    fn new<const N: usize>(index: u64, limit: usize, rows: &'a mut Rows<N>) -> Self {
        assert!(limit >= FEWEST && limit + SPARE <= N);
        let mut mantissa = Self { pair: Pair::new(rows), len: 1, limit, exponent: 0, lost: 0 };
        for bit in (0..index.ilog2()).rev() {
            mantissa.double(index >> bit & 1 == 1);
        }
        mantissa
    }

    /// From k to 2k, or with `odd` to 2k + 1.
    ///
    /// From mantissas of l limbs the result has 2l − 1 to 2l + 1 limbs. The highest M of them are kept, so at least
    /// 2l − 1 − M are dropped. Of these only the highest two are computed. A column below is a sum of at most l terms below
    /// 5B² (in F(2k + 1), which has the largest), so all these columns together are below 6l·B times the place value of
    /// the lowest one that is computed. That is at most 6l/B < 1 unit.
    fn double(&mut self, odd: bool) {
        let from = (2 * self.len).saturating_sub(1 + self.limit + 2);
        let count = 2 * self.len + 1 - from;
        self.pair.double(self.len, from, count, odd);
        let zeros = self.pair.f()[..count].iter().rev().take_while(|&&limb| limb == 0).count();
        self.len = (count - zeros).min(self.limit);
        let dropped = count - zeros - self.len;
        self.exponent = 2 * self.exponent + (from + dropped) as u64;
        if self.exponent > 0 {
            self.lost = 2 * self.lost + 1;
            self.pair.shift_down(dropped, self.len);
        }
    }

    /// The limbs of the mantissa of F(k), the least significant first.
    fn limbs(&self) -> &[u32] {
        &self.pair.f()[..self.len]
    }

    /// The highest limb.
    fn highest(&self) -> u32 {
        self.limbs()[self.len - 1]
    }

    /// Digits of the highest limb.
    fn highest_digits(&self) -> usize {
        self.highest().ilog10() as usize + 1
    }

    /// Digits of the mantissa.
    fn digits(&self) -> usize {
        (self.len - 1) * LIMB_DIGITS + self.highest_digits()
    }

    /// Whether the first `count` digits of the mantissa are those of F(k), for `count` > 0: whether they stay the same where
    /// the mantissa is increased by as much as it may be too small.
    fn decides(&self, count: usize) -> bool {
        let Some(following) = self.digits().checked_sub(count) else {
            return false;
        };
        let (lower, digits) = (following / LIMB_DIGITS, following % LIMB_DIGITS);
        let base = u64::from(BASE);
        // 8e·(t + 1), limb by limb.
        let factor = u64::from(self.highest()) + 1;
        let mut rest = 8 * self.lost;
        let mut carry = 0;
        for &limb in &self.limbs()[..lower] {
            carry = (u64::from(limb) + rest % base * factor + carry) / base;
            rest /= base;
        }
        let unit = power_of_10(digits);
        rest == 0 && u64::from(self.limbs()[lower] % unit) + carry < u64::from(unit)
    }

    /// Writes the first digits, of which there must be enough.
    fn write(&self, mut out: &mut [u8]) {
        let mut digits = self.highest_digits();
        for &limb in self.limbs().iter().rev() {
            let (part, rest) = out.split_at_mut(digits.min(out.len()));
            write_digits(limb / power_of_10(digits - part.len()), part);
            (out, digits) = (rest, LIMB_DIGITS);
        }
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use std::string::ToString;
    use std::vec;
    use std::vec::Vec;

    use super::{BASE, FEWEST, GUARD_LIMBS, LONG_ROW, Mantissa, RETRY_GUARD_LIMBS, SHORT_ROW, write};
    use crate::radix::Decimal;
    use crate::{Fibonacci, Inline};

    /// Calls `check` with F(n) for some n, as text.
    fn for_some_numbers(check: impl Fn(u64, &str)) {
        let mut fib = Fibonacci::<Decimal, Inline<{ Decimal::limbs_for(20_000) }>>::new();
        for index in 0..20_000 {
            let number = fib.advance().unwrap();
            if index > 0 && (index < 2_000 || index % 97 == 0) {
                check(index, &number.to_string());
            }
        }
    }

    /// What the bound says: mantissa ≤ F(n) / B^exponent < mantissa + 8e·(t + 1), and that it is exact where e is 0.
    #[test]
    fn numbers_are_within_the_bound() {
        for_some_numbers(|index, text| {
            for limit in [FEWEST, 5, 6, 9, 20] {
                let mut rows = [[0; LONG_ROW]; 5];
                let mantissa = Mantissa::new(index, limit, &mut rows);
                let units = |digits: &[u8]| BigUint::parse_bytes(digits, 10).unwrap();
                let lower = mantissa.limbs().iter().rev().fold(BigUint::ZERO, |sum, &limb| sum * BASE + limb);
                let left_out = 9 * usize::try_from(mantissa.exponent).unwrap();
                let number = units(&text.as_bytes()[..text.len() - left_out]);
                let error = 8 * u128::from(mantissa.lost) * (u128::from(mantissa.highest()) + 1);
                assert!(lower <= number, "F({index}) in {limit} limbs");
                assert!(number < lower + error.max(1), "F({index}) in {limit} limbs");
                assert_eq!(mantissa.lost == 0, mantissa.exponent == 0);
                assert_eq!(mantissa.digits() + left_out, text.len());
            }
        });
    }

    /// With as few limbs as possible many digits are undecided, and those that are not are right.
    #[test]
    fn digits_that_are_decided_are_right() {
        let undecided = core::cell::Cell::new([0; 40]);
        for_some_numbers(|index, text| {
            for count in 1..text.len().min(40) {
                let mut digits = vec![0; count];
                if write::<SHORT_ROW>(index, FEWEST, &mut digits) {
                    assert_eq!(digits, text.as_bytes()[..count], "F({index})");
                } else {
                    assert_eq!(digits, vec![0; count], "nothing is written");
                    let mut counts = undecided.get();
                    counts[count] += 1;
                    undecided.set(counts);
                }
            }
        });
        let undecided = undecided.get();
        assert_eq!(undecided[..10], [0; 10], "all are decided while many digits follow");
        assert!(undecided[27..33].iter().all(|&count| count > 100), "few are decided at the bound: {undecided:?}");
    }

    /// After the first digit of these come 20 zeros and 18 nines, which the first try does not decide.
    #[test]
    fn runs_of_zeros_and_nines_take_a_second_try() {
        for (index, first) in [(8_625_812_162_537_945_092, b'1'), (17_400_852_738_312_695_671, b'9')] {
            let mut digit = [0];
            assert!(!write::<SHORT_ROW>(index, 1 + GUARD_LIMBS, &mut digit), "F({index})");
            assert!(write::<SHORT_ROW>(index, 1 + RETRY_GUARD_LIMBS, &mut digit), "F({index})");
            assert_eq!(digit, [first]);
        }
    }

    /// The exponent and the mantissa tell the count of digits, whatever logarithms say.
    #[test]
    fn lengths_agree_with_the_logarithms() {
        let odd = 0x9e37_79b9_7f4a_7c15_u64; // so that the multiples are spread over all of u64
        let spread = (1..5_000).map(|k| odd.wrapping_mul(k) >> (k % 56));
        let close = [8_625_812_162_537_945_092, 17_400_852_738_312_695_671, 1_801_796_856_367_149_161];
        let close = close.into_iter().flat_map(|index| index - 1..=index + 1);
        for index in spread.chain(close).filter(|&index| index > 0).collect::<Vec<_>>() {
            let mut rows = [[0; SHORT_ROW]; 5];
            let mantissa = Mantissa::new(index, 12, &mut rows);
            assert!(mantissa.decides(1));
            assert_eq!(9 * mantissa.exponent + mantissa.digits() as u64, Decimal::digits_for(index), "F({index})");
        }
    }
}
