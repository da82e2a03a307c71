//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use fib_benches::parse_kernel;
use fib_core::Kernel;
use fib_http::memory::Threshold;

/// Walks the Fibonacci sequence by four iterators, turn by turn, and tells the memory that each holds and the time it takes:
/// Regular keeps every number in a list, Optimized keeps two values, Memory limited is Optimized with the guard of fib-http
/// and an adaptor that starts again, Unified has the guard in its own type.
#[derive(Debug, Parser)]
#[command(name = "experiments", max_term_width = 100)]
pub(crate) struct Flags {
    /// Numbers to ask of each iterator
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) calls: u64,

    /// Bytes that Regular may hold; where they are used up, it ends
    #[arg(long, value_name = "BYTES", default_value_t = 2_000_000_000)]
    pub(crate) regular_bytes: usize,

    /// Share of the machine's memory above which the guarded iterators start again; above 0, at most 100
    #[arg(long, value_name = "PERCENT", default_value = "90")]
    pub(crate) threshold: Threshold,

    /// Kernel to use: portable, avx2 or avx512; the best one that the machine has, where none is given
    #[arg(long, value_parser = parse_kernel)]
    pub(crate) kernel: Option<Kernel>,

    /// Run this iterator only; can be given more than once
    #[arg(long, value_name = "ITERATOR", value_enum)]
    pub(crate) only: Vec<Iterator>,

    /// Print one JSON object a line instead of the table
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
    /// Keeps two values; guard and restart are put around it
    MemoryLimited,
    /// Keeps two values; guard and restart are part of the type
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
