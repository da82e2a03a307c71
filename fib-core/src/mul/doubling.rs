//! The doubling of a pair of Fibonacci and Lucas numbers by transforms. In between the numbers stay in the digits of the
//! transform: limbs are split into digits once, at the start, and digits joined to limbs once, at the end.

use super::basecase::Pair;
use super::digits;
use super::engine::{Base, Engine, Half, Word};
use super::field::Field;
use super::transform::{self, First, Products, Roots, Size};
use crate::limb::Limb;
use crate::radix::Decimal;

/// Words by which a buffer is longer than its transform: zeros that the last row of a number may run into.
const PADDING: usize = 16;

/// Words of a cache line; buffers begin with one.
const LINE: usize = 8;

/// The memory that doubling takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) base: Base,
    /// The size of the largest transform.
    size: Size,
}

impl Plan {
    /// For numbers up to the factors F(`last`) and L(`last` + 1); `None` where they are too long for every base, or for
    /// the roots of unity.
    pub(super) fn new<F: Field>(last: u64, bases: &[Base]) -> Option<Self> {
        // L(k) has a decimal digit more than F(k) at most, since L(k) < 3·F(k).
        let places = Decimal::digits_for(last.checked_add(1)?).checked_add(1)?;
        bases.iter().find_map(|&base| {
            let digits = places.div_ceil(base.places);
            let size = Size::at_least::<F>(digits.checked_mul(2)?)?;
            (digits as u64 <= base.longest).then_some(Self { base, size })
        })
    }

    fn buffer<F: Field>(self) -> usize {
        self.size.coefficients::<F>() + PADDING
    }

    /// Words of memory.
    pub(super) fn words<F: Field>(self) -> usize {
        4 * self.buffer::<F>() + 2 * Roots::<F>::WORDS * self.size.roots::<F>() + LINE
    }
}

/// F(index) and L(index) in digits.
pub(super) struct Numbers<'a, E: Engine> {
    engine: E,
    roots: [Roots<'a, E::Field>; 2],
    index: u64,
    f: Number<'a, E>,
    l: Number<'a, E>,
}

impl<'a, E: Engine> Numbers<'a, E> {
    /// The same numbers as in `pair`, to be doubled in `space`, which has the words of the plan.
    pub(super) fn new(engine: E, plan: Plan, pair: &Pair<'_>, space: &'a mut [Word<E>]) -> Self {
        let skip = space.as_ptr().align_offset(LINE * size_of::<Word<E>>()).min(LINE);
        let (buffers, tables) = space[skip..].split_at_mut(4 * plan.buffer::<E::Field>());
        let count = plan.size.roots::<E::Field>();
        let (first, second) = tables.split_at_mut(Roots::<E::Field>::WORDS * count);
        let [field, field_2] = engine.fields();
        let (f, l) = buffers.split_at_mut(buffers.len() / 2);
        let [f_limbs, l_limbs] = pair.values();
        Self {
            engine,
            roots: [Roots::fill(field, first, count), Roots::fill(field_2, second, count)],
            index: pair.index(),
            f: Number::new(engine, f_limbs, f),
            l: Number::new(engine, l_limbs, l),
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

    /// F(2k) = F(k)·L(k), L(2k) = L(k)² − 2·(−1)^k.
    fn double(&mut self) {
        self.multiply(Products::Both);
        self.l.adjust(self.engine, 2, !self.index.is_multiple_of(2));
        self.index *= 2;
    }

    /// F(2k), or with `odd` F(2k + 1) = F(k)·L(k+1) + (−1)^k, for the index k.
    pub(super) fn single(mut self, odd: bool, out: &mut [Limb]) {
        if odd {
            self.halve(Half::FiveFold);
        }
        self.multiply(Products::One);
        if odd {
            self.f.adjust(self.engine, 1, self.index.is_multiple_of(2));
        }
        self.f.join(self.engine, out);
    }

    /// F(2k) and F(2k + 1) for the index k.
    pub(super) fn pair(mut self, [even, odd]: [&mut [Limb]; 2]) {
        self.double();
        self.halve(Half::Sum);
        self.f.join(self.engine, even);
        self.l.join(self.engine, odd);
    }

    /// The product of both numbers in the place of F; with [`Products::Both`] also the square of L in its place.
    fn multiply(&mut self, products: Products) {
        let [f, l] = [&mut self.f, &mut self.l];
        let lens = [f.len + l.len, 2 * l.len];
        let size = Size::at_least::<E::Field>(2 * f.len.max(l.len)).expect("the plan's size is as large");
        let coefficients = size.coefficients::<E::Field>();
        let fields = self.engine.fields();
        for number in [&mut *f, &mut *l] {
            number.digits[number.len..coefficients / 2].fill(E::Field::word(0));
            fields[0].run(First {
                field: fields[0],
                x: E::Field::rows_mut(&mut number.digits[..coefficients]),
                to: E::Field::rows_mut(&mut number.residues[..coefficients]),
                second: fields[1],
                roots: &self.roots,
                levels: transform::outer_levels(size),
            });
        }
        let residues = [[&mut *f.digits, &mut *l.digits], [&mut *f.residues, &mut *l.residues]];
        for ((field, roots), residues) in fields.into_iter().zip(&self.roots).zip(residues) {
            let [f, l] = residues.map(|words| E::Field::rows_mut(&mut words[..coefficients]));
            transform::multiply(field, size, roots, f, l, products);
        }
        let levels = size.levels::<E::Field>();
        f.combine(self.engine, levels, lens[0]);
        if products == Products::Both {
            l.combine(self.engine, levels, lens[1]);
        }
    }

    fn halve(&mut self, half: Half) {
        // L(k+1) < 3·L(k) may have a digit more.
        let words = (self.l.len + 1).next_multiple_of(E::Field::LANES);
        let [f, l] = [&mut self.f, &mut self.l];
        for number in [&mut *f, &mut *l] {
            number.digits[number.len..=words].fill(E::Field::word(0));
        }
        self.engine.halve(&mut f.digits[..=words], &mut l.digits[..=words], half);
        for number in [f, l] {
            number.len = digits::significant::<E::Field>(&number.digits[..words]);
        }
    }
}

/// A number, and its residues while it is multiplied.
struct Number<'a, E: Engine> {
    /// Digits, the lowest first; the residues modulo the first prime.
    digits: &'a mut [Word<E>],
    /// The residues modulo the second prime.
    residues: &'a mut [Word<E>],
    len: usize,
}

impl<'a, E: Engine> Number<'a, E> {
    fn new(engine: E, limbs: &[Limb], space: &'a mut [Word<E>]) -> Self {
        let (digits, residues) = space.split_at_mut(space.len() / 2);
        let len = digits::split::<E::Field>(limbs, engine.base().places, digits);
        Self { digits, residues, len }
    }

    /// From residues to at most `len` digits.
    fn combine(&mut self, engine: E, levels: usize, len: usize) {
        let words = len.next_multiple_of(E::Field::LANES);
        engine.combine([&mut self.digits[..words], &mut self.residues[..words]], levels);
        self.len = digits::significant::<E::Field>(&self.digits[..words]);
    }

    /// Adds a small number, or subtracts it; the result is neither negative nor has it more digits.
    fn adjust(&mut self, engine: E, mut amount: u64, up: bool) {
        let base = engine.base().value();
        for word in &mut self.digits[..self.len] {
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
        self.len = digits::significant::<E::Field>(&self.digits[..self.len]);
    }

    fn join(&self, engine: E, out: &mut [Limb]) {
        digits::join::<E::Field>(&self.digits[..self.len], engine.base().places, out);
    }
}
