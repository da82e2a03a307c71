//! The Fibonacci sequence without an upper bound, for servers and for microcontrollers.
//!
//! The crate is `no_std` and has no dependencies by default. It has its own arithmetic: unbounded numbers made of limbs, an
//! iterator that keeps two of them, and a [`MemoryGuard`] that decides whether they may grow. Nothing in it panics or aborts
//! when memory runs out.
//!
//! ```
//! # #[cfg(feature = "alloc")] {
//! use fib_core::{Decimal, Fibonacci};
//!
//! let mut fib = Fibonacci::<Decimal>::new();
//! let first = fib.advance()?; // lends F(0), without a clone or a third value
//! assert_eq!(first.to_string(), "0");
//! assert_eq!(fib.index(), 1); // the index of the number that advance() lends next
//!
//! let ten: Vec<String> = Fibonacci::<Decimal>::new().take(10).map(|f| f.to_string()).collect();
//! assert_eq!(ten.join(" "), "0 1 1 2 3 5 8 13 21 34");
//! # }
//! # Ok::<(), fib_core::Exhausted>(())
//! ```
//!
//! # Decimal limbs
//!
//! A program that steps through the sequence adds long numbers and prints them. Most libraries keep numbers in binary. There
//! an addition takes linear time, but printing converts the radix, which takes thousands of times as long. Here a limb is one
//! digit in base 10^19 ([`Decimal`], the default): 63.1 of its 64 bits carry information, an addition takes a little longer,
//! and printing takes linear time. The radix is a type parameter, so the binary form exists too ([`Binary`]).
//!
//! A decimal carry becomes a binary carry: with `bias = 2^64 - 10^19`, the sum `a + (b + bias) + carry` overflows 64 bits
//! exactly when `a + b + carry` reaches 10^19. If it does not overflow, the bias is subtracted again.
//!
//! # Storage
//!
//! [`Heap`] (feature `alloc`, on by default) grows fallibly, by about 1/64 at a time: two values of F(1,000,000) and their
//! room to grow take 176,032 bytes. [`Inline<N>`](Inline) keeps up to `N` limbs in the number itself, and [`Slice`] in memory
//! of the caller; they need no allocator:
//!
//! ```
//! use fib_core::{Cause, Decimal, Fibonacci, Inline};
//!
//! // Room for F(500). The size is computed at compile time.
//! let mut fib = Fibonacci::<Decimal, Inline<{ Decimal::limbs_for(500) }>>::new();
//! let exhausted = loop {
//!     if let Err(exhausted) = fib.advance() {
//!         break exhausted;
//!     }
//! };
//! assert_eq!(exhausted.cause(), Cause::Capacity);
//! assert!(fib.index() > 500);
//! ```
//!
//! # Jumps
//!
//! [`Fibonacci::jump_to`] moves to any index. With the feature `jump` (on by default), [`Natural::fibonacci`](Natural)
//! computes one number without those before it, and both multiply in decimal by number-theoretic transforms: on vectors of
//! `f64` where the machine has AVX-512 or AVX2 with FMA, in portable integers elsewhere. F(100,000,000), which has 20,898,764
//! digits, takes 50 ms with its text on one core of an AMD Zen 5.
//!
//! ```
//! # #[cfg(feature = "jump")] {
//! use fib_core::{Decimal, Fibonacci, Natural};
//!
//! let mut fib = Fibonacci::<Decimal>::new();
//! fib.jump_to(300_000)?;
//! assert_eq!(fib.advance()?, &Natural::fibonacci(300_000)?);
//! assert_eq!(fib.index(), 300_001);
//! # }
//! # Ok::<(), fib_core::Exhausted>(())
//! ```
//!
//! In other storages, in radix [`Binary`], and without the feature, `jump_to` multiplies by the schoolbook method in the
//! place of the values. So a program that keeps one integer can go on where it was, on a microcontroller too.
//!
//! A short way forwards is a series of near jumps: each goes over up to 90 numbers in one pass over both values, in every
//! radix and storage. [`Iterator::nth`], and so `skip` and `step_by`, take the fastest of steps, near jumps and a jump.
//!
//! # Digits without the number
//!
//! [`leading_digits`] and [`trailing_digits`] give the ends of F(n) for any n, and [`Decimal::digits_for`] gives its length.
//!
//! # Guards
//!
//! A [`MemoryGuard`] is asked before each step and each jump. It is told how many bytes are held and how many the step will
//! request from the allocator. The crate has [`Unlimited`] and [`ByteBudget`]; a guard of your own takes a few lines. The
//! caller decides what a refusal means: an [`Exhausted`] error and another try later, the end of the iterator, or a new pass
//! from F(0):
//!
//! ```
//! # #[cfg(feature = "alloc")] {
//! use fib_core::{ByteBudget, Decimal, Fibonacci};
//!
//! let mut fib = Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(1_000)).restarting();
//! while fib.restarts() == 0 {
//!     fib.advance();
//! }
//! assert_eq!(fib.get_ref().index(), 1); // it lent F(0) again
//! # }
//! ```
//!
//! # Features
//!
//! - `alloc` (default): [`Heap`].
//! - `jump` (default, enables `alloc`): [`Natural::fibonacci`](Natural), fast [jumps](#jumps).
//! - `serde`: `Serialize` and `Deserialize` for [`Natural`] and [`Fibonacci`], as decimal strings in formats that people
//!   read, such as JSON, and as limbs in others.
//! - `defmt`: `defmt::Format` for [`Natural`], [`Demand`] and the errors. The host that reads the log makes the digits.
//!
//! The [`guide`] explains how to choose radix and storage, how much memory F(n) needs, and how to write a guard.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

/// The examples in the README are tests too.
#[cfg(all(doctest, feature = "jump"))]
#[doc = include_str!("../README.md")]
struct Readme;

mod arch;
mod digits;
mod doubling;
mod error;
mod fibonacci;
mod guard;
#[cfg(doc)]
pub mod guide;
mod limb;
#[cfg(feature = "jump")]
mod mul;
mod natural;
mod radix;
#[cfg(feature = "serde")]
mod serde;
mod small;
mod storage;
mod text;

#[cfg(feature = "__kernels")]
#[doc(hidden)]
pub use arch::{Kernel, UnsupportedKernel};
pub use digits::{DigitsError, MAX_DIGITS, leading_digits, trailing_digits};
pub use error::{Cause, Exhausted, NotFibonacci, ParseError};
pub use fibonacci::{Fibonacci, Restarting};
pub use guard::{ByteBudget, Demand, GuardFn, MemoryGuard, Unlimited, guard_fn};
pub use limb::Limb;
pub use natural::Natural;
pub use radix::{Binary, Decimal, Radix};
pub use storage::{Buffer, Heap, Inline, Slice, Storage};
