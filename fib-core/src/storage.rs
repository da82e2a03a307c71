//! Where the limbs of a number live: on the heap, or in an array inside the number.

use crate::error::Exhausted;
use crate::limb::Limb;
use sealed::Limbs;

/// Where the limbs of a [`Natural`](crate::Natural) live: [`Heap`] or [`Inline`]. Sealed.
pub trait Storage: Limbs {}

pub(crate) mod sealed {
    use crate::error::Exhausted;
    use crate::limb::Limb;

    /// A resizable sequence of limbs that never aborts: without memory there is an error, and nothing has changed.
    pub trait Limbs: Sized {
        /// No limbs. Allocates nothing.
        const EMPTY: Self;

        /// Takes over the limbs of a vector without a copy. `None` where the storage is not on the heap.
        #[cfg(feature = "jump")]
        const FROM_VEC: Option<fn(alloc::vec::Vec<Limb>) -> Self> = None;

        /// A copy of `limbs`, without spare capacity.
        fn from_limbs(limbs: &[Limb]) -> Result<Self, Exhausted>;

        /// `len` zeros, without spare capacity.
        fn zeroed(len: usize) -> Result<Self, Exhausted>;

        /// Reserves room for `len` limbs without adding them. Storage of a fixed size returns an empty value.
        fn reserved(_len: usize) -> Result<Self, Exhausted> {
            Ok(Self::EMPTY)
        }

        fn limbs(&self) -> &[Limb];

        fn limbs_mut(&mut self) -> &mut [Limb];

        /// The number of limbs for which there is room.
        fn capacity(&self) -> usize;

        /// Bytes that [`Limbs::extend_to`] would request from the allocator; an error where it cannot succeed.
        fn growth(&self, len: usize) -> Result<usize, Exhausted>;

        /// Makes room for `len` limbs in all, as [`Limbs::extend_to`] does, without appending any. Storage of a fixed size has it or not.
        fn make_room(&mut self, len: usize) -> Result<(), Exhausted> {
            self.growth(len).map(drop)
        }

        /// Appends zeros up to `len` limbs. When it has to allocate, it allocates a little more.
        fn extend_to(&mut self, len: usize) -> Result<(), Exhausted>;
    }
}

/// Limbs in a block of the global allocator, grown fallibly and by about 1/64 at a time.
///
/// The type always exists, so that it can be the default type parameter. It implements [`Storage`] with the feature `alloc`
/// (on by default).
#[cfg_attr(not(feature = "alloc"), allow(dead_code, reason = "without an allocator it is only a name"))]
pub struct Heap {
    #[cfg(feature = "alloc")]
    limbs: alloc::vec::Vec<Limb>,
}

#[cfg(feature = "alloc")]
mod heap {
    use super::{Exhausted, Heap, Limb, Limbs, Storage};
    use crate::limb::LIMB_BYTES;
    use alloc::vec::Vec;

    /// A block grows by its length divided by this. 1/64 costs 1.6 % of memory, and a block is reallocated once in a growth by
    /// that much.
    const GROWTH_DIVISOR: usize = 64;

    /// A block grows by at least this many limbs, so that short numbers do not reallocate at every other step.
    const GROWTH_LEAST: usize = 7;

    /// The most limbs that one allocation can hold.
    const LIMBS_MAX: usize = isize::MAX.unsigned_abs() / LIMB_BYTES;

    /// The capacity of a block that has to grow to `len` limbs.
    fn grown(len: usize) -> Result<usize, Exhausted> {
        let slack = (len / GROWTH_DIVISOR).max(GROWTH_LEAST);
        match len.checked_add(slack) {
            Some(capacity) if capacity <= LIMBS_MAX => Ok(capacity),
            _ => Err(Exhausted::too_long()),
        }
    }

    fn with_capacity(capacity: usize) -> Result<Vec<Limb>, Exhausted> {
        let mut limbs = Vec::new();
        limbs.try_reserve_exact(capacity).map_err(|_| Exhausted::allocation())?;
        Ok(limbs)
    }

    #[cfg(feature = "jump")]
    impl Heap {
        pub(crate) const fn from_vec(limbs: Vec<Limb>) -> Self {
            Self { limbs }
        }
    }

    impl Storage for Heap {}

    impl Limbs for Heap {
        const EMPTY: Self = Self { limbs: Vec::new() };
        #[cfg(feature = "jump")]
        const FROM_VEC: Option<fn(Vec<Limb>) -> Self> = Some(Self::from_vec);

        fn from_limbs(limbs: &[Limb]) -> Result<Self, Exhausted> {
            let mut copy = with_capacity(limbs.len())?;
            copy.extend_from_slice(limbs);
            Ok(Self { limbs: copy })
        }

        fn zeroed(len: usize) -> Result<Self, Exhausted> {
            let mut limbs = with_capacity(len)?;
            limbs.resize(len, 0);
            Ok(Self { limbs })
        }

        fn reserved(len: usize) -> Result<Self, Exhausted> {
            with_capacity(len).map(|limbs| Self { limbs })
        }

        #[inline]
        fn limbs(&self) -> &[Limb] {
            &self.limbs
        }

        #[inline]
        fn limbs_mut(&mut self) -> &mut [Limb] {
            &mut self.limbs
        }

        #[inline]
        fn capacity(&self) -> usize {
            self.limbs.capacity()
        }

        #[inline]
        fn growth(&self, len: usize) -> Result<usize, Exhausted> {
            if len <= self.limbs.capacity() { Ok(0) } else { Ok(grown(len)? * LIMB_BYTES) }
        }

        #[inline]
        fn make_room(&mut self, len: usize) -> Result<(), Exhausted> {
            if len > self.limbs.capacity() {
                let more = grown(len)? - self.limbs.len();
                self.limbs.try_reserve_exact(more).map_err(|_| Exhausted::allocation())?;
            }
            Ok(())
        }

        #[inline]
        fn extend_to(&mut self, len: usize) -> Result<(), Exhausted> {
            if len > self.limbs.len() {
                self.make_room(len)?;
                self.limbs.resize(len, 0);
            }
            Ok(())
        }
    }
}

/// Up to `N` limbs inside the number itself: no allocator.
///
/// [`Decimal::limbs_for`](crate::Decimal::limbs_for) and [`Binary::limbs_for`](crate::Binary::limbs_for) tell which `N`
/// a given Fibonacci number needs.
#[derive(Clone)]
pub struct Inline<const N: usize> {
    limbs: [Limb; N],
    len: usize,
}

impl<const N: usize> Storage for Inline<N> {}

impl<const N: usize> Limbs for Inline<N> {
    const EMPTY: Self = Self { limbs: [0; N], len: 0 };

    fn from_limbs(limbs: &[Limb]) -> Result<Self, Exhausted> {
        let mut copy = Self::zeroed(limbs.len())?;
        copy.limbs_mut().copy_from_slice(limbs);
        Ok(copy)
    }

    fn zeroed(len: usize) -> Result<Self, Exhausted> {
        if len <= N { Ok(Self { limbs: [0; N], len }) } else { Err(Exhausted::capacity()) }
    }

    #[inline]
    fn limbs(&self) -> &[Limb] {
        &self.limbs[..self.len]
    }

    #[inline]
    fn limbs_mut(&mut self) -> &mut [Limb] {
        &mut self.limbs[..self.len]
    }

    #[inline]
    fn capacity(&self) -> usize {
        N
    }

    #[inline]
    fn growth(&self, len: usize) -> Result<usize, Exhausted> {
        if len <= N { Ok(0) } else { Err(Exhausted::capacity()) }
    }

    #[inline]
    fn extend_to(&mut self, len: usize) -> Result<(), Exhausted> {
        if len > N {
            return Err(Exhausted::capacity());
        }
        // Limbs beyond the length are zero, since nothing shortens a number.
        self.len = len;
        Ok(())
    }
}
