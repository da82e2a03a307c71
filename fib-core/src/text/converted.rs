//! The decimal limbs of a number in radix `Binary`, for its text.

use crate::error::Exhausted;
use crate::limb::Limb;
use crate::natural::Natural;
use crate::radix::{Decimal, Radix};
#[cfg(feature = "alloc")]
use crate::storage::Heap;
use crate::storage::{Buffer, Inline};

/// Binary numbers of up to this many limbs become decimal without an allocation.
const PRINTED_INLINE: usize = 64;

/// Passes the limbs of the number in radix [`Decimal`] to `read`. In radix `Binary` this takes quadratic time, and a number
/// of more than 64 limbs is converted on the heap: an error if there is no memory for that, or no allocator.
pub(crate) fn with_decimal_limbs<R: Radix, S: Buffer, T>(
    number: &Natural<R, S>,
    read: impl FnOnce(&[Limb]) -> T,
) -> Result<T, Exhausted> {
    if R::LIMB_MAX == Decimal::BASE - 1 {
        return Ok(read(number.limbs()));
    }
    if number.limbs().len() > PRINTED_INLINE {
        #[cfg(feature = "alloc")]
        return Natural::<Decimal, Heap>::try_from(number).map(|number| read(number.limbs()));
        #[cfg(not(feature = "alloc"))]
        return Err(Exhausted::capacity());
    }
    // With 32 bits, 64 limbs become up to 69.
    let decimal = Natural::<Decimal, Inline<{ PRINTED_INLINE + PRINTED_INLINE / 14 + 1 }>>::try_from(number)?;
    Ok(read(decimal.limbs()))
}
