//! Draws bytes held and time per call against the index.

use std::error::Error;

use fib_benches::chart::{self, Axis, Chart, Line, Scale, in_units};
use fib_benches::table::grouped;
use fib_core::Kernel;

use crate::flags::Iterator;
use crate::run::{Outcome, Turn};

/// Draws these outcomes as SVG.
pub(crate) fn svg(outcomes: &[Outcome]) -> Result<String, Box<dyn Error>> {
    // Regular holds ten thousand times as many bytes as the others.
    let bytes = Axis { name: "", scale: Scale::Logarithmic, label: |bytes| in_units(bytes, ["B", "kB", "MB", "GB"]) };
    let time = Axis { name: "", scale: Scale::Logarithmic, label: |ns| in_units(ns, ["ns", "µs", "ms", "s"]) };
    chart::svg(&[
        panel("Bytes held".into(), bytes, outcomes, |turn| turn.bytes_held as f64),
        panel(format!("Time per call, {} kernel", Kernel::current()), time, outcomes, |turn| turn.nanoseconds_per_call),
    ])
}

fn panel(title: String, y: Axis, outcomes: &[Outcome], value: fn(&Turn) -> f64) -> Chart {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let x = Axis { name: "index", scale: Scale::Linear, label: |index| grouped(index as u64) };
    let lines = outcomes.iter().map(|outcome| {
        let (color, width) = style(outcome.iterator);
        let points = outcome.turns.iter().map(|turn| (turn.calls as f64, value(turn))).collect();
        Line { name: outcome.iterator.name().into(), color, width, points }
    });
    Chart { title, x, y, lines: lines.collect() }
}

/// Lines that coincide stay visible: each is thinner than the one below it.
fn style(iterator: Iterator) -> ([u8; 3], u32) {
    match iterator {
        Iterator::Regular => ([0xd5, 0x5e, 0x00], 3),
        Iterator::Optimized => ([0x8c, 0xc8, 0xf0], 9),
        Iterator::MemoryLimited => ([0x00, 0x5a, 0x9c], 5),
        Iterator::Unified => ([0xff, 0xd9, 0x2f], 2),
    }
}
