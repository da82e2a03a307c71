//! Runs the iterators in turn.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use fib_benches::iterators::{Regular, Unified, Walk};
use fib_core::{ByteBudget, Fibonacci};
use fib_http::sequence::memory::SystemMemory;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::flags::{Flags, Iterator};

/// How many turns each walk is divided into. In each turn every iterator walks its part, so that other load on the machine
/// affects all of them alike.
const TURNS: u64 = 500;

impl Iterator {
    fn walk(self, flags: &Flags) -> Box<dyn Walk> {
        let memory = || SystemMemory::of_this_process(flags.threshold);
        match self {
            Self::Regular => Box::new(Regular::new(ByteBudget::new(flags.regular_bytes))),
            Self::Optimized => Box::new(Fibonacci::new()),
            Self::MemoryLimited => Box::new(Fibonacci::new().with_guard(memory()).restarting()),
            Self::Unified => Box::new(Unified::new(memory())),
        }
    }
}

/// What one iterator did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) iterator: Iterator,
    /// How many numbers it lent.
    pub(crate) calls: u64,
    pub(crate) elapsed: Duration,
    /// Bytes at the end of the walk.
    pub(crate) bytes_held: usize,
    pub(crate) restarts: u64,
    pub(crate) turns: Vec<Turn>,
}

/// A part of a walk.
#[derive(Debug)]
pub(crate) struct Turn {
    /// How many numbers have been lent up to its end.
    pub(crate) calls: u64,
    /// Bytes at its end.
    pub(crate) bytes_held: usize,
    pub(crate) nanoseconds_per_call: f64,
}

/// Runs every iterator that the flags select.
pub(crate) fn run(flags: &Flags) -> Vec<Outcome> {
    let chosen =
        Iterator::value_variants().iter().filter(|iterator| flags.only.is_empty() || flags.only.contains(iterator));
    // The bars are drawn on standard error, and only if it is a terminal.
    let bars = MultiProgress::new();
    let mut walkers: Vec<_> = chosen.map(|&iterator| Walker::new(iterator, flags, &bars)).collect();
    for turn in 1..=TURNS {
        let upto =
            u64::try_from(u128::from(flags.calls) * u128::from(turn) / u128::from(TURNS)).expect("at most calls");
        for walker in &mut walkers {
            walker.walk_to(upto);
        }
    }
    walkers.into_iter().map(|walker| walker.outcome).collect()
}

struct Walker {
    /// `None` after its end, so that its memory is free again.
    walk: Option<Box<dyn Walk>>,
    bar: ProgressBar,
    outcome: Outcome,
}

impl Walker {
    fn new(iterator: Iterator, flags: &Flags, bars: &MultiProgress) -> Self {
        let style = ProgressStyle::with_template("{prefix:14} {wide_bar} {human_pos:>9} of {human_len}  {msg}");
        let bar = ProgressBar::new(flags.calls)
            .with_prefix(iterator.name())
            .with_style(style.expect("a template without errors"));
        Self {
            walk: Some(iterator.walk(flags)),
            bar: bars.add(bar),
            outcome: Outcome {
                iterator,
                calls: 0,
                elapsed: Duration::ZERO,
                bytes_held: 0,
                restarts: 0,
                turns: Vec::new(),
            },
        }
    }

    fn walk_to(&mut self, calls: u64) {
        let Some(walk) = &mut self.walk else { return };
        let wanted = calls - self.outcome.calls;
        let start = Instant::now();
        let walked = walk.walk(wanted);
        let elapsed = start.elapsed();

        let outcome = &mut self.outcome;
        outcome.calls += walked;
        outcome.elapsed += elapsed;
        outcome.bytes_held = walk.bytes_held();
        outcome.restarts = walk.restarts();
        if walked > 0 {
            outcome.turns.push(Turn {
                calls: outcome.calls,
                bytes_held: outcome.bytes_held,
                nanoseconds_per_call: elapsed.as_nanos() as f64 / walked as f64,
            });
        }
        self.bar.set_position(outcome.calls);
        if walked < wanted {
            self.walk = None;
            self.bar.abandon_with_message("its budget is used up");
        }
    }
}
