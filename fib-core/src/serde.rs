//! Numbers and sequences for serde: decimal text in human-readable formats, limbs of 64 bits on every target in others.

use core::fmt;
use core::marker::PhantomData;

use serde_core::de::{Deserialize, Deserializer, Error as _, SeqAccess, Unexpected, Visitor};
use serde_core::ser::{Error as _, Serialize, SerializeSeq, Serializer};

use crate::error::NotFibonacci;
use crate::fibonacci::Fibonacci;
use crate::limb::{LIMB_BYTES, Limb};
use crate::natural::Natural;
use crate::radix::{Decimal, Radix};
use crate::storage::{Buffer, Storage};
use crate::text::{DecimalText, digit_count, with_decimal_limbs};

/// The number of decimal digits in a serialized limb of a decimal number.
const DIGITS: usize = u64::MAX.ilog10() as usize;

/// The most limbs for which there is room before they were read: a length that the input states may be untrue.
const RESERVED_MAX: usize = (1 << 20) / LIMB_BYTES;

/// The base of limbs as they are kept.
fn base<R: Radix>() -> u128 {
    u128::from(R::LIMB_MAX) + 1
}

/// The base of limbs as they are serialized: 10^19 or 2^64.
fn serialized_base<R: Radix>() -> u128 {
    if is_decimal::<R>() { 10_u128.pow(u64::MAX.ilog10()) } else { 1 << u64::BITS }
}

fn is_decimal<R: Radix>() -> bool {
    R::LIMB_MAX == Decimal::BASE - 1
}

/// Takes the limbs of a number in one base and gives those in another, the least significant first. Both bases are powers of
/// the same number.
struct Regroup {
    from: u128,
    to: u128,
    /// What was taken and not yet given, below `unit`.
    rest: u128,
    /// The weight of the next limb that is taken.
    unit: u128,
}

impl Regroup {
    const fn new(from: u128, to: u128) -> Self {
        Self { from, to, rest: 0, unit: 1 }
    }

    fn take(&mut self, limb: u64) {
        self.rest += u128::from(limb) * self.unit;
        self.unit *= self.from;
    }

    /// The next limb that no later one changes.
    fn give(&mut self) -> Option<u128> {
        if self.unit < self.to {
            return None;
        }
        self.unit /= self.to;
        // Without a division where both bases are the same.
        let (limb, rest) = if self.unit == 1 { (self.rest, 0) } else { (self.rest % self.to, self.rest / self.to) };
        self.rest = rest;
        Some(limb)
    }
}

/// In human-readable formats, such as JSON, a string of decimal digits. In others, such as postcard, a sequence of `u64`: the
/// limbs in base 10^19, or 2^64 in radix [`Binary`](crate::Binary), the least significant first and the highest not zero.
/// That is the same on every target, also where a [`Limb`](crate::Limb) has 32 bits. Zero has no limbs.
///
/// ```
/// use fib_core::{Decimal, Inline, Natural};
///
/// type Short = Natural<Decimal, Inline<8>>;
/// let n: Short = "10000000000000000000".parse()?;
/// assert_eq!(serde_json::to_string(&n)?, "\"10000000000000000000\"");
/// assert_eq!(postcard::to_allocvec(&n)?, [2, 0, 1]); // two limbs: 0 and 1
/// assert_eq!(postcard::from_bytes::<Short>(&[2, 0, 1])?, n);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Linear time; as text, quadratic time in radix [`Binary`](crate::Binary).
///
/// # Errors
/// Those of the format. A number in radix [`Binary`](crate::Binary) with more than 64 limbs becomes text on the heap: an error
/// without the feature `alloc`, or if the allocator has no memory for that.
impl<R: Radix, S: Buffer> Serialize for Natural<R, S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let limbs = self.limbs();
        if serializer.is_human_readable() {
            let text = with_decimal_limbs(self, |limbs| serializer.collect_str(&DecimalText(limbs)));
            return text.unwrap_or_else(|_| {
                Err(T::Error::custom(if cfg!(feature = "alloc") {
                    "the allocator has no memory to convert the number to decimal"
                } else {
                    "a binary number of more than 64 limbs cannot be converted to decimal without an allocator"
                }))
            });
        }
        let count = match limbs {
            [] => 0,
            _ if is_decimal::<R>() => digit_count(limbs).div_ceil(DIGITS),
            _ => limbs.len().div_ceil(size_of::<u64>() / LIMB_BYTES),
        };
        let mut sequence = serializer.serialize_seq(Some(count))?;
        let mut regroup = Regroup::new(base::<R>(), serialized_base::<R>());
        let mut serialize = |limb: u128| {
            #[expect(clippy::cast_possible_truncation, reason = "below the base of serialized limbs")]
            sequence.serialize_element(&(limb as u64))
        };
        for &limb in limbs {
            #[allow(clippy::useless_conversion, reason = "a limb may have 32 bits")]
            regroup.take(limb.into());
            regroup.give().map_or(Ok(()), &mut serialize)?;
        }
        if regroup.rest != 0 {
            serialize(regroup.rest)?;
        }
        sequence.end()
    }
}

/// The form that [`Serialize`] writes; text may also have leading zeros and a `+`, as in
/// [`from_digits`](Natural::from_digits).
///
/// Takes memory as the number grows, whatever length the input states. Linear time; text in radix [`Binary`](crate::Binary)
/// takes quadratic time, so limit its length where it comes from strangers.
///
/// ```
/// use fib_core::{Decimal, Inline, Natural};
///
/// let n: Natural<Decimal, Inline<8>> = serde_json::from_str("\"144\"")?;
/// assert_eq!(n, 144);
/// let error = serde_json::from_str::<Natural<Decimal, Inline<8>>>("\"14 4\"").unwrap_err();
/// assert_eq!(error.to_string(), "not a decimal digit: ' ' at byte 2 at line 1 column 6");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// If the text is no number, a limb is not below the base, the highest limb is zero, or there is no room for the number.
impl<'de, R: Radix, S: Storage> Deserialize<'de> for Natural<R, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(TextVisitor(PhantomData))
        } else {
            deserializer.deserialize_seq(LimbsVisitor(PhantomData))
        }
    }
}

struct TextVisitor<R, S>(PhantomData<(R, S)>);

impl<R: Radix, S: Storage> Visitor<'_> for TextVisitor<R, S> {
    type Value = Natural<R, S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of decimal digits")
    }

    fn visit_str<E: serde_core::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        text.parse().map_err(E::custom)
    }
}

struct LimbsVisitor<R, S>(PhantomData<(R, S)>);

impl<'de, R: Radix, S: Storage> Visitor<'de> for LimbsVisitor<R, S> {
    type Value = Natural<R, S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the limbs of a number, the least significant first")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut limbs: A) -> Result<Self::Value, A::Error> {
        let reserved = limbs.size_hint().unwrap_or(0).min(RESERVED_MAX);
        let mut storage = S::reserved(reserved).map_err(A::Error::custom)?;
        let mut position = 0;
        let mut append = |limb: u128| {
            // Zeros are appended only below other limbs, so that what fits the storage does.
            if limb != 0 {
                storage.extend_to(position + 1).map_err(A::Error::custom)?;
                #[expect(clippy::cast_possible_truncation, reason = "below the base")]
                let limb = limb as Limb;
                storage.limbs_mut()[position] = limb;
            }
            position += 1;
            Ok(())
        };
        let mut regroup = Regroup::new(serialized_base::<R>(), base::<R>());
        let mut highest = None;
        while let Some(limb) = limbs.next_element::<u64>()? {
            if u128::from(limb) >= regroup.from {
                return Err(A::Error::invalid_value(Unexpected::Unsigned(limb), &"a limb below 10^19"));
            }
            highest = Some(limb);
            regroup.take(limb);
            while let Some(limb) = regroup.give() {
                append(limb)?;
            }
        }
        if highest == Some(0) {
            return Err(A::Error::invalid_value(Unexpected::Unsigned(0), &"a highest limb that is not zero"));
        }
        append(regroup.rest)?;
        Ok(Natural::from_storage(storage))
    }
}

/// The pair of [`index`](Fibonacci::index) and [`values`](Fibonacci::values), without the guard. Linear time; as text,
/// quadratic time in radix [`Binary`](crate::Binary).
///
/// ```
/// use fib_core::{Decimal, Fibonacci, Inline};
///
/// let mut fib = Fibonacci::<Decimal, Inline<8>>::new();
/// fib.nth(12);
/// let stored = serde_json::to_string(&fib)?;
/// assert_eq!(stored, r#"[13,["89","144"]]"#);
///
/// let mut resumed: Fibonacci<Decimal, Inline<8>> = serde_json::from_str(&stored)?;
/// assert_eq!(*resumed.advance()?, 233);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As for [`Natural`].
impl<R: Radix, S: Buffer, G> Serialize for Fibonacci<R, S, G> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        (self.index(), self.values()).serialize(serializer)
    }
}

/// The sequence at the position that was serialized, with the check of [`from_values`](Fibonacci::from_values). It has no
/// guard: [`with_guard`](Fibonacci::with_guard) adds one.
///
/// # Errors
/// As for [`Natural`], and if the values are not those of the sequence at that index ([`NotFibonacci`]).
impl<'de, R: Radix, S: Storage> Deserialize<'de> for Fibonacci<R, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (index, values) = <(u64, Option<[Natural<R, S>; 2]>)>::deserialize(deserializer)?;
        match (index, values) {
            (_, Some(values)) => Self::from_values(index, values).map_err(D::Error::custom),
            (0, None) => Ok(Self::new()),
            (1, None) => {
                let mut sequence = Self::new();
                sequence.advance().map_err(D::Error::custom)?;
                Ok(sequence)
            }
            (_, None) => Err(D::Error::custom(NotFibonacci)),
        }
    }
}
