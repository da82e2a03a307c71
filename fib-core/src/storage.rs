//! Where the limbs of a number live: on the heap, in an array inside the number, or in a slice of the caller.

use crate::error::Exhausted;
use crate::limb::Limb;
use sealed::{Create, Limbs};

/// Where the limbs of a [`Natural`](crate::Natural) live: [`Heap`], [`Inline`] or [`Slice`]. Sealed.
///
/// ```
/// use fib_core::{Buffer, Decimal, Fibonacci, Inline};
///
/// /// The index of the first number with more than `digits` digits, whatever holds it; `None` if none fits.
/// fn first_longer<S: Buffer>(fib: &mut Fibonacci<Decimal, S>, digits: usize) -> Option<u64> {
///     while fib.peek().ok()?.digit_count() <= digits {
///         fib.advance().ok()?;
///     }
///     Some(fib.index())
/// }
///
/// assert_eq!(first_longer(&mut Fibonacci::<_, Inline<4>>::new(), 9), Some(45));
/// let mut memory = [[0; 1]; 2];
/// assert_eq!(first_longer(&mut Fibonacci::in_slices(memory.each_mut().map(|limbs| &mut limbs[..])), 99), None);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold the limbs of a number",
    note = "the storages are `Heap`, with the feature `alloc` (on by default), and `Inline<N>` and `Slice`, which need no allocator"
)]
pub trait Buffer: Limbs {}

/// Where new numbers can be made: [`Heap`] or [`Inline`]. Sealed.
///
/// Parsing, conversion, clones, and so the [`Iterator`] of a sequence, need such a storage.
///
/// ```
/// use fib_core::{Decimal, Exhausted, Inline, Natural, Radix, Storage};
///
/// fn double<R: Radix, S: Storage>(number: &Natural<R, S>) -> Result<Natural<R, S>, Exhausted> {
///     let mut sum = number.try_clone()?;
///     sum.try_add_assign(number)?;
///     Ok(sum)
/// }
///
/// let n: Natural<Decimal, Inline<2>> = "72".parse().unwrap();
/// assert_eq!(double(&n)?, 144);
/// # Ok::<(), Exhausted>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "no number can be made in the storage `{Self}`",
    note = "the storages are `Heap`, with the feature `alloc` (on by default), and `Inline<N>`, which needs no allocator"
)]
pub trait Storage: Buffer + Create {}

pub(crate) mod sealed {
    use crate::error::Exhausted;
    use crate::limb::Limb;

    /// A resizable sequence of limbs that never aborts: without memory there is an error, and nothing has changed.
    pub trait Limbs: Sized {
        /// Takes over the limbs of a vector without a copy. `None` where the storage is not on the heap.
        #[cfg(feature = "jump")]
        const FROM_VEC: Option<fn(alloc::vec::Vec<Limb>) -> Self> = None;

        /// Reserves room for `len` limbs without adding them. Storage of a fixed size returns an empty value.
        fn reserved(len: usize) -> Result<Self, Exhausted>;

        fn limbs(&self) -> &[Limb];

        fn limbs_mut(&mut self) -> &mut [Limb];

        /// The number of limbs for which there is room.
        fn capacity(&self) -> usize;

        /// Bytes that [`Limbs::extend_to`] would request from the allocator; an error where it cannot succeed. Storage of a
        /// fixed size has the room or not.
        #[inline]
        fn growth(&self, len: usize) -> Result<usize, Exhausted> {
            if len <= self.capacity() { Ok(0) } else { Err(Exhausted::capacity()) }
        }

        /// Makes room for `len` limbs in all, as [`Limbs::extend_to`] does, without appending any.
        fn make_room(&mut self, len: usize) -> Result<(), Exhausted> {
            self.growth(len).map(drop)
        }

        /// Appends zeros up to `len` limbs. When it has to allocate, it allocates a little more.
        fn extend_to(&mut self, len: usize) -> Result<(), Exhausted>;

        /// Drops the limbs from `len` on, and keeps the memory.
        fn truncate(&mut self, len: usize);

        /// Drops all limbs, and the memory if it belongs to an allocator.
        fn clear(&mut self);
    }

    /// Storage that can be made from nothing.
    pub trait Create: Limbs {
        /// No limbs. Allocates nothing.
        const EMPTY: Self;

        /// A copy of `limbs`, without spare capacity.
        fn from_limbs(limbs: &[Limb]) -> Result<Self, Exhausted>;

        /// `len` zeros, without spare capacity.
        fn zeroed(len: usize) -> Result<Self, Exhausted>;
    }
}

/// Limbs in a block of the global allocator, grown fallibly and by about 1/64 at a time.
///
/// The type always exists, so that it can be the default type parameter. It implements [`Storage`] with the feature `alloc`
/// (on by default).
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use fib_core::{Decimal, Heap, Natural};
///
/// let n: Natural<Decimal, Heap> = "1".repeat(10_000).parse()?; // the same as `Natural`
/// assert_eq!(n.bytes_held(), 10_000_usize.div_ceil(Decimal::LIMB_DIGITS) * size_of::<fib_core::Limb>());
/// # }
/// # Ok::<(), fib_core::ParseError>(())
/// ```
#[cfg_attr(not(feature = "alloc"), allow(dead_code, reason = "without an allocator it is only a name"))]
pub struct Heap {
    #[cfg(feature = "alloc")]
    limbs: alloc::vec::Vec<Limb>,
}

#[cfg(feature = "alloc")]
mod heap {
    use super::{Buffer, Create, Exhausted, Heap, Limb, Limbs, Storage};
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

    impl Buffer for Heap {}
    impl Storage for Heap {}

    impl Create for Heap {
        const EMPTY: Self = Self { limbs: Vec::new() };

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
    }

    impl Limbs for Heap {
        #[cfg(feature = "jump")]
        const FROM_VEC: Option<fn(Vec<Limb>) -> Self> = Some(Self::from_vec);

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

        fn truncate(&mut self, len: usize) {
            self.limbs.truncate(len);
        }

        fn clear(&mut self) {
            *self = Self::EMPTY;
        }
    }
}

/// Up to `N` limbs inside the number itself: no allocator.
///
/// [`Decimal::limbs_for`](crate::Decimal::limbs_for) and [`Binary::limbs_for`](crate::Binary::limbs_for) tell which `N`
/// a given Fibonacci number needs.
///
/// ```
/// use fib_core::{Decimal, Inline, Natural};
///
/// type F100 = Natural<Decimal, Inline<{ Decimal::limbs_for(100) }>>;
/// let n: F100 = "354224848179261915075".parse()?;
/// assert!(n.clone() == n && size_of_val(&n) <= n.bytes_held() + 2 * size_of::<usize>());
/// # Ok::<(), fib_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Inline<const N: usize> {
    limbs: [Limb; N],
    len: usize,
}

impl<const N: usize> Buffer for Inline<N> {}
impl<const N: usize> Storage for Inline<N> {}

impl<const N: usize> Create for Inline<N> {
    const EMPTY: Self = Self { limbs: [0; N], len: 0 };

    fn from_limbs(limbs: &[Limb]) -> Result<Self, Exhausted> {
        let mut copy = Self::zeroed(limbs.len())?;
        copy.limbs_mut().copy_from_slice(limbs);
        Ok(copy)
    }

    fn zeroed(len: usize) -> Result<Self, Exhausted> {
        if len <= N { Ok(Self { limbs: [0; N], len }) } else { Err(Exhausted::capacity()) }
    }
}

impl<const N: usize> Limbs for Inline<N> {
    fn reserved(_: usize) -> Result<Self, Exhausted> {
        Ok(Self::EMPTY)
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
    fn extend_to(&mut self, len: usize) -> Result<(), Exhausted> {
        self.growth(len)?;
        // Limbs beyond the length are zero.
        self.len = len;
        Ok(())
    }

    fn truncate(&mut self, len: usize) {
        self.limbs[len..self.len].fill(0);
        self.len = len;
    }

    fn clear(&mut self) {
        *self = Self::EMPTY;
    }
}

/// Limbs in a slice of the caller: no allocator, and a length that need not be known at compile time. A sequence over two
/// slices is made by [`Fibonacci::in_slices`](crate::Fibonacci::in_slices).
///
/// ```
/// use fib_core::{Binary, Fibonacci, Natural, Slice};
///
/// fn is_short(number: &Natural<Binary, Slice<'_>>) -> bool {
///     number.limbs().len() <= 1
/// }
///
/// let (mut first, mut second) = ([0; 4], [0; 4]);
/// let mut fib = Fibonacci::<Binary, _>::in_slices([&mut first, &mut second]);
/// fib.jump_to(40)?;
/// assert!(is_short(fib.advance()?));
/// # Ok::<(), fib_core::Exhausted>(())
/// ```
pub struct Slice<'a> {
    limbs: &'a mut [Limb],
    len: usize,
}

impl<'a> Slice<'a> {
    pub(crate) const fn new(limbs: &'a mut [Limb]) -> Self {
        Self { limbs, len: 0 }
    }
}

impl Buffer for Slice<'_> {}

impl Limbs for Slice<'_> {
    fn reserved(_: usize) -> Result<Self, Exhausted> {
        Ok(Self::new(&mut []))
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
        self.limbs.len()
    }

    #[inline]
    fn extend_to(&mut self, len: usize) -> Result<(), Exhausted> {
        if len > self.len {
            self.growth(len)?;
            // The caller's slice may hold anything beyond the length.
            self.limbs[self.len..len].fill(0);
            self.len = len;
        }
        Ok(())
    }

    fn truncate(&mut self, len: usize) {
        self.len = len;
    }

    fn clear(&mut self) {
        self.len = 0;
    }
}
