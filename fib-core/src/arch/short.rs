//! The text of one limb without leading zeros. Every sequence starts with numbers of one limb, so this is inlined into the
//! caller and has no loop.

use super::portable::{digits_of_fours, eight_digits};
use crate::limb::{DECIMAL_BASE, LIMB_DIGITS, Limb};

const TEN_TO_4: u64 = 10_000;
const TEN_TO_8: u64 = 100_000_000;

/// Entry `i` is the least limb that has more than `i` digits. For `i` = 0 that is zero, which has one digit.
const MORE_THAN: [Limb; LIMB_DIGITS + 1] = {
    let mut table = [DECIMAL_BASE; LIMB_DIGITS + 1];
    let mut i = LIMB_DIGITS;
    while i > 0 {
        i -= 1;
        table[i] = if i == 0 { 0 } else { table[i + 1] / 10 };
    }
    table
};

/// The number of decimal digits of a limb below the base; zero has one.
///
/// The number of bits leaves two candidates, and a table decides between them (H. S. Warren, Hacker's Delight, 11–4).
#[cfg_attr(not(debug_assertions), inline)]
pub(crate) fn digit_count(limb: Limb) -> usize {
    // 1233 / 4096 is close enough to log10(2) for 64 bits.
    let bits = (limb | 1).ilog2() as usize + 1;
    let less = (bits * 1233) >> 12;
    less + usize::from(limb >= MORE_THAN[less])
}

/// Writes the digits of a limb below the base in ASCII, without leading zeros, and returns their number. If `out` is too
/// short, it returns `None` and writes nothing.
#[cfg_attr(not(debug_assertions), inline)]
pub(crate) fn short_text(limb: Limb, out: &mut [u8]) -> Option<usize> {
    let count = digit_count(limb);
    let out = out.get_mut(..count)?;
    #[allow(clippy::useless_conversion, reason = "a limb may have 32 bits or 64")]
    let n = u64::from(limb);
    if n < TEN_TO_4 {
        put(four(n) >> (8 * (4 - count)), out);
        return Some(count);
    }
    if n < TEN_TO_8 {
        put(eight(n) >> (8 * (8 - count)), out);
        return Some(count);
    }
    // The leading digits are stored as a whole word of eight bytes. The digits after them overwrite its end.
    let (high, low) = (n / TEN_TO_8, n % TEN_TO_8);
    if high < TEN_TO_8 {
        *out.first_chunk_mut()? = (eight(high) >> (8 * (16 - count))).to_le_bytes();
    } else {
        let head = four(high / TEN_TO_8) >> (8 * (20 - count));
        *out.first_chunk_mut()? = head.to_le_bytes();
        let (head, _) = out.split_last_chunk_mut::<8>()?;
        *head.last_chunk_mut()? = eight(high % TEN_TO_8).to_le_bytes();
    }
    *out.last_chunk_mut()? = eight(low).to_le_bytes();
    Some(count)
}

/// A word whose lower half holds the four digits of `n < 10^4`, the leading digit in the lowest byte.
#[inline]
fn four(n: u64) -> u64 {
    u64::from_le_bytes(digits_of_fours(n))
}

/// The eight digits of `n < 10^8` as a word, the leading digit in the lowest byte.
#[inline]
fn eight(n: u64) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "below 10^8")]
    u64::from_le_bytes(eight_digits(n as u32))
}

/// Fills `out` with the lowest bytes of `word`; `out` has at most eight bytes.
#[inline]
fn put(word: u64, out: &mut [u8]) {
    match out.len() {
        0 => {}
        1 => put_ends::<1>(word, out),
        2..4 => put_ends::<2>(word, out),
        4..8 => put_ends::<4>(word, out),
        _ => put_ends::<8>(word, out),
    }
}

/// [`put`] for N to 2·N bytes, in two stores that may overlap. A loop over bytes would take longer than finding the digits.
#[inline]
fn put_ends<const N: usize>(word: u64, out: &mut [u8]) {
    let shift = 8 * (out.len() - N);
    let lowest = |word: u64| word.to_le_bytes().first_chunk().copied();
    if let (Some(start), Some(bytes)) = (out.first_chunk_mut::<N>(), lowest(word)) {
        *start = bytes;
    }
    if let (Some(end), Some(bytes)) = (out.last_chunk_mut::<N>(), lowest(word >> shift)) {
        *end = bytes;
    }
}
