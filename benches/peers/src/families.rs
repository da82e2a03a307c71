//! The measures: one file for each family.

mod add;
mod guarded;
mod nth;
mod small;
mod step_and_text;
mod steps;
mod text;

use crate::contest::Measure;

/// All measures, in the order in which they run.
pub(crate) fn all() -> Vec<Measure> {
    [
        small::measures(),
        add::measures(),
        text::measures(),
        step_and_text::measures(),
        steps::measures(),
        guarded::measures(),
        nth::measures(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
