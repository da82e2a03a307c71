//! The halved sums of two numbers, a chunk of rows at a time.

use super::carry::{CHUNK, Divisor, VectorCarries};
use super::lanes::Lanes;
use crate::mul::engine::{Base, HalvedSum};
use crate::mul::field::Op;

/// See [`Engine::halve`](crate::mul::engine::Engine::halve).
pub(super) struct Halve<'a, L: Lanes> {
    pub(super) lanes: L,
    pub(super) base: Base,
    pub(super) f: &'a mut [f64],
    pub(super) l: &'a mut [f64],
    pub(super) which: HalvedSum,
}

/// Half of the sum of row `i` of two numbers.
#[inline(always)]
fn half_sum<L: Lanes>(lanes: L, x: &[f64], y: &[f64], i: usize) -> L::Vector {
    let sum = lanes.add(lanes.load(&L::rows(x)[i]), lanes.load(&L::rows(y)[i]));
    lanes.mul(sum, lanes.splat(0.5))
}

impl<L: Lanes> Op for Halve<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self { lanes, base, f, l, which } = self;
        let divisor = Divisor::new(lanes, base);
        let (mut sums, mut fivefold) = (VectorCarries::new(divisor), VectorCarries::new(divisor));
        let rows = L::rows(f).len();
        for from in (0..rows).step_by(CHUNK) {
            let count = CHUNK.min(rows - from);
            let mut columns = [lanes.splat(0.0); CHUNK];
            let mut doubled = [lanes.splat(0.0); CHUNK];
            let start = from * L::LANES;
            for (i, column) in columns[..count].iter_mut().enumerate() {
                let here = half_sum(lanes, &f[start..], &l[start..], i);
                let next = half_sum(lanes, &f[start + 1..], &l[start + 1..], i);
                // Where the sum of the next coefficients is odd, half of the base goes to this column.
                let odd = lanes.sub(next, lanes.floor(next));
                *column = lanes.mul_add(odd, divisor.base, lanes.floor(here));
                let x = lanes.load(&L::rows(&f[start..])[i]);
                doubled[i] = lanes.add(x, x);
            }
            sums.propagate(&mut columns);
            // (5F + L)/2 = (F + L)/2 + 2F
            for (doubled, &column) in doubled.iter_mut().zip(&columns) {
                *doubled = lanes.add(*doubled, column);
            }
            if which != HalvedSum::Sum {
                fivefold.propagate(&mut doubled);
            }
            for i in 0..count {
                if which == HalvedSum::Both {
                    lanes.store(&mut L::rows_mut(&mut f[start..])[i], columns[i]);
                }
                let x = if which == HalvedSum::Sum { columns[i] } else { doubled[i] };
                lanes.store(&mut L::rows_mut(&mut l[start..])[i], x);
            }
        }
    }
}
