//! Scientific notation, `{:e}`.

use core::fmt::{self, Write};

use super::{CHUNK, LIMB_DIGITS, pad_integral, write_ascii, write_repeated};
use crate::natural::Natural;
use crate::radix::Decimal;
use crate::storage::Buffer;

impl<S: Buffer> fmt::LowerExp for Natural<Decimal, S> {
    /// Scientific notation as for the integers of Rust: all digits without the zeros at the end, or, with a precision, as many
    /// digits after the point, rounded half to even. Takes time linear in the length of the text, but for runs of nines and of
    /// zeros. Allocates nothing.
    ///
    /// ```
    /// # #[cfg(feature = "jump")] {
    /// use fib_core::Natural;
    ///
    /// assert_eq!(format!("{:.5e}", Natural::fibonacci(1_000_000)?), "1.95328e208987");
    /// # }
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mantissa = Mantissa::new(self, f.precision());
        let point = usize::from(mantissa.len() > 1);
        let exponent_digits = mantissa.exponent.checked_ilog10().unwrap_or(0) as usize + 1;
        let len = mantissa.len() + point + "e".len() + exponent_digits;
        pad_integral(f, "", len, |f| {
            mantissa.write(self, f)?;
            write!(f, "e{}", mantissa.exponent)
        })
    }
}

/// Digits of a number, the last of them perhaps rounded up, then zeros.
struct Mantissa {
    /// How many digits are as in the number.
    copied: usize,
    /// The digit after them, if it was rounded up.
    rounded: Option<u8>,
    zeros: usize,
    exponent: usize,
}

impl Mantissa {
    fn new<S: Buffer>(number: &Natural<Decimal, S>, precision: Option<usize>) -> Self {
        let digits = number.digit_count();
        let significant = digits - trailing_zeros(number);
        let wanted = precision.map_or(significant, |precision| precision.saturating_add(1));
        let exponent = digits - 1;
        if wanted >= significant {
            return Self { copied: significant, rounded: None, zeros: wanted - significant, exponent };
        }
        let is_half = digit(number, wanted) == b'5' && significant == wanted + 1;
        let is_odd = digit(number, wanted - 1) % 2 == 1;
        if digit(number, wanted) < b'5' || is_half && !is_odd {
            return Self { copied: wanted, rounded: None, zeros: 0, exponent };
        }
        match (0..wanted).rev().find(|&position| digit(number, position) != b'9') {
            Some(position) => {
                let rounded = Some(digit(number, position) + 1);
                Self { copied: position, rounded, zeros: wanted - position - 1, exponent }
            }
            None => Self { copied: 0, rounded: Some(b'1'), zeros: wanted - 1, exponent: exponent + 1 },
        }
    }

    /// The number of digits.
    const fn len(&self) -> usize {
        self.copied + self.rounded.is_some() as usize + self.zeros
    }

    /// Writes the digits, with a point after the first one.
    fn write<S: Buffer>(&self, number: &Natural<Decimal, S>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = if self.copied > 0 { digit(number, 0) } else { self.rounded.unwrap_or(b'0') };
        f.write_char(first.into())?;
        if self.len() > 1 {
            f.write_char('.')?;
        }
        let mut chunk = [0; CHUNK];
        let mut from = 1;
        while from < self.copied {
            let end = CHUNK.min(self.copied - from);
            let count = number.copy_digits(from, &mut chunk[..end]);
            write_ascii(f, &chunk[..count])?;
            from += count;
        }
        if let Some(rounded) = self.rounded
            && self.copied > 0
        {
            f.write_char(rounded.into())?;
        }
        write_repeated(f, '0', self.zeros)
    }
}

/// The digit at `position`, which is one of the number's, in ASCII.
fn digit<S: Buffer>(number: &Natural<Decimal, S>, position: usize) -> u8 {
    let mut digit = [b'0'];
    let count = number.copy_digits(position, &mut digit);
    debug_assert_eq!(count, 1, "the number has this digit");
    digit[0]
}

/// The number of zeros at the end of the digits; none for zero.
fn trailing_zeros<S: Buffer>(number: &Natural<Decimal, S>) -> usize {
    let limbs = number.limbs();
    let Some(zeros) = limbs.iter().position(|&limb| limb != 0) else { return 0 };
    let mut limb = limbs[zeros];
    let mut count = zeros * LIMB_DIGITS;
    while limb.is_multiple_of(10) {
        limb /= 10;
        count += 1;
    }
    count
}
