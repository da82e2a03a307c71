//! Operands for additions, and their sum by the plainest loop.

use fib_core::{Binary, Decimal, Limb, Natural};

/// The base of [`Binary`] limbs.
pub const BINARY: u128 = Limb::MAX as u128 + 1;

/// The base of [`Decimal`] limbs.
pub const DECIMAL: u128 = Decimal::BASE as u128;

/// `len` random limbs below `base`, which depend only on `seed`. The highest limb is 1, so that such numbers can be added
/// to one another some 10^19 times before the sum needs another limb.
///
/// # Panics
/// If `len` is zero.
#[must_use]
pub fn random_limbs(seed: u64, len: usize, base: u128) -> Vec<Limb> {
    let mut state = seed;
    let mut limbs: Vec<_> = (0..len)
        .map(|_| {
            let below_base = (u128::from(splitmix64(&mut state)) * base) >> 64;
            Limb::try_from(below_base).expect("the base fits a limb")
        })
        .collect();
    limbs[len - 1] = 1;
    limbs
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Computes `a + b` in `base`, for operands of equal lengths whose sum does not need another limb. Every kernel and
/// library must find the same sum.
///
/// # Panics
/// If the lengths differ, or if the sum needs another limb.
#[must_use]
pub fn naive_sum(a: &[Limb], b: &[Limb], base: u128) -> Vec<Limb> {
    assert_eq!(a.len(), b.len(), "the lengths must be equal");
    let mut carry = 0;
    let sum = a.iter().zip(b).map(|(&x, &y)| {
        let place = u128::from(x) + u128::from(y) + carry;
        carry = place / base;
        Limb::try_from(place % base).expect("a remainder by the base is a limb")
    });
    let sum = sum.collect();
    assert_eq!(carry, 0, "the sum must not need another limb");
    sum
}

/// The number with these decimal limbs.
///
/// # Panics
/// If a limb is not below the base, or if memory runs out.
#[must_use]
pub fn decimal(limbs: &[Limb]) -> Natural<Decimal> {
    let width = Decimal::LIMB_DIGITS;
    let digits: String = limbs.iter().rev().map(|limb| format!("{limb:0width$}")).collect();
    digits.parse().expect("digits")
}

/// The bytes of binary limbs, the least significant first.
#[must_use]
pub fn le_bytes(limbs: &[Limb]) -> Vec<u8> {
    limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect()
}

/// The number with these binary limbs.
///
/// # Panics
/// If memory runs out.
#[must_use]
pub fn binary(limbs: &[Limb]) -> Natural<Binary> {
    Natural::from_le_bytes(&le_bytes(limbs)).expect("memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_have_their_limbs_and_sum_in_place() {
        for len in [1, 2, 7, 100] {
            let [a, b] = [1, 2].map(|seed| random_limbs(seed, len, DECIMAL));
            let mut sum = decimal(&a);
            assert_eq!(sum.limbs(), a);
            sum.try_add_assign(&decimal(&b)).expect("memory");
            assert_eq!(sum.limbs(), naive_sum(&a, &b, DECIMAL));

            let [a, b] = [1, 2].map(|seed| random_limbs(seed, len, BINARY));
            let mut sum = binary(&a);
            assert_eq!(sum.limbs(), a);
            sum.try_add_assign(&binary(&b)).expect("memory");
            assert_eq!(sum.limbs(), naive_sum(&a, &b, BINARY));
        }
    }
}
