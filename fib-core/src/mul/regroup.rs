//! Between limbs and the coefficients of a transform: the same decimal digits in groups of another width.

use super::field::Field;
use super::u128_halves::{low, multiply_high};
use crate::limb::Limb;
use crate::radix::Decimal;

/// Powers of ten that a `u64` holds.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut t = 1;
    while t < powers.len() {
        powers[t] = 10 * powers[t - 1];
        t += 1;
    }
    powers
};

/// 10^t.
#[inline]
pub(super) const fn power_of_10(t: usize) -> u64 {
    POWERS[t]
}

/// For 5^t the multiplier ceil(2^(64 + shift) / 5^t) and the shift.
///
/// Granlund and Montgomery, "Division by invariant integers using multiplication": with 2^shift < 5^t < 2^(shift + 1) the
/// multiplier is below 2^64. It exceeds 2^(64 + shift) / 5^t by less than 1, so for x < 2^63 the estimated quotient is too
/// large by less than x / 2^(64 + shift) < 1 / 5^t, and its integer part is exact.
const RECIPROCALS: [(u64, u32); 20] = {
    let mut reciprocals = [(0, 0); 20];
    let (mut t, mut divisor) = (1, 5_u128);
    while t < reciprocals.len() {
        let shift = divisor.ilog2();
        let multiplier = ((1_u128 << (64 + shift)) / divisor) + 1;
        assert!(multiplier <= u64::MAX as u128);
        reciprocals[t] = (low(multiplier), shift);
        (t, divisor) = (t + 1, divisor * 5);
    }
    reciprocals
};

/// `x / 10^t` rounded down, for every `x` and 1 ≤ t ≤ 19.
#[inline]
pub(super) fn divide_by_power_of_10(x: u64, t: usize) -> u64 {
    let (multiplier, shift) = RECIPROCALS[t];
    multiply_high(x >> t, multiplier) >> shift
}

/// Takes decimal digits in groups of `from`, the lowest group first, and emits them in groups of `to`.
struct Regroup<E> {
    from: usize,
    to: usize,
    /// The value of the digits that do not fill a group yet.
    rest: u64,
    /// How many digits these are.
    digits: usize,
    emit: E,
}

impl<E: FnMut(u64)> Regroup<E> {
    fn new(from: usize, to: usize, emit: E) -> Self {
        Self { from, to, rest: 0, digits: 0, emit }
    }

    #[inline]
    fn push(&mut self, group: impl Into<u64>) {
        let mut group = group.into();
        let mut digits = self.from;
        while self.digits + digits >= self.to {
            let missing = self.to - self.digits;
            let high = divide_by_power_of_10(group, missing);
            let low = group - high * power_of_10(missing);
            (self.emit)(self.rest + low * power_of_10(self.digits));
            (group, digits) = (high, digits - missing);
            (self.rest, self.digits) = (0, 0);
        }
        self.rest += group * power_of_10(self.digits);
        self.digits += digits;
    }

    fn finish(mut self) {
        if self.rest != 0 {
            (self.emit)(self.rest);
        }
    }
}

/// Regroups limbs into coefficients of `digits` decimal digits. Returns the number of coefficients without leading zeros.
///
/// # Panics
/// If the coefficients do not fit.
pub(super) fn to_coefficients<F: Field>(limbs: &[Limb], digits: usize, out: &mut [F::Element]) -> usize {
    let mut len = 0;
    let mut regroup = Regroup::new(Decimal::LIMB_DIGITS, digits, |coefficient| {
        out[len] = F::element(coefficient);
        len += 1;
    });
    for &limb in limbs {
        regroup.push(limb);
    }
    regroup.finish();
    coefficient_count::<F>(&out[..len])
}

/// Regroups coefficients of `digits` decimal digits into limbs, with zeros up to the end of `limbs`. The number fits.
#[allow(clippy::cast_possible_truncation, reason = "a group of a limb's digits is a limb")]
pub(super) fn to_limbs<F: Field>(coefficients: &[F::Element], digits: usize, limbs: &mut [Limb]) {
    let mut limbs = limbs.iter_mut();
    let mut regroup = Regroup::new(digits, Decimal::LIMB_DIGITS, |group| match limbs.next() {
        Some(limb) => *limb = group as Limb,
        None => debug_assert!(group == 0, "the number is longer than its bound"),
    });
    for &coefficient in coefficients {
        regroup.push(F::value(coefficient));
    }
    regroup.finish();
    limbs.for_each(|limb| *limb = 0);
}

/// The number of coefficients without the leading zeros, which stand at the end.
pub(super) fn coefficient_count<F: Field>(coefficients: &[F::Element]) -> usize {
    coefficients.len() - coefficients.iter().rev().take_while(|&&x| F::value(x) == 0).count()
}

#[cfg(test)]
mod tests {
    use super::{divide_by_power_of_10, power_of_10};

    #[test]
    fn division_by_powers_of_ten_is_exact() {
        for t in 1..=19 {
            let power = power_of_10(t);
            for q in [1, 2, 5, u64::MAX / power].into_iter().filter(|q| q.checked_mul(power).is_some()) {
                assert_eq!(divide_by_power_of_10(q * power, t), q);
                assert_eq!(divide_by_power_of_10(q * power - 1, t), q - 1);
            }
            assert_eq!(divide_by_power_of_10(u64::MAX, t), u64::MAX / power);
        }
    }
}
