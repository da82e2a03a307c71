//! Numbers as text. A decimal limb is a fixed number of digits, so writing and reading take linear time.

#[cfg(any(feature = "alloc", feature = "serde"))]
mod converted;
#[cfg(feature = "defmt")]
mod defmt;
mod scientific;

use core::fmt::{self, Alignment, Write};
use core::str::FromStr;

#[cfg(any(feature = "alloc", feature = "serde"))]
pub(crate) use converted::with_decimal_limbs;

use crate::arch;
use crate::error::ParseError;
use crate::limb::Limb;
use crate::natural::Natural;
use crate::radix::{Binary, Decimal, Radix};
use crate::storage::{Buffer, Storage};

/// The number of decimal digits in a limb.
const LIMB_DIGITS: usize = Decimal::LIMB_DIGITS;

/// The number of digits that [`fmt::Display`] writes at a time, from a buffer on the stack.
const CHUNK: usize = 16 * LIMB_DIGITS;

impl<S: Buffer> Natural<Decimal, S> {
    /// The exact number of decimal digits; zero has one. Constant time.
    ///
    /// ```
    /// use fib_core::{Decimal, Inline, Natural};
    ///
    /// let n: Natural<Decimal, Inline<1>> = "144".parse()?;
    /// assert_eq!(n.digit_count(), 3);
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn digit_count(&self) -> usize {
        digit_count(self.limbs())
    }

    /// Writes digits in ASCII into `out`, starting with the digit at `from`; the most significant digit is at 0. Returns how
    /// many digits it wrote: as many as `out` takes or as there are. Takes time linear in that, wherever it starts.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// use fib_core::Natural;
    ///
    /// let n: Natural = "12345678901234567890123".parse()?;
    /// let mut digits = [0; 8];
    /// assert_eq!(n.copy_digits(0, &mut digits), 8);
    /// assert_eq!(&digits, b"12345678");
    /// assert_eq!(n.copy_digits(20, &mut digits), 3);
    /// assert_eq!(&digits[..3], b"123");
    /// # }
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    #[must_use = "only this many bytes of the buffer are written"]
    #[inline]
    pub fn copy_digits(&self, from: usize, out: &mut [u8]) -> usize {
        copy_digits(self.limbs(), from, out)
    }

    /// Passes all digits in ASCII to `write`, in pieces of up to some hundred, the most significant digit first. Linear time;
    /// allocates nothing. An error of `write` ends it.
    ///
    /// ```
    /// # #[cfg(feature = "jump")] {
    /// use fib_core::Natural;
    /// use std::io::Write;
    ///
    /// let number = Natural::fibonacci(10_000)?;
    /// let mut out = std::io::BufWriter::new(Vec::new());
    /// number.write_digits(|digits| out.write_all(digits))?;
    /// assert_eq!(out.into_inner()?, number.to_string().into_bytes());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The error of `write`.
    pub fn write_digits<E>(&self, write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        write_digits(self.limbs(), write)
    }
}

/// [`Natural::copy_digits`] for decimal limbs.
#[inline]
fn copy_digits(limbs: &[Limb], from: usize, out: &mut [u8]) -> usize {
    match (limbs, from) {
        ([], 0) => arch::short_text(0, out),
        (&[limb], 0) => arch::short_text(limb, out),
        _ => None,
    }
    .unwrap_or_else(|| copy_some_digits(limbs, from, out))
}

/// [`Natural::write_digits`] of the number with these decimal limbs.
fn write_digits<E>(limbs: &[Limb], mut write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut chunk = [0; CHUNK];
    let mut from = 0;
    loop {
        let count = copy_digits(limbs, from, &mut chunk);
        if count == 0 {
            return Ok(());
        }
        write(&chunk[..count])?;
        from += count;
    }
}

impl<R: Radix, S: Buffer> fmt::Debug for Natural<R, S> {
    /// `Natural(55)`, or in radix [`Binary`] `Natural(0x37)`, since hexadecimal takes linear time.
    ///
    /// ```
    /// use fib_core::{Binary, Decimal, Inline, Natural};
    ///
    /// let n: Natural<Decimal, Inline<2>> = "55".parse()?;
    /// assert_eq!(format!("{n:?}"), "Natural(55)");
    /// let n = Natural::<Binary, Inline<2>>::try_from(&n)?;
    /// assert_eq!(format!("{n:?}"), "Natural(0x37)");
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Natural(")?;
        if R::LIMB_MAX == Decimal::BASE - 1 {
            write_digits(self.limbs(), |digits| write_ascii(f, digits))?;
        } else {
            f.write_str("0x")?;
            write_hex_digits(self.limbs(), f)?;
        }
        f.write_char(')')
    }
}

/// The number of decimal digits of the number with these decimal limbs.
#[inline]
pub(crate) fn digit_count(limbs: &[Limb]) -> usize {
    match limbs.split_last() {
        None => 1,
        Some((&highest, rest)) => rest.len() * LIMB_DIGITS + arch::digit_count(highest),
    }
}

/// [`Natural::copy_digits`] for numbers of any length. It is not inlined, so that short numbers stay fast.
#[inline(never)]
fn copy_some_digits(limbs: &[Limb], from: usize, out: &mut [u8]) -> usize {
    let digits = digit_count(limbs);
    let count = digits.saturating_sub(from).min(out.len());
    if count == 0 {
        return 0;
    }
    // Positions count from the highest limb, which is padded with zeros to its full width.
    let start = limbs.len() * LIMB_DIGITS - digits + from;
    let offset = start % LIMB_DIGITS;
    let mut limbs = &limbs[..limbs.len() - start / LIMB_DIGITS];
    let mut rest = &mut out[..count];
    if offset != 0
        && let Some((&highest, lower)) = limbs.split_last()
    {
        let (head, after) = rest.split_at_mut(rest.len().min(LIMB_DIGITS - offset));
        head.copy_from_slice(&limb_digits(highest)[offset..][..head.len()]);
        (limbs, rest) = (lower, after);
    }
    let (whole, tail) = rest.split_at_mut(rest.len() / LIMB_DIGITS * LIMB_DIGITS);
    let (lower, limbs) = limbs.split_at(limbs.len() - whole.len() / LIMB_DIGITS);
    arch::decimal_text(limbs, whole);
    if !tail.is_empty()
        && let Some(&next) = lower.last()
    {
        tail.copy_from_slice(&limb_digits(next)[..tail.len()]);
    }
    count
}

/// The digits of one limb, with leading zeros.
fn limb_digits(limb: Limb) -> [u8; LIMB_DIGITS] {
    let mut digits = [0; LIMB_DIGITS];
    arch::decimal_text(&[limb], &mut digits);
    digits
}

impl<S: Buffer> fmt::Display for Natural<Decimal, S> {
    /// The decimal digits, with the formatter's width, fill, alignment and sign. Linear time. Allocates nothing.
    ///
    /// ```
    /// use fib_core::{Decimal, Inline, Natural};
    ///
    /// let n: Natural<Decimal, Inline<2>> = "144".parse()?;
    /// assert_eq!(format!("{n} {n:+} {n:06} {n:*<6}"), "144 +144 000144 144***");
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&DecimalText(self.limbs()), f)
    }
}

/// The text of the number with these decimal limbs.
pub(crate) struct DecimalText<'a>(pub(crate) &'a [Limb]);

impl fmt::Display for DecimalText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_integral(f, "", digit_count(self.0), |f| write_digits(self.0, |digits| write_ascii(f, digits)))
    }
}

fn write_ascii(f: &mut fmt::Formatter<'_>, digits: &[u8]) -> fmt::Result {
    f.write_str(str::from_utf8(digits).map_err(|_| fmt::Error)?)
}

/// [`fmt::Formatter::pad_integral`] for a number whose digits are not in one string; `write_digits` writes them.
fn pad_integral<'a>(
    f: &mut fmt::Formatter<'a>,
    prefix: &str,
    digits: usize,
    write_digits: impl FnOnce(&mut fmt::Formatter<'a>) -> fmt::Result,
) -> fmt::Result {
    let sign = if f.sign_plus() { "+" } else { "" };
    let prefix = if f.alternate() { prefix } else { "" };
    let missing = f.width().unwrap_or(0).saturating_sub(sign.len() + prefix.len() + digits);
    if f.sign_aware_zero_pad() {
        f.write_str(sign)?;
        f.write_str(prefix)?;
        write_repeated(f, '0', missing)?;
        return write_digits(f);
    }
    let before = match f.align() {
        Some(Alignment::Left) => 0,
        Some(Alignment::Center) => missing / 2,
        Some(Alignment::Right) | None => missing,
    };
    let fill = f.fill();
    write_repeated(f, fill, before)?;
    f.write_str(sign)?;
    f.write_str(prefix)?;
    write_digits(f)?;
    write_repeated(f, fill, missing - before)
}

fn write_repeated(f: &mut fmt::Formatter<'_>, c: char, count: usize) -> fmt::Result {
    (0..count).try_for_each(|_| f.write_char(c))
}

impl<R: Radix, S: Storage> FromStr for Natural<R, S> {
    type Err = ParseError;

    /// Reads decimal digits, as [`from_digits`](Natural::from_digits) does.
    ///
    /// # Errors
    /// [`ParseError`] if the text is empty, has a byte that is not a digit, or is too long for the storage.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::from_digits(text.as_bytes())
    }
}

impl<R: Radix, S: Storage> Natural<R, S> {
    /// The number with these decimal digits in ASCII, the most significant digit first, after a `+` or nothing, as for the
    /// integers of Rust. Leading zeros are allowed. Takes linear time in radix [`Decimal`], and **quadratic** time in
    /// [`Binary`].
    ///
    /// ```
    /// use fib_core::{Decimal, Inline, Natural, ParseError};
    ///
    /// type Short = Natural<Decimal, Inline<4>>;
    /// assert_eq!(Short::from_digits(b"0144")?, 144);
    /// let error = Short::from_digits(b"14 4").unwrap_err();
    /// assert_eq!(error, ParseError::InvalidDigit { byte: b' ', offset: 2 });
    /// # Ok::<(), ParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`ParseError`] if there are no digits, a byte is not a digit, or the number is too long for the storage.
    pub fn from_digits(digits: &[u8]) -> Result<Self, ParseError> {
        let digits = significant_digits(digits)?;
        let count = digits.len().div_ceil(LIMB_DIGITS);
        if R::LIMB_MAX == Decimal::BASE - 1 {
            let mut storage = S::zeroed(count)?;
            arch::from_decimal_text(digits, storage.limbs_mut());
            return Ok(Self::from_storage(storage));
        }
        let mut end = 0;
        let limbs = (0..count).rev().map(|position| {
            let start = end;
            end = digits.len() - position * LIMB_DIGITS;
            let mut limb = [0];
            arch::from_decimal_text(&digits[start..end], &mut limb);
            limb[0]
        });
        Ok(Self::from_foreign_limbs(count, limbs)?)
    }
}

/// The digits without sign and leading zeros, or an error if the text is empty or has a byte that is not a digit.
fn significant_digits(text: &[u8]) -> Result<&[u8], ParseError> {
    if text.is_empty() {
        return Err(ParseError::Empty);
    }
    // A sign alone is not a number.
    let sign = usize::from(text[0] == b'+' && text.len() > 1);
    let digits = &text[sign..];
    if let Some(offset) = digits.iter().position(|byte| !byte.is_ascii_digit()) {
        return Err(ParseError::InvalidDigit { byte: digits[offset], offset: sign + offset });
    }
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    Ok(&digits[zeros..])
}

/// The number of hexadecimal digits in a limb of the radix [`Binary`].
const LIMB_HEX_DIGITS: usize = Limb::BITS as usize / 4;

impl<S: Buffer> fmt::LowerHex for Natural<Binary, S> {
    /// The hexadecimal digits, with the formatter's width, fill, alignment, sign and `0x`. Linear time. Allocates nothing.
    ///
    /// ```
    /// use fib_core::{Binary, Inline, Natural};
    ///
    /// let n = Natural::<Binary, Inline<2>>::try_from(0x1234_u16)?;
    /// assert_eq!(format!("{n:x} {n:#x} {n:#010x}"), "1234 0x1234 0x00001234");
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(self.limbs(), f)
    }
}

fn write_hex(limbs: &[Limb], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let digits =
        limbs.split_last().map_or(1, |(highest, rest)| rest.len() * LIMB_HEX_DIGITS + highest.ilog2() as usize / 4 + 1);
    pad_integral(f, "0x", digits, |f| write_hex_digits(limbs, f))
}

fn write_hex_digits(limbs: &[Limb], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some((highest, rest)) = limbs.split_last() else { return f.write_char('0') };
    f.write_fmt(format_args!("{highest:x}"))?;
    rest.iter().rev().try_for_each(|limb| f.write_fmt(format_args!("{limb:0LIMB_HEX_DIGITS$x}")))
}

#[cfg(feature = "alloc")]
impl<S: Buffer> fmt::Display for Natural<Binary, S> {
    /// The decimal digits. This takes **quadratic** time. A number of more than 64 limbs is converted on the heap, into a
    /// number of about the same size. Choose [`Decimal`] for numbers that are printed.
    ///
    /// # Errors
    /// [`fmt::Error`] if the allocator has no memory for the conversion of a long number; `to_string` then panics. Where
    /// memory may be short, convert first, by `Natural::<Decimal>::try_from`, and print the result.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_decimal_limbs(self, |limbs| fmt::Display::fmt(&DecimalText(limbs), f)).map_err(|_| fmt::Error)?
    }
}
