//! Between limbs and the digits of a transform: the same decimal places in groups of another width.

use super::field::Field;
use super::halves::{low, multiply_high};
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
/// multiplier is below 2^64 and exceeds the quotient by less than 1, so that for x < 2^63 the product is too large by less
/// than x / 2^(64 + shift) < 1 / 5^t, and its integer part exact.
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

/// `x / 10^t`, exact for every `x` and 1 ≤ t ≤ 19.
#[inline]
pub(super) fn divide_by_power_of_10(x: u64, t: usize) -> u64 {
    let (multiplier, shift) = RECIPROCALS[t];
    multiply_high(x >> t, multiplier) >> shift
}

/// Regroups decimal places, the lowest group first, from `FROM` to `TO` places in a group.
struct Regroup<E> {
    from: usize,
    to: usize,
    /// The places that do not fill a group yet, and how many.
    rest: u64,
    places: usize,
    emit: E,
}

impl<E: FnMut(u64)> Regroup<E> {
    fn new(from: usize, to: usize, emit: E) -> Self {
        Self { from, to, rest: 0, places: 0, emit }
    }

    #[inline]
    fn push(&mut self, group: impl Into<u64>) {
        let mut group = group.into();
        let mut places = self.from;
        while self.places + places >= self.to {
            let missing = self.to - self.places;
            let high = divide_by_power_of_10(group, missing);
            let low = group - high * power_of_10(missing);
            (self.emit)(self.rest + low * power_of_10(self.places));
            (group, places) = (high, places - missing);
            (self.rest, self.places) = (0, 0);
        }
        self.rest += group * power_of_10(self.places);
        self.places += places;
    }

    fn finish(mut self) {
        if self.rest != 0 {
            (self.emit)(self.rest);
        }
    }
}

/// Splits limbs into digits of `places` decimal places; returns how many there are without zeros at the end.
///
/// # Panics
/// If the digits do not fit.
pub(super) fn split<F: Field>(limbs: &[Limb], places: usize, digits: &mut [F::Word]) -> usize {
    let mut len = 0;
    let mut regroup = Regroup::new(Decimal::LIMB_DIGITS, places, |digit| {
        digits[len] = F::word(digit);
        len += 1;
    });
    for &limb in limbs {
        regroup.push(limb);
    }
    regroup.finish();
    significant::<F>(&digits[..len])
}

/// Joins digits of `places` decimal places to limbs; zeros beyond the last limb are left out.
#[allow(clippy::cast_possible_truncation, reason = "a group of a limb's places is a limb")]
pub(super) fn join<F: Field>(digits: &[F::Word], places: usize, limbs: &mut [Limb]) {
    let mut limbs = limbs.iter_mut();
    let mut regroup = Regroup::new(places, Decimal::LIMB_DIGITS, |group| match limbs.next() {
        Some(limb) => *limb = group as Limb,
        None => debug_assert!(group == 0, "the number is longer than was expected"),
    });
    for &digit in digits {
        regroup.push(F::value(digit));
    }
    regroup.finish();
    limbs.for_each(|limb| *limb = 0);
}

/// The length of a row of digits without the zeros at its end.
pub(super) fn significant<F: Field>(digits: &[F::Word]) -> usize {
    digits.len() - digits.iter().rev().take_while(|&&digit| F::value(digit) == 0).count()
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
