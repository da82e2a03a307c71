//! The Fibonacci sequence without an upper bound, for servers and for microcontrollers.
//!
//! `no_std`, no dependencies, its own arithmetic: unbounded numbers made of limbs, an iterator that keeps two of them, and
//! a [`MemoryGuard`] that decides whether they may grow. Nothing in here panics or aborts when memory runs out.
//!
//! ```
//! use fib_core::{Decimal, Fibonacci};
//!
//! let mut fib = Fibonacci::<Decimal>::new();
//! let first = fib.advance()?; // lends F(0): no clone, no third value
//! assert_eq!(first.to_string(), "0");
//! assert_eq!(fib.index(), 1); // the index of what advance() lends next
//!
//! let ten: Vec<String> = Fibonacci::<Decimal>::new().take(10).map(|f| f.to_string()).collect();
//! assert_eq!(ten.join(" "), "0 1 1 2 3 5 8 13 21 34");
//! # Ok::<(), fib_core::Exhausted>(())
//! ```
//!
//! # Decimal limbs
//!
//! Whoever walks the sequence adds long numbers and prints them. Most libraries keep numbers in binary; then an addition is
//! linear, but printing converts the radix, which costs thousands of times as much as the addition. Here a limb is one place
//! in base 10^19 ([`Decimal`], the default): 63.1 of its 64 bits carry information, an addition costs a little more, and
//! printing is a linear copy. The radix is a type parameter, so the binary form exists too ([`Binary`]), with the same code
//! around it.
//!
//! The decimal carry is a binary carry: with `bias = 2^64 - 10^19` the sum `a + (b + bias) + carry` overflows 64 bits exactly
//! when `a + b + carry` reaches 10^19. Where nothing overflowed, the bias is taken away again.
//!
//! # Storage
//!
//! [`Heap`] (feature `alloc`, on by default) grows fallibly, by about 1/64 at a time: two values of F(1,000,000) and their
//! room to grow take 176,032 bytes. [`Inline<N>`](Inline) keeps up to `N` limbs in the number itself and needs no allocator:
//!
//! ```
//! use fib_core::{Cause, Decimal, Fibonacci, Inline};
//!
//! // Room for F(500): the size is computed at compile time.
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
//! [`Natural::fibonacci`] computes one number from nothing, and [`Fibonacci::jump_to`] goes to any index: products of numbers
//! in decimal digits, by transforms on vectors of `f64` where the machine has AVX-512 or AVX2 with FMA, in portable integers
//! elsewhere. F(100,000,000), which has 20,898,764 digits, takes about a tenth of a second on a recent server.
//! [`Iterator::nth`], and so `skip` and `step_by`, jump where that is faster.
//!
//! ```
//! use fib_core::{Decimal, Fibonacci, Natural};
//!
//! let mut fib = Fibonacci::<Decimal>::new();
//! fib.jump_to(300_000)?;
//! assert_eq!(fib.advance()?, &Natural::fibonacci(300_000)?);
//! assert_eq!(fib.index(), 300_001);
//! # Ok::<(), fib_core::Exhausted>(())
//! ```
//!
//! # Guards
//!
//! A [`MemoryGuard`] is asked before each step and told how many bytes are held and how many more the step will ask of the
//! allocator. [`Unlimited`] and [`ByteBudget`] are here, others are a few lines. What happens at a refusal is the caller's
//! choice: an [`Exhausted`] error and another try later, the end of the iterator, or a new pass from F(0):
//!
//! ```
//! use fib_core::{ByteBudget, Decimal, Fibonacci};
//!
//! let mut fib = Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(1_000)).restarting();
//! while fib.restarts() == 0 {
//!     fib.advance();
//! }
//! assert_eq!(fib.get_ref().index(), 1); // it lent F(0) again
//! ```
//!
//! The [`guide`] tells how to choose radix and storage, what F(n) costs in memory, and how to write a guard.

#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

/// The examples in the README and in `docs/` are tests too.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/architecture.md")]
    struct Architecture;
    #[doc = include_str!("../../docs/operating.md")]
    struct Operating;
    #[doc = include_str!("../../docs/performance.md")]
    struct Performance;
    #[doc = include_str!("../../docs/testing.md")]
    struct Testing;
}

mod arch;
mod digits;
mod error;
mod fibonacci;
mod guard;
#[cfg(doc)]
pub mod guide;
mod limb;
#[cfg(feature = "alloc")]
mod mul;
mod natural;
mod radix;
mod storage;
mod text;

pub use arch::{Kernel, UnsupportedKernel};
pub use digits::{DigitsError, MAX_DIGITS, leading_digits, trailing_digits};
pub use error::{Cause, Exhausted, ParseError};
pub use fibonacci::{Fibonacci, Restarting};
pub use guard::{ByteBudget, Demand, MemoryGuard, Unlimited};
pub use limb::Limb;
pub use natural::Natural;
pub use radix::{Binary, Decimal, Radix};
pub use storage::{Heap, Inline, Storage};
