//! Carries with every width of vectors, against the school method; what counts as negative.

use std::vec::Vec;

use super::lanes::{Lanes, Wide};
use super::{BASES, Base, CHUNK, Carries, Divisor, Op, WIDTH};
use crate::arch::{Avx2Fma, Avx512};

struct Settle<'a, L> {
    lanes: L,
    base: Base,
    columns: &'a mut [f64],
}

impl<L: Lanes> Op for Settle<'_, L> {
    fn run(self) {
        let mut carries = Carries::new(Divisor::new(self.lanes, self.base));
        for chunk in self.columns.chunks_mut(CHUNK * L::LANES) {
            let mut columns = [self.lanes.splat(0.0); CHUNK];
            for (column, row) in columns.iter_mut().zip(L::rows(chunk)) {
                *column = self.lanes.load(row);
            }
            carries.settle(&mut columns);
            for (row, column) in L::rows_mut(chunk).iter_mut().zip(columns) {
                self.lanes.store(row, column);
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "columns are small integers")]
fn check<L: Lanes>(lanes: L, base: Base) {
    const CHUNKS: usize = 8;

    let b = base.value();
    let len = CHUNKS * CHUNK * WIDTH * L::LANES;
    // What makes carries run on, stop, and come together, in runs of all lengths.
    let kinds = [b - 1, b, 0, 2 * b - 1, b - 2, 3 * b + 5, 4 * b - 1, 1, b - 1, b - 1, 2 * b - 2];
    let mut state = 1_u32;
    for round in 0..200 {
        let mut columns: Vec<f64> = Vec::new();
        while columns.len() < len {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let kind = kinds[(state >> 8) as usize % kinds.len()];
            let run = (state >> 16) as usize % if round % 2 == 0 { 4 } else { len };
            columns.extend(core::iter::repeat_n(kind as f64, run.clamp(1, len - columns.len())));
        }
        // Nothing is carried out at the end.
        columns[len - 1] = 0.0;
        let mut carry = 0;
        let expected: Vec<f64> = columns
            .iter()
            .map(|&column| {
                let sum = column as u64 + carry;
                carry = sum / b;
                (sum % b) as f64
            })
            .collect();
        let lanes = Wide::<L, WIDTH>(lanes);
        lanes.run(Settle { lanes, base, columns: &mut columns });
        assert!(columns == expected, "round {round}, {} lanes", L::LANES);
    }
}

#[test]
fn carries_run_through_all_columns() {
    for base in BASES {
        if let Some(lanes) = Avx2Fma::new() {
            check(lanes, base);
        }
        if let Some(lanes) = Avx512::new() {
            check(lanes, base);
        }
    }
}

struct AddTen<'a, L> {
    lanes: L,
    words: &'a mut [f64],
}

impl<L: Lanes> Op for AddTen<'_, L> {
    fn run(self) {
        for row in L::rows_mut(self.words) {
            let sum = self.lanes.add_where_negative(self.lanes.load(row), self.lanes.splat(10.0));
            self.lanes.store(row, sum);
        }
    }
}

/// An emulator that gets the sign of a sum of zeros wrong must not turn a residue of 0 into p.
#[test]
fn a_negative_zero_is_not_negative() {
    fn check<L: Lanes>(lanes: L) {
        let mut words = [-0.0, -1.0, 0.0, 1.0, -10.0, -0.0, f64::MIN_POSITIVE, -3.0];
        lanes.run(AddTen { lanes, words: &mut words });
        assert!(words == [0.0, 9.0, 0.0, 1.0, 0.0, 0.0, f64::MIN_POSITIVE, 7.0], "{words:?}");
    }
    if let Some(lanes) = Avx2Fma::new() {
        check(lanes);
    }
    if let Some(lanes) = Avx512::new() {
        check(lanes);
    }
}
