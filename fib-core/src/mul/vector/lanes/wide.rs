//! Several vectors side by side. Their instructions are interleaved, so that the latency of a long chain of dependent
//! instructions is hidden: the CPU's own reordering window is too short for these chains.

use super::Lanes;
use crate::mul::field::Op;

/// `N` vectors of `L` as one.
#[derive(Clone, Copy)]
pub(in crate::mul::vector) struct Wide<L, const N: usize>(pub(in crate::mul::vector) L);

impl<L: Lanes, const N: usize> Wide<L, N> {
    #[inline(always)]
    fn zero(self) -> [L::Vector; N] {
        [self.0.splat(0.0); N]
    }
}

// Loops over arrays instead of `map`: the results of a closure would be spilled from the registers.
impl<L: Lanes, const N: usize> Lanes for Wide<L, N> {
    type Row = [L::Row; N];
    type Vector = [L::Vector; N];

    const LANES: usize = N * L::LANES;

    #[inline(always)]
    fn run(self, op: impl Op) {
        self.0.run(op);
    }

    #[inline(always)]
    fn rows(elements: &[f64]) -> &[Self::Row] {
        L::rows(elements).as_chunks().0
    }

    #[inline(always)]
    fn rows_mut(elements: &mut [f64]) -> &mut [Self::Row] {
        L::rows_mut(elements).as_chunks_mut().0
    }

    #[inline(always)]
    fn load(self, row: &Self::Row) -> Self::Vector {
        let mut x = self.zero();
        for i in 0..N {
            x[i] = self.0.load(&row[i]);
        }
        x
    }

    #[inline(always)]
    fn store(self, row: &mut Self::Row, x: Self::Vector) {
        for i in 0..N {
            self.0.store(&mut row[i], x[i]);
        }
    }

    #[inline(always)]
    fn splat(self, x: f64) -> Self::Vector {
        [self.0.splat(x); N]
    }

    #[inline(always)]
    fn add(self, mut a: Self::Vector, b: Self::Vector) -> Self::Vector {
        for i in 0..N {
            a[i] = self.0.add(a[i], b[i]);
        }
        a
    }

    #[inline(always)]
    fn sub(self, mut a: Self::Vector, b: Self::Vector) -> Self::Vector {
        for i in 0..N {
            a[i] = self.0.sub(a[i], b[i]);
        }
        a
    }

    #[inline(always)]
    fn mul(self, mut a: Self::Vector, b: Self::Vector) -> Self::Vector {
        for i in 0..N {
            a[i] = self.0.mul(a[i], b[i]);
        }
        a
    }

    #[inline(always)]
    fn div(self, mut a: Self::Vector, b: Self::Vector) -> Self::Vector {
        for i in 0..N {
            a[i] = self.0.div(a[i], b[i]);
        }
        a
    }

    #[inline(always)]
    fn mul_add(self, mut a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        for i in 0..N {
            a[i] = self.0.mul_add(a[i], b[i], c[i]);
        }
        a
    }

    #[inline(always)]
    fn mul_sub(self, mut a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        for i in 0..N {
            a[i] = self.0.mul_sub(a[i], b[i], c[i]);
        }
        a
    }

    #[inline(always)]
    fn sub_mul(self, mut c: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        for i in 0..N {
            c[i] = self.0.sub_mul(c[i], a[i], b[i]);
        }
        c
    }

    #[inline(always)]
    fn floor(self, mut x: Self::Vector) -> Self::Vector {
        for x in &mut x {
            *x = self.0.floor(*x);
        }
        x
    }

    #[inline(always)]
    fn at_least(self, a: Self::Vector, b: Self::Vector) -> u64 {
        let mut mask = 0;
        for i in 0..N {
            mask |= self.0.at_least(a[i], b[i]) << (i * L::LANES);
        }
        mask
    }

    #[inline(always)]
    fn add_where(self, mask: u64, mut x: Self::Vector, y: Self::Vector) -> Self::Vector {
        for i in 0..N {
            x[i] = self.0.add_where(mask >> (i * L::LANES), x[i], y[i]);
        }
        x
    }

    #[inline(always)]
    fn add_where_negative(self, mut x: Self::Vector, y: Self::Vector) -> Self::Vector {
        for i in 0..N {
            x[i] = self.0.add_where_negative(x[i], y[i]);
        }
        x
    }

    #[inline(always)]
    fn shift(self, before: Self::Vector, x: Self::Vector) -> Self::Vector {
        let mut y = x;
        y[0] = self.0.shift(before[N - 1], x[0]);
        for i in 1..N {
            y[i] = self.0.shift(x[i - 1], x[i]);
        }
        y
    }
}
