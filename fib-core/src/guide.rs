//! A guide: which radix and storage to choose, how much memory F(n) needs, and how to write a guard.
//!
//! # Which radix
//!
//! Choose [`Decimal`](crate::Decimal), unless nobody ever reads the numbers. It writes and parses text in linear time, and on
//! the heap it jumps fast. [`Binary`](crate::Binary) takes 1.4 % less memory with 64-bit limbs (7 % with 32-bit limbs), adds
//! somewhat faster, and converts to hexadecimal, to bytes and from bytes ([`le_bytes`](crate::Natural::le_bytes),
//! [`from_le_bytes`](crate::Natural::from_le_bytes)). Its decimal text takes quadratic time and needs an allocator, and its
//! jumps take quadratic time.
//!
//! # Which storage
//!
//! [`Inline<N>`](crate::Inline) keeps `N` limbs in the number. It needs no allocator and causes no fragmentation. Its size is
//! known at compile time, and it occupies all of it from the start. It is the right choice for microcontrollers, and wherever
//! the largest index is known. A number that is moved or cloned is as large as `N` limbs, so lend it
//! ([`advance`](crate::Fibonacci::advance)) instead of iterating.
//!
//! [`Slice`](crate::Slice) is memory of the caller whose size is known only when the program runs
//! ([`Fibonacci::in_slices`](crate::Fibonacci::in_slices)). Such a sequence lends its numbers, and is no iterator.
//!
//! [`Heap`](crate::Heap) grows with the numbers, as far as the allocator can, and frees everything at a restart. If the
//! allocator cannot extend a block in place, the old block and the new one both exist for a moment
//! ([`Demand::peak`](crate::Demand::peak)), and a simple allocator leaves gaps: plan for twice what both values hold. With
//! `embedded-alloc`, a heap of 16 KiB was full at F(37,814), where both values held 7,080 bytes. A jump there, in radix
//! [`Decimal`](crate::Decimal) and with the feature `jump`, asks the guard for all of its memory at once,
//! [`Fibonacci::jump_bytes`](crate::Fibonacci). That is about ten times the memory of a long number, and up to 25 times that
//! of a number of some thousand digits, for which the smallest transform of vectors is large:
//!
//! ```
//! # #[cfg(feature = "jump")] {
//! use fib_core::{Decimal, Fibonacci, Limb};
//!
//! let times = |n| {
//!     let number = Decimal::limbs_for(n) * size_of::<Limb>();
//!     Ok::<_, fib_core::Exhausted>(Fibonacci::<Decimal>::jump_bytes(n)? as f64 / number as f64)
//! };
//! for n in (1_000..60_000).step_by(97).chain([12_001]) {
//!     assert!((5.0..25.0).contains(&times(n)?), "F({n}): {}", times(n)?);
//! }
//! for n in (60_000..10_000_000).step_by(9_973) {
//!     assert!((5.0..13.0).contains(&times(n)?), "F({n}): {}", times(n)?);
//! }
//! # }
//! # Ok::<(), fib_core::Exhausted>(())
//! ```
//!
//! A [`Limb`](crate::Limb) has 64 bits on targets with 64-bit words, and 32 bits on others. Everything works with both.
//!
//! # How much memory F(n) needs
//!
//! The table gives the bytes of the limbs of both values. A [`Fibonacci`](crate::Fibonacci) has only a few words more. On the
//! heap each value also has room to grow: 1/64 of its limbs, or 7 limbs if that is more.
//!
//! | n | digits | `Decimal`, 32 bits | `Decimal`, 64 bits | `Binary`, 32 bits | `Binary`, 64 bits |
//! | --- | --- | --- | --- | --- | --- |
//! | 10 | 2 | 8 | 16 | 8 | 16 |
//! | 100 | 21 | 24 | 32 | 24 | 32 |
//! | 1000 | 209 | 192 | 176 | 176 | 176 |
//! | 10000 | 2090 | 1864 | 1760 | 1736 | 1744 |
//! | 100000 | 20899 | 18584 | 17600 | 17360 | 17360 |
//! | 1000000 | 208988 | 185768 | 176000 | 173568 | 173568 |
//!
//! [`Decimal::limbs_for`](crate::Decimal::limbs_for) and [`Binary::limbs_for`](crate::Binary::limbs_for) compute the number of
//! limbs on the target, the `N` of [`Inline<N>`](crate::Inline), at compile time.
//!
//! ```
//! # #[cfg(feature = "alloc")] {
//! use fib_core::{Binary, Decimal, Fibonacci, Inline, Limb};
//!
//! const N: usize = Decimal::limbs_for(1_000);
//! static SEQUENCE: Fibonacci<Decimal, Inline<N>> = Fibonacci::new(); // `new` is const
//! assert_eq!(SEQUENCE.bytes_held(), 2 * N * size_of::<Limb>());
//! assert!(size_of_val(&SEQUENCE) <= SEQUENCE.bytes_held() + 5 * size_of::<u64>());
//!
//! let mut on_heap = Fibonacci::<Decimal>::new();
//! while on_heap.advance()?.digit_count() as u64 <= Decimal::digits_for(10_000) {
//!     let limbs = Decimal::limbs_for(on_heap.index()); // of the value after this one
//!     let most = 2 * (limbs + (limbs / 64).max(7)) * size_of::<Limb>();
//!     assert!(on_heap.bytes_held() <= most);
//! }
//!
//! // The table above.
//! let guide = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide.rs"));
//! for n in [10, 100, 1_000, 10_000, 100_000, 1_000_000] {
//!     let digits = Decimal::digits_for(n);
//!     let decimal = [9, 19].map(|limb_digits| digits.div_ceil(limb_digits));
//!     let binary = [32, 64].map(|limb_bits| Binary::bits_for(n).div_ceil(limb_bits));
//!     let bytes = [decimal[0] * 4, decimal[1] * 8, binary[0] * 4, binary[1] * 8].map(|bytes| 2 * bytes);
//!     let cells = bytes.map(|bytes| format!(" {bytes} |"));
//!     assert!(guide.contains(&format!("| {n} | {digits} |{}\n", cells.concat())), "{n} {digits} {cells:?}");
//! }
//! # }
//! # Ok::<(), fib_core::Exhausted>(())
//! ```
//!
//! # Going on after a restart
//!
//! The index is the whole state. [`jump_to`](crate::Fibonacci::jump_to) computes the rest: fast in radix
//! [`Decimal`](crate::Decimal) on the heap, and in quadratic time elsewhere. A Cortex-M3 is back at F(1000) after 75,000
//! instructions, where steps take 260,000. A program that keeps both values too returns in linear time:
//! [`from_values`](crate::Fibonacci::from_values) checks them.
//!
//! With the feature `serde` a sequence is stored by any format of serde as the pair of its index and values, and is checked
//! when it is read:
//!
//! ```
//! # #[cfg(feature = "serde")] {
//! use fib_core::{Decimal, Fibonacci, Inline};
//!
//! type Sequence = Fibonacci<Decimal, Inline<{ Decimal::limbs_for(1_000) }>>;
//!
//! let mut fib = Sequence::new();
//! fib.jump_to(500).unwrap();
//! let mut flash = [0; 256];
//! let stored = postcard::to_slice(&fib, &mut flash)?;
//!
//! let mut resumed: Sequence = postcard::from_bytes(stored)?;
//! assert_eq!(resumed.advance().unwrap(), fib.advance().unwrap());
//!
//! stored[10] ^= 1; // a bit of F(499) is wrong
//! assert!(postcard::from_bytes::<Sequence>(stored).is_err());
//! # }
//! # Ok::<(), postcard::Error>(())
//! ```
//!
//! # Your own guard
//!
//! A [`MemoryGuard`](crate::MemoryGuard) is asked before each step except the one to F(0), and before each jump. It is told how
//! many bytes both values hold and how many the step requests from the allocator ([`Demand`](crate::Demand)). `Ok` admits the
//! step. An error changes nothing, and the same step can be tried again.
//!
//! - It is asked at every step, and a step with short numbers takes a few nanoseconds, so keep the guard cheap. Most steps
//!   allocate nothing.
//! - A guard refuses with the error [`Exhausted::refused`](crate::Exhausted::refused). Its
//!   [`cause`](crate::Exhausted::cause) differs from that of a full storage and that of a failed allocation.
//! - When a guard refuses, a [`Restarting`](crate::Restarting) sequence frees its values. A guard that looks at memory will
//!   then admit the next step. If it refuses every step, the sequence lends nothing but F(0).
//! - Several sequences can share one guard by `&mut`, or guards can share a `Cell` or an atomic.
//! - [`guard_fn`](crate::guard_fn) makes a guard from a closure.
//!
//! The following guard leaves a reserve for others. It reads the free memory only at steps that allocate:
//!
//! ```
//! # #[cfg(feature = "alloc")] {
//! use core::cell::Cell;
//! use fib_core::{Cause, Decimal, Demand, Exhausted, Fibonacci, MemoryGuard};
//!
//! struct Reserve<F> {
//!     free_bytes: F,
//!     reserve: usize,
//! }
//!
//! impl<F: FnMut() -> usize> MemoryGuard for Reserve<F> {
//!     fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
//!         let wanted = self.reserve.saturating_add(demand.additional);
//!         if demand.additional > 0 && (self.free_bytes)() < wanted {
//!             return Err(Exhausted::refused());
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let free = Cell::new(1_000_000); // bytes that the rest of the program leaves free
//! let guard = Reserve { free_bytes: || free.get(), reserve: 10_000 };
//! let mut fib = Fibonacci::<Decimal>::new().with_guard(guard);
//! fib.nth(500);
//!
//! free.set(10_000);
//! let exhausted = loop {
//!     if let Err(exhausted) = fib.advance() {
//!         break exhausted; // at the first step that needs a longer block
//!     }
//! };
//! assert_eq!(exhausted.cause(), Cause::Guard);
//!
//! let index = fib.index();
//! free.set(1_000_000);
//! let digits = fib.advance()?.digit_count(); // nothing was lost
//! assert_eq!(digits as u64, Decimal::digits_for(index));
//! # }
//! # Ok::<(), fib_core::Exhausted>(())
//! ```
