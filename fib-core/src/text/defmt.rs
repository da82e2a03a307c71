//! Numbers in the log of a microcontroller: [`defmt::Format`].

use defmt::{Format, Formatter};

use crate::limb::Limb;
use crate::natural::Natural;
use crate::radix::{Decimal, Radix};
use crate::storage::Buffer;

/// Sends the limbs. The host that reads the log writes them as decimal digits, or in radix [`Binary`](crate::Binary) as
/// hexadecimal digits after `0x`. So the device needs no time and no code for digits, and no allocator. Linear time.
///
/// ```no_run
/// use fib_core::{Decimal, Fibonacci, Inline};
///
/// let mut fib = Fibonacci::<Decimal, Inline<4>>::new();
/// match fib.advance_indexed() {
///     Ok((index, number)) => defmt::info!("F({}) = {}", index, number),
///     Err(exhausted) => defmt::warn!("{}", exhausted),
/// }
/// ```
impl<R: Radix, S: Buffer> Format for Natural<R, S> {
    fn format(&self, f: Formatter<'_>) {
        let highest = self.limbs().last().copied().unwrap_or(0);
        let lower = self.limbs().split_last().map_or(&[][..], |(_, lower)| lower).iter().rev();
        if R::LIMB_MAX == Decimal::BASE - 1 {
            defmt::write!(f, "{}", highest);
            lower.for_each(|&limb| write_digits(limb, f));
        } else {
            defmt::write!(f, "0x{:x}", highest);
            lower.for_each(|&limb| write_hex_digits(limb, f));
        }
    }
}

/// A limb below others, with leading zeros.
#[cfg(all(target_pointer_width = "64", not(fib_limb32)))]
fn write_digits(limb: Limb, f: Formatter<'_>) {
    defmt::write!(f, "{=u64:019}", limb);
}

/// A limb below others, with leading zeros.
#[cfg(not(all(target_pointer_width = "64", not(fib_limb32))))]
fn write_digits(limb: Limb, f: Formatter<'_>) {
    defmt::write!(f, "{=u32:09}", limb);
}

#[cfg(all(target_pointer_width = "64", not(fib_limb32)))]
fn write_hex_digits(limb: Limb, f: Formatter<'_>) {
    defmt::write!(f, "{=u64:016x}", limb);
}

#[cfg(not(all(target_pointer_width = "64", not(fib_limb32))))]
fn write_hex_digits(limb: Limb, f: Formatter<'_>) {
    defmt::write!(f, "{=u32:08x}", limb);
}
