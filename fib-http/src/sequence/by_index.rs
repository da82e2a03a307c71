//! Any number by its index. The position does not move.

use std::ops::Range;
use std::rc::Rc;

use fib_core::{Decimal, Fibonacci, Limb, MAX_DIGITS, Natural, leading_digits, trailing_digits};

use super::digits::{self, Digits, SharedText};
use super::headroom::Headroom;
use super::in_flight::{InFlight, Reservation};
use super::memory::{EXEMPT_BYTES, SystemMemory};
use super::shortage::Shortage;

/// The last index that can be computed on machines with 64-bit words.
pub(crate) const LAST_INDEX: u64 = 17_808_892_133;

/// The text of the number that was computed last for its index. Requests for it and for parts of it share it.
#[derive(Debug, Default)]
pub(super) struct Kept(Option<(u64, Rc<SharedText>)>);

impl Kept {
    /// Whether there is a number.
    pub(super) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Forgets the number; its memory is free when no response sends it any more. Returns whether there was one.
    pub(super) fn forget(&mut self) -> bool {
        self.0.take().is_some()
    }

    /// The digits of F(`index`) in `range`, where 0 is the first digit, and the share of the budget that they take.
    ///
    /// # Errors
    /// [`Shortage`] where there is no memory for the number or for its digits.
    pub(super) fn digits(
        &mut self,
        index: u64,
        range: Range<u64>,
        memory: &mut SystemMemory,
        headroom: &Headroom,
        in_flight: &Rc<InFlight>,
    ) -> Result<(Digits, Reservation), Shortage> {
        let is_kept = self.0.as_ref().is_some_and(|(kept, _)| *kept == index);
        // A short number is computed in no more time than its digits alone.
        if !is_kept
            && Decimal::digits_for(index) > MAX_DIGITS as u64
            && let Some(text) = digits_at_an_end(index, range.clone())
        {
            let reservation = in_flight.reserve(text.len(), text.len())?;
            headroom.check_after(text.len())?;
            return Ok((Digits::from(text), reservation));
        }
        // Both fit once the number has been computed.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a number in memory has no more digits than a usize counts"
        )]
        let range = range.start as usize..range.end as usize;
        let length = range.len();
        if let Some((_, shared)) = self.0.as_ref().filter(|_| is_kept) {
            let reservation = in_flight.reserve(0, length)?;
            return Ok((Digits::shared(shared, range), reservation));
        }
        self.forget();
        admit(index, memory, in_flight)?;
        let number = Natural::fibonacci(index)?;
        let text_bytes = text_bytes(number.digit_count());
        if in_flight.may_be_kept(text_bytes, length) {
            let shared = Rc::new(SharedText::of(&number, in_flight.reserve(text_bytes, 0)?)?);
            drop(number);
            headroom.check_after(text_bytes)?;
            let reservation = in_flight.reserve(0, length)?;
            let digits = Digits::shared(&shared, range);
            self.0 = Some((index, shared));
            return Ok((digits, reservation));
        }
        let bytes = number_bytes(index).saturating_add(Digits::part_bytes(length));
        let reservation = in_flight.reserve(bytes, length)?;
        let digits = Digits::part(number, range)?;
        headroom.check_after(bytes)?;
        Ok((digits, reservation))
    }
}

/// The digits of F(`index`) in `range`, computed without the number; `None` unless all of them are among its first or among its
/// last 1,000 digits.
pub(crate) fn digits_at_an_end(index: u64, range: Range<u64>) -> Option<Vec<u8>> {
    let all = Decimal::digits_for(index);
    let mut text = [0; MAX_DIGITS];
    let within = |count: u64| usize::try_from(count).ok().filter(|&count| count <= MAX_DIGITS);
    let part = if let Some(end) = within(range.end) {
        // Undecided digits are a case that no known number has.
        let count = leading_digits(index, &mut text[..end]).ok()?;
        &text[within(range.start)?..count]
    } else {
        let from_end = within(all - range.start)?;
        let count = trailing_digits(index, &mut text[..from_end]).ok()?;
        &text[..count - within(all - range.end)?]
    };
    Some(part.to_vec())
}

/// The memory that F(`index`) takes, with the gaps between long blocks.
fn number_bytes(index: u64) -> usize {
    let bytes = Decimal::limbs_for(index).saturating_mul(size_of::<Limb>());
    if bytes > EXEMPT_BYTES { digits::with_gaps(bytes) } else { bytes }
}

/// The memory that a text of `length` digits takes, with the gaps between long blocks.
fn text_bytes(length: usize) -> usize {
    if length > EXEMPT_BYTES { digits::with_gaps(length) } else { length }
}

/// Makes sure that there is memory to compute F(`index`).
fn admit(index: u64, memory: &mut SystemMemory, in_flight: &Rc<InFlight>) -> Result<(), Shortage> {
    if number_bytes(index) > EXEMPT_BYTES {
        let bytes = Fibonacci::<Decimal>::jump_bytes(index)?;
        drop(in_flight.reserve(bytes, 0)?);
        memory.admit_bytes(bytes as u64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::memory::{Reading, Threshold};
    use bytes::Buf;

    fn unlimited() -> SystemMemory {
        SystemMemory::with_readings(Threshold::new(50.0).expect("valid"), || Reading::of_machine(0, u64::MAX))
    }

    fn text(kept: &mut Kept, index: u64, range: Range<u64>, in_flight: &Rc<InFlight>) -> Result<String, Shortage> {
        let (mut digits, _) = kept.digits(index, range, &mut unlimited(), &Headroom::default(), in_flight)?;
        Ok(String::from_utf8(digits.copy_to_bytes(digits.remaining()).into()).expect("ASCII"))
    }

    #[test]
    fn every_range_is_that_of_the_number() {
        let in_flight = Rc::new(InFlight::new(usize::MAX));
        for index in [0, 1, 10, 1000, 4782, 4787, 10_000, 100_000] {
            let whole = Natural::fibonacci(index).expect("memory").to_string();
            let length = whole.len() as u64;
            let bounds = [0, 1, 2, 19, 999, 1000, 1001, length / 2, length - 1, length];
            for start in bounds {
                for end in bounds.map(|bound| length.saturating_sub(bound)).into_iter().chain(bounds) {
                    if start >= end || end > length {
                        continue;
                    }
                    let expected = &whole[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
                    let mut kept = Kept::default();
                    for state in ["new", "perhaps kept"] {
                        let seen = text(&mut kept, index, start..end, &in_flight).expect("memory");
                        assert_eq!(seen, expected, "F({index}), {start}..{end}, {state}");
                    }
                    if let Some(seen) = digits_at_an_end(index, start..end) {
                        assert_eq!(seen, expected.as_bytes(), "F({index}), {start}..{end}");
                    }
                }
            }
        }
    }

    #[test]
    fn ends_of_numbers_that_nobody_can_hold() {
        let length = Decimal::digits_for(u64::MAX);
        assert_eq!(digits_at_an_end(u64::MAX, 0..18).as_deref(), Some(&b"690702890954969422"[..]));
        assert_eq!(digits_at_an_end(u64::MAX, 2..18).as_deref(), Some(&b"0702890954969422"[..]));
        assert_eq!(digits_at_an_end(u64::MAX, length - 20..length).as_deref(), Some(&b"66019507593362999010"[..]));
        assert_eq!(digits_at_an_end(u64::MAX, length - 20..length - 3).as_deref(), Some(&b"66019507593362999"[..]));
        assert_eq!(digits_at_an_end(u64::MAX, 0..1000).map(|text| text.len()), Some(1000));
        for beyond in [0..1001, 999..1001, length - 1001..length, 1000..length - 1000, 0..length] {
            assert_eq!(digits_at_an_end(u64::MAX, beyond.clone()), None, "{beyond:?}");
        }
    }

    #[test]
    fn one_number_is_kept_and_counts_once() {
        const INDEX: u64 = 100_000;

        let in_flight = Rc::new(InFlight::new(1 << 20));
        let mut kept = Kept::default();
        let length = Decimal::digits_for(INDEX);
        text(&mut kept, INDEX, 0..length, &in_flight).expect("room");
        let held = in_flight.load().bytes;
        assert_eq!(held, text_bytes(usize::try_from(length).unwrap()) as u64);
        text(&mut kept, INDEX, 5000..6001, &in_flight).expect("room");
        assert_eq!(in_flight.load().bytes, held, "no second copy");
        // The ends of another number need no memory that stays.
        text(&mut kept, 2 * INDEX, 0..20, &in_flight).expect("room");
        assert!(kept.0.as_ref().is_some_and(|(index, _)| *index == INDEX));
        text(&mut kept, 10, 0..2, &in_flight).expect("room");
        assert_eq!(in_flight.load().bytes, 2);
        assert!(kept.forget() && !kept.forget());
        assert_eq!(in_flight.load().bytes, 0);
    }

    #[test]
    fn a_number_that_would_take_much_of_the_budget_is_not_kept() {
        const INDEX: u64 = 100_000;

        let in_flight = Rc::new(InFlight::new(3 * number_bytes(INDEX)));
        let mut kept = Kept::default();
        text(&mut kept, INDEX, 0..Decimal::digits_for(INDEX), &in_flight).expect("it is alone");
        assert!(!kept.forget());
        assert_eq!(in_flight.load().bytes, 0);
        // Another response holds the budget.
        let _other = in_flight.reserve(3 * number_bytes(INDEX), 0).expect("room");
        assert!(matches!(text(&mut kept, INDEX, 0..1001, &in_flight), Err(Shortage::InFlight(_))));
    }

    #[test]
    fn the_guard_is_asked_before_a_long_number_is_computed() {
        let mut full = SystemMemory::with_readings(Threshold::new(50.0).expect("valid"), || {
            Reading::of_machine(500_000, 1_000_000)
        });
        let in_flight = Rc::new(InFlight::new(usize::MAX));
        let mut digits = |index| {
            let range = 0..Decimal::digits_for(index);
            Kept::default().digits(index, range, &mut full, &Headroom::default(), &in_flight).map(|_| ())
        };
        assert!(matches!(digits(10_000_000), Err(Shortage::Threshold(_))));
        assert!(digits(1000).is_ok(), "there is nothing to guard");
    }
}
