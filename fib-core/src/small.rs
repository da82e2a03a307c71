//! The Fibonacci numbers of one limb.

use crate::limb::{DECIMAL_BASE, Limb};

/// The largest index with a Lucas number of one decimal limb: L(90) = 6.4·10^18, L(43) = 9.7·10^8.
pub(crate) const LUCAS_LAST: usize = if Limb::BITS == 64 { 90 } else { 43 };

/// F(0), F(1), ... up to the one after [`LUCAS_LAST`].
pub(crate) const FIBONACCI: [Limb; LUCAS_LAST + 2] = {
    let mut table = [1; LUCAS_LAST + 2];
    table[0] = 0;
    let mut n = 2;
    while n < table.len() {
        table[n] = table[n - 1] + table[n - 2];
        n += 1;
    }
    table
};

const _: () = {
    let last = FIBONACCI.len() - 1;
    assert!(FIBONACCI[last - 2] + FIBONACCI[last] < DECIMAL_BASE, "L(LUCAS_LAST) is one limb");
};

/// The largest k with F(k+2) = F(k) + F(k+1) < `bound`, within the table.
pub(crate) const fn last_with_sum_below(bound: Limb) -> usize {
    let mut k = FIBONACCI.len() - 2;
    while FIBONACCI[k] + FIBONACCI[k + 1] >= bound {
        k -= 1;
    }
    k
}
