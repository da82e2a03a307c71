//! `text/N`: F(N) as decimal digits, in a buffer that exists already, or in a string that the library allocates.

use std::rc::Rc;

use dashu_int::UBig;
use fib_core::{Decimal, Natural};
use num_bigint::BigUint;
use rug::Integer;

use crate::contest::{Contest, Contestant, Measure};
use crate::gmp;
use crate::libraries::Library;

const INDICES: [u32; 3] = [1_000, 100_000, 1_000_000];

pub(crate) fn measures() -> Vec<Measure> {
    let measure = |index| Measure::new(format!("text/{index}"), move || contest(index));
    INDICES.map(measure).into()
}

fn contest(index: u32) -> Contest {
    let number = Integer::from(Integer::fibonacci(index));
    let limbs = number.to_limbs();
    let text = number.to_string();
    let decimal = || text.parse::<Natural>().expect("digits");
    let text = &Rc::new(text.clone().into_bytes());
    Contest::of(buffered("ours", text, decimal(), |number, out| {
        let _all = number.copy_digits(0, out);
    }))
    .against(raw(text, number.clone()))
    .against(library::<Integer>(text, &limbs))
    .against(library::<BigUint>(text, &limbs))
    .against(library::<UBig>(text, &limbs))
    .against(library::<malachite::Natural>(text, &limbs))
    .against(buffered("itoa", text, decimal(), |number, out| limb_by_limb(number.limbs(), out)))
    .against(buffered("memcpy", text, Rc::clone(text), |text, out| out.copy_from_slice(text)))
}

/// A contestant that writes exactly the digits.
fn buffered<N: 'static>(
    name: &'static str,
    text: &Rc<Vec<u8>>,
    number: N,
    write: impl Fn(&N, &mut [u8]) + 'static,
) -> Contestant {
    let expected = Rc::clone(text);
    let operation = move |(number, out): &mut (N, Vec<u8>)| write(number, out);
    Contestant::new(name, (number, vec![0; text.len()]), operation, move |(_, out)| *out == *expected)
}

/// `mpz_get_str` writes a zero byte after the digits.
fn raw(text: &Rc<Vec<u8>>, number: Integer) -> Contestant {
    let expected = Rc::clone(text);
    let state = (number, vec![0; text.len() + 3]);
    let operation = |(number, out): &mut (Integer, Vec<u8>)| gmp::write_digits(number, out);
    Contestant::new("gmp", state, operation, move |(_, out)| out.starts_with(&expected))
}

fn library<L: Library>(text: &Rc<Vec<u8>>, limbs: &[u64]) -> Contestant {
    let expected = Rc::clone(text);
    let state = (L::from_limbs(limbs), String::new());
    let operation = |(number, out): &mut (L, String)| *out = number.text();
    Contestant::new(L::NAME, state, operation, move |(_, out)| out.as_bytes() == *expected)
}

/// Writes each decimal limb by `itoa`. Every limb but the first is padded with zeros.
fn limb_by_limb(limbs: &[u64], out: &mut [u8]) {
    let mut buffer = itoa::Buffer::new();
    let mut end = 0;
    for (place, &limb) in limbs.iter().rev().enumerate() {
        let digits = buffer.format(limb).as_bytes();
        let zeros = if place == 0 { 0 } else { Decimal::LIMB_DIGITS - digits.len() };
        let (padding, rest) = out[end..].split_at_mut(zeros);
        padding.fill(b'0');
        rest[..digits.len()].copy_from_slice(digits);
        end += zeros + digits.len();
    }
}
