//! The doubling of a pair of Fibonacci and Lucas numbers by transforms. In between the numbers stay in the digits of the
//! transform: limbs are split into digits once, at the start, and digits joined to limbs once, at the end.

use super::Goal;
use super::digits;
use super::engine::{Base, Engine, Half, Word};
use super::field::Field;
use super::pair::Pair;
use super::roots::Roots;
use super::transform::{self, First, Products, Size};
use crate::limb::Limb;
use crate::radix::Decimal;

/// Words by which a buffer is longer than its transform: zeros that the last row of a number may run into.
const PADDING: usize = 40;

/// Words of a cache line; buffers begin with one.
const LINE: usize = 8;

/// The memory that doubling takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) base: Base,
    /// The largest transform that is needed.
    size: Size,
    /// Words from the digits of F to those of L.
    stride: usize,
}

impl Plan {
    /// For the products of F(`last`) and L(`last`) or L(`last` + 1); `None` where they are too long for every base, or for
    /// the roots of unity.
    ///
    /// Where the last product is F·L only, it does with less memory: see [`Numbers::single`].
    pub(super) fn new<F: Field>(last: u64, goal: Goal, bases: &[Base]) -> Option<Self> {
        // L(k) has a decimal digit more than F(k) at most, since L(k) < 3·F(k).
        let digits = |index: u64, base: Base| {
            let places = usize::try_from(Decimal::digits_for(index)).ok()?.checked_add(1)?;
            Some(places.div_ceil(base.places))
        };
        bases.iter().find_map(|&base| {
            let longest = digits(last.checked_add(1)?, base)?;
            let size = Size::at_least::<F>(longest.checked_mul(2)?)?;
            let before = Size::at_least::<F>(2 * digits(last / 2 + 1, base)?)?;
            let coefficients = match goal {
                Goal::Pair => size.coefficients::<F>(),
                Goal::Single { .. } => before.coefficients::<F>().max(size.coefficients::<F>() / 2),
            };
            let stride = coefficients.next_multiple_of(LINE) + PADDING;
            (longest as u64 <= base.longest).then_some(Self { base, size, stride })
        })
    }

    /// Words for the residues of a number modulo the second prime.
    fn residues<F: Field>(self) -> usize {
        self.size.coefficients::<F>() + PADDING
    }

    /// Words of memory.
    pub(super) fn words<F: Field>(self) -> usize {
        2 * self.stride + 2 * self.residues::<F>() + 2 * Roots::<F>::WORDS * self.size.roots::<F>() + LINE
    }
}

/// F(index) and L(index) in digits.
pub(super) struct Numbers<'a, E: Engine> {
    engine: E,
    roots: [Roots<'a, E::Field>; 2],
    index: u64,
    /// The digits of F, the lowest first, and those of L `stride` words on. While they are multiplied the residues modulo the
    /// first prime take their place.
    digits: &'a mut [Word<E>],
    stride: usize,
    /// The residues of both modulo the second prime.
    residues: [&'a mut [Word<E>]; 2],
    /// How many digits they have.
    len: [usize; 2],
}

impl<'a, E: Engine> Numbers<'a, E> {
    /// The same numbers as in `pair`, to be doubled in `space`, which has the words of the plan.
    pub(super) fn new(engine: E, plan: Plan, pair: &Pair<'_>, space: &'a mut [Word<E>]) -> Self {
        const { assert!(E::ROW < PADDING) };
        let skip = space.as_ptr().align_offset(LINE * size_of::<Word<E>>()).min(LINE);
        let (digits, space) = space[skip..].split_at_mut(2 * plan.stride);
        let (residues, space) = space.split_at_mut(2 * plan.residues::<E::Field>());
        let count = plan.size.roots::<E::Field>();
        let (first, second) = space.split_at_mut(Roots::<E::Field>::WORDS * count);
        let [field, field_2] = engine.fields();
        let [f, l] = pair.values();
        let places = engine.base().places;
        let len = [
            digits::split::<E::Field>(f, places, &mut digits[..plan.stride]),
            digits::split::<E::Field>(l, places, &mut digits[plan.stride..]),
        ];
        Self {
            engine,
            roots: [Roots::fill(field, first, count), Roots::fill(field_2, second, count)],
            index: pair.index(),
            digits,
            stride: plan.stride,
            residues: residues.split_at_mut(plan.residues::<E::Field>()).into(),
            len,
        }
    }

    /// Doubles the index until it is `to`, of which it has the first bits.
    pub(super) fn double_up_to(&mut self, to: u64) {
        for shift in (0..self.index.leading_zeros() - to.leading_zeros()).rev() {
            self.double();
            if to >> shift & 1 == 1 {
                self.halve(Half::Both);
                self.index += 1;
            }
        }
    }

    /// F(2k), or with `odd` F(2k + 1) = F(k)·L(k+1) + (−1)^k, for the index k.
    ///
    /// The residues of F modulo the first prime may take the place of the digits of both, since those of L are written where
    /// its residues modulo the second prime are no longer needed.
    pub(super) fn single(mut self, odd: bool, out: &mut [Limb]) {
        if odd {
            self.halve(Half::FiveFold);
        }
        let size = self.prepare();
        let [len, l_len] = self.len;
        let levels = size.levels::<E::Field>();
        let [field, field_2] = self.engine.fields();
        let [roots, roots_2] = &self.roots;
        let [f_residues, l_residues] = &mut self.residues;
        let coefficients = size.coefficients::<E::Field>();
        let f_residues = &mut E::Field::rows_mut(f_residues)[..coefficients / E::Field::LANES];
        let l_residues = &mut E::Field::rows_mut(l_residues)[..coefficients / E::Field::LANES];
        let (f, l) = self.digits.split_at_mut(self.stride);
        let [f, l] = [f, l].map(|digits| Some(E::Field::rows(digits)));
        field_2.run(First { field: field_2, digits: f, to: f_residues, roots: roots_2, size });
        field_2.run(First { field: field_2, digits: l, to: l_residues, roots: roots_2, size });
        transform::multiply(field_2, size, roots_2, f_residues, l_residues, Products::One);
        field.run(First { field, digits: l, to: l_residues, roots, size });
        let f = &mut E::Field::rows_mut(self.digits)[..coefficients / E::Field::LANES];
        field.run(First { field, digits: None, to: f, roots, size });
        transform::multiply(field, size, roots, f, l_residues, Products::One);
        self.combine(0, len + l_len, levels);
        if odd {
            self.adjust(0, 1, self.index.is_multiple_of(2));
        }
        self.join(0, out);
    }

    /// F(2k) and F(2k + 1) for the index k.
    pub(super) fn pair(mut self, [even, odd]: [&mut [Limb]; 2]) {
        self.double();
        self.halve(Half::Sum);
        self.join(0, even);
        self.join(1, odd);
    }

    /// F(2k) = F(k)·L(k), L(2k) = L(k)² − 2·(−1)^k.
    fn double(&mut self) {
        let size = self.prepare();
        let rows = size.coefficients::<E::Field>() / E::Field::LANES;
        let [field, field_2] = self.engine.fields();
        let [roots, roots_2] = &self.roots;
        let (f, l) = self.digits.split_at_mut(self.stride);
        let [f, l] = [f, l].map(|digits| &mut E::Field::rows_mut(digits)[..rows]);
        let [f_2, l_2] = self.residues.each_mut().map(|residues| &mut E::Field::rows_mut(residues)[..rows]);
        for (digits, to) in [(&*f, &mut *f_2), (&*l, &mut *l_2)] {
            field_2.run(First { field: field_2, digits: Some(digits), to, roots: roots_2, size });
        }
        transform::multiply(field_2, size, roots_2, f_2, l_2, Products::Both);
        for to in [&mut *f, &mut *l] {
            field.run(First { field, digits: None, to, roots, size });
        }
        transform::multiply(field, size, roots, f, l, Products::Both);
        let levels = size.levels::<E::Field>();
        let [f_len, l_len] = self.len;
        self.combine(0, f_len + l_len, levels);
        self.combine(1, 2 * l_len, levels);
        self.adjust(1, 2, !self.index.is_multiple_of(2));
        self.index *= 2;
    }

    /// The size for the products of both numbers; fills up their digits with zeros to half of it.
    fn prepare(&mut self) -> Size {
        let longest = self.len[0].max(self.len[1]);
        let size = Size::at_least::<E::Field>(2 * longest).expect("the plan's size is as large");
        let half = size.coefficients::<E::Field>() / 2;
        for which in 0..2 {
            let len = self.len[which];
            self.number(which)[len..half].fill(E::Field::word(0));
        }
        size
    }

    /// The digits of F, or those of L, and what comes after them.
    fn number(&mut self, which: usize) -> &mut [Word<E>] {
        &mut self.digits[which * self.stride..]
    }

    /// From the residues of a product to at most `len` digits.
    fn combine(&mut self, which: usize, len: usize, levels: usize) {
        let words = len.next_multiple_of(E::ROW);
        let digits = &mut self.digits[which * self.stride..][..words];
        self.engine.combine([digits, &mut self.residues[which][..words]], levels);
        self.len[which] = digits::significant::<E::Field>(digits);
    }

    fn halve(&mut self, half: Half) {
        // L(k+1) < 3·L(k) may have a digit more.
        let words = (self.len[1] + 1).next_multiple_of(E::ROW);
        for which in 0..2 {
            let len = self.len[which];
            self.number(which)[len..=words].fill(E::Field::word(0));
        }
        let (f, l) = self.digits.split_at_mut(self.stride);
        let [f, l] = [&mut f[..=words], &mut l[..=words]];
        self.engine.halve(f, l, half);
        self.len = [f, l].map(|digits| digits::significant::<E::Field>(&digits[..words]));
    }

    /// Adds a small number, or subtracts it; the result is neither negative nor has it more digits.
    fn adjust(&mut self, which: usize, mut amount: u64, up: bool) {
        let base = self.engine.base().value();
        let len = self.len[which];
        let digits = &mut self.number(which)[..len];
        for word in &mut *digits {
            let digit = E::Field::value(*word);
            let (result, carries) = if up {
                let sum = digit + amount;
                (if sum < base { sum } else { sum - base }, sum >= base)
            } else {
                let enough = digit >= amount;
                (if enough { digit - amount } else { digit + base - amount }, !enough)
            };
            *word = E::Field::word(result);
            if !carries {
                break;
            }
            amount = 1;
        }
        self.len[which] = digits::significant::<E::Field>(digits);
    }

    fn join(&mut self, which: usize, out: &mut [Limb]) {
        let places = self.engine.base().places;
        let len = self.len[which];
        digits::join::<E::Field>(&self.number(which)[..len], places, out);
    }
}
