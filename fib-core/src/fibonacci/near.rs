//! Near jumps: many steps at once, in place.
//!
//! F(n+k) = F(k−1)·F(n) + F(k)·F(n+1) and F(n+k+1) = F(k)·F(n) + F(k+1)·F(n+1) (Knuth, The Art of Computer Programming,
//! section 1.2.8). While F(k+2) is below the decimal base, the factors are single limbs and one pass over both values makes k
//! steps.

use super::Fibonacci;
#[cfg(doc)]
use crate::arch::Costs;
use crate::error::Exhausted;
use crate::guard::{Demand, MemoryGuard};
use crate::limb::LIMB_BYTES;
use crate::natural::Natural;
use crate::radix::Radix;
use crate::small::FIBONACCI;
use crate::storage::Buffer;

impl<R: Radix, S: Buffer, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Goes towards F(`index`), to it or to a number from which steps are cheaper than a near jump. An error if memory is
    /// exhausted on the way; the sequence is then at the last number before it. F(`index`) does not come before the next
    /// number.
    pub(super) fn walk(&mut self, index: u64) -> Result<(), Exhausted> {
        if !self.pays(index) {
            return Ok(());
        }
        // Before F(1) has been computed there is no pair.
        while self.index == 0 {
            self.advance()?;
        }
        self.peek()?;
        while self.pays(index) {
            let steps = self.steps_at_once(index);
            let there = self.first() + steps as u64 + 1;
            if self.make_room(there).is_ok() {
                self.multiply(steps)?;
                continue;
            }
            // What the guard or the allocator refuses now, one of these steps needs too.
            while self.index < there {
                self.advance()?;
            }
        }
        Ok(())
    }

    /// Moves to F(`index`) by near jumps and steps. There is a pair, and there is room for the last one.
    pub(super) fn walk_within_room(&mut self, index: u64) -> Result<(), Exhausted> {
        while self.distance(index) > 0 {
            if self.pays(index) {
                self.multiply(self.steps_at_once(index))?;
            } else {
                self.add()?;
            }
        }
        Ok(())
    }

    /// From F(n), F(n+1) to F(n+1), F(n+2), without asking the guard. There is room.
    fn add(&mut self) -> Result<(), Exhausted> {
        let n = self.first();
        let [even, odd] = &mut self.values;
        let (target, last) = if n.is_multiple_of(2) { (even, odd) } else { (odd, even) };
        target.add_within(last, false, R::fibonacci_limbs(n + 2))?;
        (self.index, self.behind) = (n + 2, false);
        Ok(())
    }

    /// About how long near jumps and steps to F(`index`) take, in the unit of [`Costs`]; `None` if they do not lead there.
    pub(super) fn cost_of_walk(&self, index: u64) -> Option<u64> {
        if index < self.index || self.index + u64::from(!self.behind) < 2 {
            return None;
        }
        let costs = R::costs();
        let limbs = usize::midpoint(self.values[0].limbs().len(), R::fibonacci_limbs(index));
        let (most, distance) = (costs.steps_max as u64, self.distance(index));
        let product = costs.product(limbs);
        let rest = costs.step(limbs).saturating_mul(distance % most).min(product);
        Some((distance / most).saturating_mul(product).saturating_add(rest))
    }

    /// n for the pair F(n), F(n+1) that is kept.
    pub(super) const fn first(&self) -> u64 {
        self.index - 1 - self.behind as u64
    }

    /// Additions from the pair to one that ends with F(`index`).
    pub(super) const fn distance(&self, index: u64) -> u64 {
        index - self.index + self.behind as u64
    }

    /// Whether a near jump towards F(`index`) takes less time than the steps.
    fn pays(&self, index: u64) -> bool {
        let limbs = self.values[0].limbs().len();
        let costs = R::costs();
        costs.step(limbs).saturating_mul(self.distance(index).min(costs.steps_max as u64)) > costs.product(limbs)
    }

    fn steps_at_once(&self, index: u64) -> usize {
        let most = R::costs().steps_max;
        usize::try_from(self.distance(index)).map_or(most, |steps| steps.min(most))
    }

    /// Makes room for F(`index` − 1) and F(`index`). The guard is asked about each value that has to grow, as before steps,
    /// and once where none has to. On an error the numbers are unchanged; there may already be room for one of them.
    pub(super) fn make_room(&mut self, index: u64) -> Result<(), Exhausted> {
        let lengths = self.lengths(index);
        let mut asked = false;
        for (place, len) in lengths.into_iter().enumerate() {
            let growth = self.values[place].growth(len)?;
            if growth > 0 || (place == 1 && !asked) {
                let held = self.bytes_held();
                self.guard.admit(Demand::new(held, growth))?;
                asked = true;
            }
            self.values[place].storage_mut().make_room(len)?;
        }
        Ok(())
    }

    /// Makes room for F(`index` − 1) and F(`index`), or changes nothing. The guard is asked once, about both.
    pub(super) fn make_room_at_once(&mut self, index: u64) -> Result<(), Exhausted> {
        let lengths = self.lengths(index);
        let growth = [self.values[0].growth(lengths[0])?, self.values[1].growth(lengths[1])?];
        let held = self.bytes_held();
        self.guard.admit(Demand::new(held, growth[0].saturating_add(growth[1])))?;
        // New blocks, so that neither value has grown if there is memory for one only.
        let [even, odd] = growth.map(|bytes| S::reserved(bytes / LIMB_BYTES));
        for ((value, mut block), bytes) in self.values.iter_mut().zip([even?, odd?]).zip(growth) {
            let limbs = value.limbs();
            if bytes > 0 {
                block.extend_to(limbs.len())?;
                block.limbs_mut().copy_from_slice(limbs);
                *value = Natural::from_storage(block);
            }
        }
        Ok(())
    }

    /// The limbs of the pair F(`index` − 1), F(`index`), the one with an even index first.
    fn lengths(&self, index: u64) -> [usize; 2] {
        let last = index % 2;
        [index - last, index - (1 - last)].map(R::fibonacci_limbs)
    }

    /// From F(n), F(n+1) to F(n + `steps`), F(n + `steps` + 1), for at least one step and at most [`Costs::steps_max`]. There
    /// is room.
    fn multiply(&mut self, steps: usize) -> Result<(), Exhausted> {
        let n = self.first();
        let index = n + steps as u64 + 1;
        let lengths = self.lengths(index);
        let [before, at, after] = [FIBONACCI[steps - 1], FIBONACCI[steps], FIBONACCI[steps + 1]];
        // The rows for F(n) and F(n+1), in the order of their results. Both change places with the parity of n, and the results
        // also with that of `steps`.
        let mut rows = [[before, at], [at, after]];
        if n % 2 == 1 {
            rows = rows.map(|[first, second]| [second, first]);
        }
        if index.is_multiple_of(2) {
            rows.reverse();
        }
        let [even, odd] = self.values.each_mut().map(Natural::storage_mut);
        even.extend_to(lengths[0])?;
        odd.extend_to(lengths[1])?;
        // Their lengths differ by one limb at most, since F(index) < 2·F(index − 1) + 1.
        let common = lengths[0].min(lengths[1]);
        let (even, even_top) = even.limbs_mut().split_at_mut(common);
        let (odd, odd_top) = odd.limbs_mut().split_at_mut(common);
        let carries = R::multiply_in_place(even, odd, &rows);
        for (top, carry) in [even_top, odd_top].into_iter().zip(carries) {
            debug_assert!(top.len() <= 1 && (carry == 0) == top.is_empty(), "the lengths are those of the numbers");
            top.fill(carry);
        }
        (self.index, self.behind) = (index, false);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::limb::Limb;
    use crate::radix::{Binary, Decimal};
    use crate::storage::Inline;
    use std::vec::Vec;

    /// Near jumps of every length from every number up to F(2,000), against steps.
    fn agrees_with_steps<R: Radix>() {
        const N: usize = if Limb::BITS == 64 { 25 } else { 60 };
        let numbers: Vec<Natural<R, Inline<N>>> = Fibonacci::<R, Inline<N>>::new().take(2_210).collect();
        for n in 0..=2_000 {
            for steps in 1..=R::costs().steps_max {
                let mut fib = Fibonacci::<R, Inline<N>>::new();
                let even = n % 2 == 0;
                fib.values = if even { [n, n + 1] } else { [n + 1, n] }.map(|n| numbers[n].clone());
                (fib.index, fib.behind) = (n as u64 + 2, true);
                fib.multiply(steps).unwrap();
                let there = n + steps;
                assert_eq!(fib.index(), there as u64 + 1);
                assert!(fib.values[there % 2] == numbers[there], "F({n} + {steps})");
                assert!(fib.values[(there + 1) % 2] == numbers[there + 1], "F({n} + {steps} + 1)");
            }
        }
    }

    #[test]
    fn agrees_with_steps_in_decimal() {
        agrees_with_steps::<Decimal>();
    }

    #[test]
    fn agrees_with_steps_in_binary() {
        agrees_with_steps::<Binary>();
    }
}
