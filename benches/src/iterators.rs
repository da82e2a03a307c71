//! The four iterators of the experiments. Two of them exist only to be compared.

use fib_core::{Decimal, Demand, Exhausted, Fibonacci, Limb, MemoryGuard, Natural, Restarting};
use fib_http::sequence::memory::SystemMemory;

/// A walk along the sequence from F(0) on.
pub trait Walk {
    /// Lends the next number.
    ///
    /// # Errors
    /// [`Exhausted`] if the walk ends.
    fn advance(&mut self) -> Result<&Natural, Exhausted>;

    /// Bytes that the numbers occupy, including the room to grow.
    fn bytes_held(&self) -> usize;

    /// How often the walk has started again at F(0).
    fn restarts(&self) -> u64;

    /// Advances `steps` times, or until the walk ends. Returns the number of steps.
    ///
    /// This is a method of the trait, so that the loop is compiled for each iterator.
    fn walk(&mut self, steps: u64) -> u64 {
        (0..steps).take_while(|_| self.advance().is_ok()).count() as u64
    }
}

/// Regular: keeps every number in a list.
#[derive(Debug)]
pub struct Regular<G> {
    numbers: Vec<Natural>,
    numbers_bytes: usize,
    guard: G,
}

impl<G: MemoryGuard> Regular<G> {
    /// The sequence from F(0) on. The guard is asked before each number.
    pub const fn new(guard: G) -> Self {
        Self { numbers: Vec::new(), numbers_bytes: 0, guard }
    }

    /// Bytes that the list allocates to take one more number: if it is full, it doubles.
    fn list_growth(&self) -> usize {
        if self.numbers.len() < self.numbers.capacity() {
            0
        } else {
            (2 * self.numbers.capacity()).max(4) * size_of::<Natural>()
        }
    }
}

impl<G: MemoryGuard> Walk for Regular<G> {
    fn advance(&mut self) -> Result<&Natural, Exhausted> {
        let index = self.numbers.len() as u64;
        let additional = Decimal::limbs_for(index) * size_of::<Limb>() + self.list_growth();
        self.guard.admit(Demand::new(self.bytes_held(), additional))?;
        let number = match &self.numbers[..] {
            [.., previous, current] => {
                let mut sum = current.try_clone()?;
                sum.try_add_assign(previous)?;
                sum
            }
            _ => Natural::try_from(index)?,
        };
        self.numbers_bytes += number.bytes_held();
        Ok(self.numbers.push_mut(number))
    }

    fn bytes_held(&self) -> usize {
        self.numbers_bytes + self.numbers.capacity() * size_of::<Natural>()
    }

    fn restarts(&self) -> u64 {
        0
    }
}

/// Optimized: two values, and no guard.
impl Walk for Fibonacci {
    fn advance(&mut self) -> Result<&Natural, Exhausted> {
        Self::advance(self)
    }

    fn bytes_held(&self) -> usize {
        Self::bytes_held(self)
    }

    fn restarts(&self) -> u64 {
        0
    }
}

/// Memory limited: the same iterator with a guard inside, and an adaptor around it that starts again.
impl<G: MemoryGuard> Walk for Restarting<Decimal, fib_core::Heap, G> {
    fn advance(&mut self) -> Result<&Natural, Exhausted> {
        Ok(Self::advance(self))
    }

    fn bytes_held(&self) -> usize {
        self.get_ref().bytes_held()
    }

    fn restarts(&self) -> u64 {
        Self::restarts(self)
    }
}

/// Unified: two values and the memory guard in one type.
#[derive(Debug)]
pub struct Unified {
    previous: Natural,
    current: Natural,
    index: u64,
    restarts: u64,
    memory: SystemMemory,
}

impl Unified {
    /// The sequence from F(0) on, which starts again when `memory` is short.
    #[must_use]
    pub const fn new(memory: SystemMemory) -> Self {
        Self { previous: Natural::new(), current: Natural::new(), index: 0, restarts: 0, memory }
    }

    /// Steps from F(index - 1) to F(index).
    fn step(&mut self) -> Result<(), Exhausted> {
        let needed = Decimal::limbs_for(self.index) * size_of::<Limb>();
        let room = self.previous.bytes_held();
        let additional = if needed > room { needed } else { 0 };
        self.memory.admit(Demand::new(self.bytes_held(), additional))?;
        if self.index < 2 {
            self.previous = Natural::try_from(self.index)?;
        } else {
            self.previous.try_add_assign(&self.current)?;
        }
        std::mem::swap(&mut self.previous, &mut self.current);
        self.index += 1;
        Ok(())
    }
}

impl Walk for Unified {
    fn advance(&mut self) -> Result<&Natural, Exhausted> {
        if self.step().is_err() {
            (self.previous, self.current) = (Natural::new(), Natural::new());
            self.index = 0;
            self.restarts += 1;
            self.step()?;
        }
        Ok(&self.current)
    }

    fn bytes_held(&self) -> usize {
        self.previous.bytes_held() + self.current.bytes_held()
    }

    fn restarts(&self) -> u64 {
        self.restarts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib_core::{ByteBudget, Unlimited};
    use fib_http::sequence::memory::{Reading, Threshold};

    /// A guard for a machine with ten times the memory that is in use, or for one without memory left.
    fn memory(short: bool) -> SystemMemory {
        let total = if short { 1 } else { 10_000_000 };
        SystemMemory::with_readings(Threshold::new(90.0).expect("valid"), move || Reading::of_machine(1_000_000, total))
    }

    #[test]
    fn all_four_walk_the_same_sequence() {
        let mut walks: [Box<dyn Walk>; 4] = [
            Box::new(Regular::new(Unlimited)),
            Box::new(Fibonacci::new()),
            Box::new(Fibonacci::new().with_guard(memory(false)).restarting()),
            Box::new(Unified::new(memory(false))),
        ];
        let mut expected = Fibonacci::new();
        for index in 0..1000 {
            let number = expected.advance().expect("memory");
            for walk in &mut walks {
                assert_eq!(walk.advance(), Ok(number), "F({index})");
            }
        }
        assert!(walks.iter().all(|walk| walk.restarts() == 0));
    }

    #[test]
    fn regular_stays_within_its_budget() {
        let mut regular = Regular::new(ByteBudget::new(100_000));
        let steps = regular.walk(u64::MAX);
        assert!(steps > 400, "{steps}");
        assert!(regular.bytes_held() <= 100_000, "{}", regular.bytes_held());
        assert!(regular.advance().is_err());
    }

    #[test]
    fn the_guarded_ones_start_again_where_memory_is_short() {
        let mut limited = Fibonacci::new().with_guard(memory(true)).restarting();
        let mut unified = Unified::new(memory(true));
        // The guard always admits 64 KiB for both values.
        let steps = 380_000;
        for walk in [&mut limited as &mut dyn Walk, &mut unified] {
            assert_eq!(walk.walk(steps), steps);
            assert_eq!(walk.restarts(), 1);
        }
    }
}
