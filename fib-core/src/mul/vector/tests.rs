//! Carry propagation and the sign of zero, with every width of vectors.

use std::vec::Vec;

use super::carry::{CHUNK, Divisor, VectorCarries, WIDTH};
use super::combine::BASES;
use super::lanes::Lanes;
use super::lanes::wide::Wide;
use crate::arch::{Avx2Fma, Avx512};
use crate::mul::engine::Base;
use crate::mul::field::Op;

struct Propagate<'a, L> {
    lanes: L,
    base: Base,
    columns: &'a mut [f64],
}

impl<L: Lanes> Op for Propagate<'_, L> {
    fn run(self) {
        let mut carries = VectorCarries::new(Divisor::new(self.lanes, self.base));
        for chunk in self.columns.chunks_mut(CHUNK * L::LANES) {
            let mut columns = [self.lanes.splat(0.0); CHUNK];
            for (column, row) in columns.iter_mut().zip(L::rows(chunk)) {
                *column = self.lanes.load(row);
            }
            carries.propagate(&mut columns);
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
    // Columns that generate carries, pass them on and absorb them, in runs of all lengths.
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
        // The last column absorbs a carry.
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
        lanes.run(Propagate { lanes, base, columns: &mut columns });
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
    elements: &'a mut [f64],
}

impl<L: Lanes> Op for AddTen<'_, L> {
    fn run(self) {
        for row in L::rows_mut(self.elements) {
            let sum = self.lanes.add_where_negative(self.lanes.load(row), self.lanes.splat(10.0));
            self.lanes.store(row, sum);
        }
    }
}

/// An emulator that gets the sign of a sum of zeros wrong must not turn a residue of 0 into p.
#[test]
fn a_negative_zero_is_not_negative() {
    fn check<L: Lanes>(lanes: L) {
        let mut elements = [-0.0, -1.0, 0.0, 1.0, -10.0, -0.0, f64::MIN_POSITIVE, -3.0];
        lanes.run(AddTen { lanes, elements: &mut elements });
        assert!(elements == [0.0, 9.0, 0.0, 1.0, 0.0, 0.0, f64::MIN_POSITIVE, 7.0], "{elements:?}");
    }
    if let Some(lanes) = Avx2Fma::new() {
        check(lanes);
    }
    if let Some(lanes) = Avx512::new() {
        check(lanes);
    }
}
