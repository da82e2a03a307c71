//! `steps/RADIX/N`: all steps from F(0) to F(N), without text.

use std::mem;
use std::rc::Rc;

use dashu_int::UBig;
use fib_core::{Binary, Decimal, Fibonacci, Natural, Radix};
use num_bigint::BigUint;
use rug::Integer;

use crate::contest::{Contest, Contestant, Measure};
use crate::gmp;
use crate::libraries::Library;

const INDEX: u32 = 1_000_000;

pub(crate) fn measures() -> Vec<Measure> {
    let binary = Measure::new(format!("steps/binary/{INDEX}"), || {
        let limbs = expected().to_limbs();
        contest(ours::<Binary>(move |number| number.limbs() == limbs))
    });
    let decimal = Measure::new(format!("steps/decimal/{INDEX}"), || {
        let text = expected().to_string();
        contest(ours::<Decimal>(move |number| number.to_string() == text))
    });
    vec![binary, decimal]
}

/// F(INDEX), computed by GMP.
fn expected() -> Integer {
    Integer::fibonacci(INDEX).into()
}

fn contest(ours: Contestant) -> Contest {
    let limbs = Rc::new(expected().to_limbs());
    Contest::of(ours)
        .against(raw(Rc::clone(&limbs)))
        .against(library::<Integer>(Rc::clone(&limbs)))
        .against(library::<BigUint>(Rc::clone(&limbs)))
        .against(library::<UBig>(Rc::clone(&limbs)))
        .against(library::<malachite::Natural>(limbs))
}

fn ours<R: Radix + 'static>(correct: impl Fn(&Natural<R>) -> bool + 'static) -> Contestant {
    let walk = |fibonacci: &mut Fibonacci<R>| {
        *fibonacci = Fibonacci::new();
        while fibonacci.index() < u64::from(INDEX) {
            fibonacci.advance().expect("memory");
        }
        fibonacci.peek().expect("memory");
    };
    let correct = move |fibonacci: &mut Fibonacci<R>| fibonacci.peek().is_ok_and(&correct);
    Contestant::new("ours", Fibonacci::new(), walk, correct)
}

/// A loop over two vectors of limbs with `mpn_add_n`, and nothing else.
fn raw(limbs: Rc<Vec<u64>>) -> Contestant {
    let walk = |state: &mut Vec<u64>| {
        let room = Binary::limbs_for(INDEX.into());
        let mut previous = Vec::with_capacity(room);
        let mut current = Vec::with_capacity(room);
        previous.push(1);
        current.push(0);
        for _ in 0..INDEX {
            // The last sum may be one limb longer.
            previous.resize(current.len(), 0);
            if gmp::add_in_place(&mut previous, &current) {
                previous.push(1);
            }
            mem::swap(&mut previous, &mut current);
        }
        *state = current;
    };
    Contestant::new("gmp", Vec::new(), walk, move |state| *state == *limbs)
}

fn library<L: Library>(limbs: Rc<Vec<u64>>) -> Contestant {
    let walk = |state: &mut L| {
        let (mut previous, mut current) = (L::from_limbs(&[1]), L::from_limbs(&[]));
        for _ in 0..INDEX {
            previous.add(&current);
            mem::swap(&mut previous, &mut current);
        }
        *state = current;
    };
    Contestant::new(L::NAME, L::from_limbs(&[]), walk, move |state| state.to_limbs() == *limbs)
}
