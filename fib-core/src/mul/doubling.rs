//! The doubling of a pair of Fibonacci and Lucas numbers by transforms. Meanwhile the numbers consist of the coefficients of
//! the transforms: limbs are regrouped into coefficients once, at the start, and coefficients into limbs once, at the end.

use super::engine::{Element, Engine, HalvedSum};
use super::field::Field;
use super::goal::Admit;
use super::pair::FibonacciLucas;
use super::plan::{LINE, PADDING, Plan};
use super::regroup;
use super::roots::RootTables;
use super::shape::{Products, Size};
use super::transform::{self, OuterForward};
use crate::error::Exhausted;
use crate::limb::Limb;

/// F(index) and L(index) as coefficients, in one block of memory:
///
/// ```text
/// | F  ...  | L  ...  | residues[0]  ...  | residues[1]  ...  | roots[0] | roots[1] |
///   stride    stride    size + PADDING      size + PADDING
/// ```
///
/// The residues modulo the first prime are computed in the place of the coefficients.
pub(super) struct Numbers<'a, E: Engine> {
    engine: E,
    /// The roots modulo the first and the second prime.
    roots: [RootTables<'a, E::Field>; 2],
    index: u64,
    /// The coefficients of F, the lowest first, and from element `stride` on those of L.
    coefficients: &'a mut [Element<E>],
    stride: usize,
    /// The residues of both numbers modulo the second prime.
    residues: [&'a mut [Element<E>]; 2],
    /// How many coefficients F and L have.
    len: [usize; 2],
}

impl<'a, E: Engine> Numbers<'a, E> {
    /// The numbers of `pair`, to be doubled in `space`, which has as many elements as the plan says.
    pub(super) fn new(engine: E, plan: Plan, pair: &FibonacciLucas<'_>, space: &'a mut [Element<E>]) -> Self {
        const { assert!(E::STEP < PADDING) };
        // `align_offset` may return `usize::MAX`, and then the buffers begin anywhere: alignment only makes them faster.
        let skip = space.as_ptr().align_offset(LINE * size_of::<Element<E>>()).min(LINE);
        let (coefficients, space) = space[skip..].split_at_mut(2 * plan.stride);
        let (residues, space) = space.split_at_mut(2 * plan.residues::<E::Field>());
        let count = plan.size.roots::<E::Field>();
        let (first, second) = space.split_at_mut(RootTables::<E::Field>::ELEMENTS * count);
        let [field, field_2] = engine.fields();
        let [f, l] = pair.values();
        let digits = engine.base().digits;
        let len = [
            regroup::to_coefficients::<E::Field>(f, digits, &mut coefficients[..plan.stride]),
            regroup::to_coefficients::<E::Field>(l, digits, &mut coefficients[plan.stride..]),
        ];
        Self {
            engine,
            roots: [RootTables::fill(field, first, count), RootTables::fill(field_2, second, count)],
            index: pair.index(),
            coefficients,
            stride: plan.stride,
            residues: residues.split_at_mut(plan.residues::<E::Field>()).into(),
            len,
        }
    }

    /// Doubles the index until it is `to`. The bits of the index are a prefix of those of `to`.
    pub(super) fn double_up_to(&mut self, to: u64, admit: Admit<'_>) -> Result<(), Exhausted> {
        for shift in (0..self.index.leading_zeros() - to.leading_zeros()).rev() {
            self.double(admit)?;
            if to >> shift & 1 == 1 {
                self.halve(HalvedSum::Both);
                self.index += 1;
            }
        }
        Ok(())
    }

    /// Writes F(2k), or with `odd` F(2k + 1) = F(k)·L(k+1) + (−1)^k, for the index k.
    ///
    /// Only F·L is computed, so `residues[1]` is free after the product modulo the second prime. L is transformed into it
    /// modulo the first prime, and the residues of F take the place of the coefficients of both numbers. So the buffer of the
    /// coefficients has only half of the transform's size for each number.
    ///
    /// ```text
    ///                        coefficients       residues[0]    residues[1]
    ///                        F         L
    /// forward, prime 2       F         L        F mod p2       L mod p2
    /// multiply               F         L        F·L mod p2     free
    /// forward, prime 1: L    F         free     F·L mod p2     L mod p1
    /// forward, prime 1: F    F mod p1           F·L mod p2     L mod p1
    /// multiply               F·L mod p1         F·L mod p2     free
    /// combine                F·L                free           free
    /// ```
    pub(super) fn single(mut self, odd: bool, out: &mut [Limb], admit: Admit<'_>) -> Result<(), Exhausted> {
        if odd {
            self.halve(HalvedSum::FiveFold);
        }
        let size = self.prepare();
        let [len, l_len] = self.len;
        let levels = size.levels::<E::Field>();
        let [field, field_2] = self.engine.fields();
        let [roots, roots_2] = &self.roots;
        let [f_residues, l_residues] = &mut self.residues;
        let rows = size.coefficients::<E::Field>() / E::Field::LANES;
        let f_residues = &mut E::Field::rows_mut(f_residues)[..rows];
        let l_residues = &mut E::Field::rows_mut(l_residues)[..rows];
        let (f, l) = self.coefficients.split_at_mut(self.stride);
        let [f, l] = [f, l].map(|coefficients| Some(E::Field::rows(coefficients)));
        admit(0)?;
        field_2.run(OuterForward { field: field_2, input: f, to: f_residues, roots: roots_2, size });
        field_2.run(OuterForward { field: field_2, input: l, to: l_residues, roots: roots_2, size });
        transform::multiply(field_2, size, roots_2, f_residues, l_residues, Products::One);
        admit(0)?;
        field.run(OuterForward { field, input: l, to: l_residues, roots, size });
        let f = &mut E::Field::rows_mut(self.coefficients)[..rows];
        field.run(OuterForward { field, input: None, to: f, roots, size });
        transform::multiply(field, size, roots, f, l_residues, Products::One);
        self.combine(0, len + l_len, levels);
        if odd {
            self.adjust(0, 1, self.index.is_multiple_of(2));
        }
        self.write_limbs(0, out);
        Ok(())
    }

    /// Writes F(2k) and F(2k + 1) for the index k.
    pub(super) fn pair(mut self, [even, odd]: [&mut [Limb]; 2], admit: Admit<'_>) -> Result<(), Exhausted> {
        self.double(admit)?;
        self.halve(HalvedSum::Sum);
        self.write_limbs(0, even);
        self.write_limbs(1, odd);
        Ok(())
    }

    /// F(2k) = F(k)·L(k), L(2k) = L(k)² − 2·(−1)^k.
    fn double(&mut self, admit: Admit<'_>) -> Result<(), Exhausted> {
        let size = self.prepare();
        let rows = size.coefficients::<E::Field>() / E::Field::LANES;
        let [field, field_2] = self.engine.fields();
        let [roots, roots_2] = &self.roots;
        let (f, l) = self.coefficients.split_at_mut(self.stride);
        let [f, l] = [f, l].map(|coefficients| &mut E::Field::rows_mut(coefficients)[..rows]);
        let [f_2, l_2] = self.residues.each_mut().map(|residues| &mut E::Field::rows_mut(residues)[..rows]);
        admit(0)?;
        for (input, to) in [(&*f, &mut *f_2), (&*l, &mut *l_2)] {
            field_2.run(OuterForward { field: field_2, input: Some(input), to, roots: roots_2, size });
        }
        transform::multiply(field_2, size, roots_2, f_2, l_2, Products::Both);
        admit(0)?;
        for to in [&mut *f, &mut *l] {
            field.run(OuterForward { field, input: None, to, roots, size });
        }
        transform::multiply(field, size, roots, f, l, Products::Both);
        let levels = size.levels::<E::Field>();
        let [f_len, l_len] = self.len;
        self.combine(0, f_len + l_len, levels);
        self.combine(1, 2 * l_len, levels);
        self.adjust(1, 2, !self.index.is_multiple_of(2));
        self.index *= 2;
        Ok(())
    }

    /// The size for the products of both numbers. Fills their coefficients with zeros up to half of it.
    fn prepare(&mut self) -> Size {
        let longest = self.len[0].max(self.len[1]);
        let size = Size::at_least::<E::Field>(2 * longest).expect("the plan's size is as large");
        let half = size.coefficients::<E::Field>() / 2;
        for which in 0..2 {
            let len = self.len[which];
            self.number(which)[len..half].fill(E::Field::element(0));
        }
        size
    }

    /// The coefficients of F, or those of L, and all elements after them.
    fn number(&mut self, which: usize) -> &mut [Element<E>] {
        &mut self.coefficients[which * self.stride..]
    }

    /// From the residues of a product to its coefficients, at most `len`.
    fn combine(&mut self, which: usize, len: usize, levels: usize) {
        let elements = len.next_multiple_of(E::STEP);
        let coefficients = &mut self.coefficients[which * self.stride..][..elements];
        self.engine.combine([coefficients, &mut self.residues[which][..elements]], levels);
        self.len[which] = regroup::coefficient_count::<E::Field>(coefficients);
    }

    /// Halved sums of F and L in their places.
    fn halve(&mut self, which: HalvedSum) {
        // L(k+1) < 3·L(k) may have one coefficient more.
        let elements = (self.len[1] + 1).next_multiple_of(E::STEP);
        for which in 0..2 {
            let len = self.len[which];
            self.number(which)[len..=elements].fill(E::Field::element(0));
        }
        let (f, l) = self.coefficients.split_at_mut(self.stride);
        let [f, l] = [&mut f[..=elements], &mut l[..=elements]];
        self.engine.halve(f, l, which);
        self.len = [f, l].map(|coefficients| regroup::coefficient_count::<E::Field>(&coefficients[..elements]));
    }

    /// Adds a small number, or subtracts it. The result is not negative, and has no more coefficients.
    fn adjust(&mut self, which: usize, mut amount: u64, up: bool) {
        let base = self.engine.base().value();
        let len = self.len[which];
        let coefficients = &mut self.number(which)[..len];
        for element in &mut *coefficients {
            let coefficient = E::Field::value(*element);
            let (result, carries) = if up {
                let sum = coefficient + amount;
                (if sum < base { sum } else { sum - base }, sum >= base)
            } else {
                let enough = coefficient >= amount;
                (if enough { coefficient - amount } else { coefficient + base - amount }, !enough)
            };
            *element = E::Field::element(result);
            if !carries {
                break;
            }
            amount = 1;
        }
        self.len[which] = regroup::coefficient_count::<E::Field>(coefficients);
    }

    /// Writes F or L as limbs, with zeros up to the end of `out`.
    fn write_limbs(&mut self, which: usize, out: &mut [Limb]) {
        let digits = self.engine.base().digits;
        let len = self.len[which];
        regroup::to_limbs::<E::Field>(&self.number(which)[..len], digits, out);
    }
}
