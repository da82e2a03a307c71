//! `add/RADIX/LIMBS`: `a += b` for operands of `LIMBS` limbs. The peers add binary limbs for both radices.

use std::rc::Rc;

use dashu_int::UBig;
use fib_benches::data::{self, BINARY, DECIMAL, naive_sum, random_limbs};
use fib_core::{Natural, Radix};
use num_bigint::BigUint;
use rug::Integer;

use crate::contest::{Contest, Contestant, Measure};
use crate::gmp;
use crate::libraries::Library;

const LENGTHS: [usize; 9] = [4, 8, 16, 32, 256, 2_048, 10_848, 108_480, 1_084_800];

pub(crate) fn measures() -> Vec<Measure> {
    let binary = LENGTHS.map(|len| {
        Measure::new(format!("add/binary/{len}"), move || {
            contest(ours(Operands::random(len, BINARY), data::binary), len)
        })
    });
    let decimal = LENGTHS.map(|len| {
        Measure::new(format!("add/decimal/{len}"), move || {
            contest(ours(Operands::random(len, DECIMAL), data::decimal), len)
        })
    });
    binary.into_iter().chain(decimal).collect()
}

struct Operands {
    a: Vec<u64>,
    b: Vec<u64>,
    /// The sum by the plainest loop.
    sum: Rc<Vec<u64>>,
}

impl Operands {
    fn random(len: usize, base: u128) -> Self {
        let [a, b] = [1, 2].map(|seed| random_limbs(seed, len, base));
        let sum = Rc::new(naive_sum(&a, &b, base));
        Self { a, b, sum }
    }
}

fn contest(ours: Contestant, len: usize) -> Contest {
    let operands = Operands::random(len, BINARY);
    Contest::of(ours)
        .against(raw(&operands))
        .against(library::<Integer>(&operands))
        .against(library::<BigUint>(&operands))
        .against(library::<UBig>(&operands))
        .against(library::<malachite::Natural>(&operands))
}

fn ours<R: Radix + 'static>(operands: Operands, number: fn(&[u64]) -> Natural<R>) -> Contestant {
    let Operands { a, b, sum } = operands;
    let add = |(a, b): &mut (Natural<R>, Natural<R>)| a.try_add_assign(b).expect("memory");
    Contestant::new("ours", (number(&a), number(&b)), add, move |(a, _)| a.limbs() == *sum)
}

fn raw(operands: &Operands) -> Contestant {
    let sum = Rc::clone(&operands.sum);
    let state = (operands.a.clone(), operands.b.clone());
    let add = |(a, b): &mut (Vec<u64>, Vec<u64>)| {
        gmp::add_in_place(a, b);
    };
    Contestant::new("gmp", state, add, move |(a, _)| *a == *sum)
}

fn library<L: Library>(operands: &Operands) -> Contestant {
    let sum = Rc::clone(&operands.sum);
    let state = (L::from_limbs(&operands.a), L::from_limbs(&operands.b));
    Contestant::new(L::NAME, state, |(a, b): &mut (L, L)| a.add(b), move |(a, _)| a.to_limbs() == *sum)
}
