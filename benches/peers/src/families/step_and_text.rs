//! `step-and-text/N`: F(N) by one addition, and its text. This is the work of a server for one request.

use std::rc::Rc;

use dashu_int::UBig;
use fib_core::Natural;
use num_bigint::BigUint;
use rug::Integer;

use crate::contest::{Contest, Contestant, Measure};
use crate::gmp;
use crate::libraries::Library;

const INDICES: [u32; 3] = [1_000, 100_000, 1_000_000];

/// F(N - 1) is added to F(N - 2) repeatedly. After this many additions the sum starts again from F(N - 2), before it has
/// grown by more than two digits.
const RESET: u32 = 64;

pub(crate) fn measures() -> Vec<Measure> {
    let measure = |index| Measure::new(format!("step-and-text/{index}"), move || contest(index));
    INDICES.map(measure).into()
}

fn contest(index: u32) -> Contest {
    let [first, second, third] = [index - 2, index - 1, index].map(|index| Integer::from(Integer::fibonacci(index)));
    let text = &Rc::new(third.to_string().into_bytes());
    Contest::of(ours(text, &first, &second))
        .against(raw(text, &first, &second))
        .against(library::<Integer>(text, &first, &second))
        .against(library::<BigUint>(text, &first, &second))
        .against(library::<UBig>(text, &first, &second))
        .against(library::<malachite::Natural>(text, &first, &second))
}

/// An addition that can be repeated, see [`RESET`].
struct Step<N> {
    first: N,
    second: N,
    sum: N,
    added: u32,
}

impl<N> Step<N> {
    fn new(first: N, second: N, clone: fn(&N) -> N) -> Self {
        let sum = clone(&first);
        Self { first, second, sum, added: 0 }
    }

    fn next(&mut self, clone: fn(&N) -> N, add: fn(&mut N, &N)) -> &N {
        if self.added == RESET {
            self.sum = clone(&self.first);
            self.added = 0;
        }
        self.added += 1;
        add(&mut self.sum, &self.second);
        &self.sum
    }
}

/// A contestant that writes digits to a buffer with room for a few more.
fn buffered<N: 'static>(
    name: &'static str,
    text: &Rc<Vec<u8>>,
    step: Step<N>,
    operation: impl Fn(&mut Step<N>, &mut [u8]) + 'static,
) -> Contestant {
    let expected = Rc::clone(text);
    let operation = move |(step, out): &mut (Step<N>, Vec<u8>)| operation(step, out);
    let state = (step, vec![0; text.len() + 8]);
    Contestant::new(name, state, operation, move |(_, out)| out.starts_with(&expected))
}

fn ours(text: &Rc<Vec<u8>>, first: &Integer, second: &Integer) -> Contestant {
    fn clone(number: &Natural) -> Natural {
        number.try_clone().expect("memory")
    }
    fn add(sum: &mut Natural, number: &Natural) {
        sum.try_add_assign(number).expect("memory");
    }
    let [first, second] = [first, second].map(|number| number.to_string().parse().expect("digits"));
    buffered("ours", text, Step::new(first, second, clone), |step, out| {
        let _all = step.next(clone, add).copy_digits(0, out);
    })
}

/// `mpz_add` and `mpz_get_str` without `rug`'s string.
fn raw(text: &Rc<Vec<u8>>, first: &Integer, second: &Integer) -> Contestant {
    let step = Step::new(first.clone(), second.clone(), Integer::clone);
    buffered("gmp", text, step, |step, out| gmp::write_digits(step.next(Integer::clone, Integer::add), out))
}

fn library<L: Library>(text: &Rc<Vec<u8>>, first: &Integer, second: &Integer) -> Contestant {
    let expected = Rc::clone(text);
    let [first, second] = [first, second].map(|number| L::from_limbs(&number.to_limbs()));
    let state = (Step::new(first, second, L::clone), String::new());
    let operation = |(step, out): &mut (Step<L>, String)| *out = step.next(L::clone, L::add).text();
    Contestant::new(L::NAME, state, operation, move |(_, out)| out.as_bytes() == *expected)
}
