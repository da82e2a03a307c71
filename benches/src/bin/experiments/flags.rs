//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use fib_benches::parse_kernel;
use fib_core::Kernel;
use fib_http::sequence::memory::Threshold;

/// Walks the Fibonacci sequence with four iterators in turn, and prints the memory that each holds and the time that it
/// takes.
///
/// Regular keeps every number in a list. Optimized keeps two values. Memory limited is Optimized with the guard of
/// fib-http and an adaptor that starts again. Unified has the guard in its own type.
#[derive(Debug, Parser)]
#[command(name = "experiments", max_term_width = 100)]
pub(crate) struct Flags {
    /// How many numbers to ask of each iterator
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) calls: u64,

    /// Bytes that Regular may hold; it stops when they are used up
    #[arg(long, value_name = "BYTES", default_value_t = 2_000_000_000)]
    pub(crate) regular_bytes: usize,

    /// Share of the machine's memory above which the guarded iterators start again; above 0, at most 100
    #[arg(long, value_name = "PERCENT", default_value = "90")]
    pub(crate) threshold: Threshold,

    /// Kernel to use: portable, avx2 or avx512 [default: the best one that the machine supports]
    #[arg(long, value_parser = parse_kernel)]
    pub(crate) kernel: Option<Kernel>,

    /// Run only this iterator; may be repeated
    #[arg(long, value_name = "ITERATOR", value_enum)]
    pub(crate) only: Vec<Iterator>,

    /// Print one JSON object per line instead of the table
    #[arg(long)]
    pub(crate) json: bool,

    /// Draw bytes held and time per call against the index
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
}

/// One of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Iterator {
    /// Keeps every number in a list
    Regular,
    /// Keeps two values
    Optimized,
    /// Keeps two values, with guard and restart around it
    MemoryLimited,
    /// Keeps two values, with guard and restart in its own type
    Unified,
}

impl Iterator {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Regular => "Regular",
            Self::Optimized => "Optimized",
            Self::MemoryLimited => "Memory limited",
            Self::Unified => "Unified",
        }
    }
}
