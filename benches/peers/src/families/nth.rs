//! `nth/N`: F(N) from nothing, and its text in a buffer that exists already. `nth-sweep/N`: the same for many more N,
//! with GMP as the only peer.

use std::rc::Rc;

use dashu_int::UBig;
use num_bigint::BigUint;
use rug::Integer;

use crate::contest::{Contest, Contestant, Measure};
use crate::gmp;
use crate::libraries::Library;

const INDICES: [u32; 6] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The highest index at which each of the other libraries takes no more than a few seconds.
const OTHERS_MOST: u32 = 1_000_000;

/// The number of indices in the sweep, from 10^3 to 10^7, with the same factor from each to the next.
const SWEEP: i32 = 40;

pub(crate) fn measures() -> Vec<Measure> {
    let chosen = INDICES.map(|index| Measure::new(format!("nth/{index}"), move || contest(index)));
    let sweep = (0..SWEEP).map(|at| {
        let index = 10_f64.powf(3.0 + 4.0 * f64::from(at) / f64::from(SWEEP - 1)).round() as u32;
        Measure::new(format!("nth-sweep/{index}"), move || beside_gmp(index, &digits(index)))
    });
    chosen.into_iter().chain(sweep).collect()
}

fn digits(index: u32) -> Rc<Vec<u8>> {
    Rc::new(Integer::from(Integer::fibonacci(index)).to_string().into_bytes())
}

fn beside_gmp(index: u32, expected: &Rc<Vec<u8>>) -> Contest {
    Contest::of(ours(index, expected)).against(raw(index, expected))
}

fn contest(index: u32) -> Contest {
    let expected = digits(index);
    let contest = beside_gmp(index, &expected);
    if index > OTHERS_MOST {
        return contest;
    }
    contest
        .against(library::<malachite::Natural>(index, &expected))
        .against(library::<BigUint>(index, &expected))
        .against(library::<UBig>(index, &expected))
}

fn ours(index: u32, expected: &Rc<Vec<u8>>) -> Contestant {
    let expected = Rc::clone(expected);
    let operation = move |out: &mut Vec<u8>| {
        let number = fib_core::Natural::fibonacci(index.into()).expect("memory");
        let _all = number.copy_digits(0, out);
    };
    Contestant::new("ours", vec![0; expected.len()], operation, move |out| *out == *expected)
}

/// `mpz_fib_ui` and `mpz_get_str`.
fn raw(index: u32, expected: &Rc<Vec<u8>>) -> Contestant {
    let expected = Rc::clone(expected);
    let operation = move |out: &mut Vec<u8>| gmp::write_digits(&Integer::from(Integer::fibonacci(index)), out);
    Contestant::new("gmp", vec![0; expected.len() + 8], operation, move |out| out.starts_with(&expected))
}

fn library<L: Library>(index: u32, expected: &Rc<Vec<u8>>) -> Contestant {
    let expected = Rc::clone(expected);
    let operation = move |out: &mut String| *out = by_doubling::<L>(index).text();
    Contestant::new(L::NAME, String::new(), operation, move |out| out.as_bytes() == *expected)
}

/// Computes F(index) by F(2k) = F(k)·(2F(k + 1) − F(k)) and F(2k + 1) = F(k)² + F(k + 1)², for each bit of the index from
/// the highest one down.
fn by_doubling<L: Library>(index: u32) -> L {
    let (mut f, mut next) = (L::from_limbs(&[]), L::from_limbs(&[1]));
    for bit in (0..u32::BITS - index.leading_zeros()).rev() {
        let mut even = next.clone();
        even.add(&next);
        even.sub(&f);
        let even = f.product(&even);
        let mut odd = f.product(&f);
        odd.add(&next.product(&next));
        (f, next) = (even, odd);
        if index >> bit & 1 == 1 {
            let mut after = f;
            after.add(&next);
            (f, next) = (next, after);
        }
    }
    f
}
