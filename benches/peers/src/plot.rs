//! Draws a family of measures: the times against the number at the end of their names.

use std::error::Error;

use fib_benches::chart::{self, Axis, Chart, Line, Scale, in_units};
use fib_core::Kernel;

use crate::contest::Comparison;

/// The colour of fib-core, then those of the peers in their order.
const COLORS: [[u8; 3]; 8] = [
    [0x00, 0x5a, 0x9c],
    [0xd5, 0x5e, 0x00],
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0xe6, 0x9f, 0x00],
    [0x56, 0xb4, 0xe9],
    [0x80, 0x80, 0x80],
    [0x00, 0x00, 0x00],
];

/// The part of the names before the number at their ends, if they differ in that number alone.
pub(crate) fn family<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut parts = names.into_iter().map(|name| number(name).and(name.rsplit_once('/')).map(|(family, _)| family));
    let first = parts.next()??;
    parts.all(|part| part == Some(first)).then_some(first)
}

fn number(name: &str) -> Option<u64> {
    name.rsplit('/').next()?.parse().ok()
}

/// Draws these comparisons, all of one [`family`], as SVG.
pub(crate) fn svg(family: &str, comparisons: &[Comparison]) -> Result<String, Box<dyn Error>> {
    let mut lines: Vec<Line> = Vec::new();
    for comparison in comparisons {
        let x = number(&comparison.measure).ok_or("a measure has no number")? as f64;
        for (name, y) in [("fib-core", comparison.ours_ns), (comparison.peer, comparison.peer_ns)] {
            let at = lines.iter().position(|line| line.name == name).unwrap_or_else(|| {
                let color = COLORS[lines.len() % COLORS.len()];
                lines.push(Line { name: name.into(), color, width: 3, points: Vec::new() });
                lines.len() - 1
            });
            // fib-core is timed once for each peer; only the first time is drawn.
            if lines[at].points.last().is_none_or(|last| last.0 < x) {
                lines[at].points.push((x, y));
            }
        }
    }
    chart::svg(&[Chart {
        title: format!("Time of {family}/N, {} kernel", Kernel::current()),
        x: Axis {
            name: "N",
            scale: Scale::Logarithmic,
            label: |n| in_units(n, ["", "thousand", "million", "billion"]),
        },
        y: Axis { name: "", scale: Scale::Logarithmic, label: |ns| in_units(ns, ["ns", "µs", "ms", "s"]) },
        lines,
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_differs_in_its_numbers_alone() {
        assert_eq!(family(["nth/1000", "nth/10000"]), Some("nth"));
        assert_eq!(family(["add/binary/4", "add/binary/32"]), Some("add/binary"));
        for names in [&["nth/10", "text/10"][..], &["first-100-steps/inline"], &["text-19"], &[]] {
            assert_eq!(family(names.iter().copied()), None, "{names:?}");
        }
    }

    #[test]
    fn all_libraries_are_drawn() {
        let comparison = |measure: &str, peer| Comparison {
            measure: measure.into(),
            peer,
            ours_ns: 10.0,
            peer_ns: 20.0,
            ratio: 2.0,
        };
        let comparisons = [comparison("nth/10", "gmp"), comparison("nth/10", "dashu"), comparison("nth/100", "gmp")];
        let svg = svg("nth", &comparisons).expect("drawn");
        for name in ["fib-core", "gmp", "dashu"] {
            assert!(svg.contains(name), "{name}");
        }
    }
}
