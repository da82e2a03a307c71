//! Short numbers, in comparison with the least that they can cost: `first-100-steps` with a loop over `u128`, and
//! `text-19` with `itoa`.

use std::hint::black_box;

use fib_core::{Decimal, Fibonacci, Heap, Inline, Natural, Storage};

use crate::contest::{Contest, Contestant, Measure};

/// How many steps are taken from F(0).
const STEPS: u32 = 100;

/// The number after these steps: F(100).
const NEXT: u128 = 354_224_848_179_261_915_075;

/// The index of the longest number of 19 digits: one limb.
const ONE_LIMB: usize = 92;

pub(crate) fn measures() -> Vec<Measure> {
    vec![
        Measure::new("first-100-steps", || Contest::of(steps::<Heap>()).against(words()).against(iterator())),
        Measure::new("first-100-steps/inline", || {
            Contest::of(steps::<Inline<2>>()).against(words()).against(iterator())
        }),
        Measure::new("text-19", || texts(ONE_LIMB)),
        Measure::new("text-up-to-19", || texts(0)),
    ]
}

fn steps<S: Storage + 'static>() -> Contestant {
    let walk = |fibonacci: &mut Fibonacci<Decimal, S>| {
        fibonacci.restart();
        for _ in 0..STEPS {
            black_box(fibonacci.advance().expect("room"));
        }
    };
    let correct =
        |fibonacci: &mut Fibonacci<Decimal, S>| fibonacci.peek().is_ok_and(|n| n.to_string() == NEXT.to_string());
    Contestant::new("ours", Fibonacci::new(), walk, correct)
}

fn words() -> Contestant {
    let walk = |state: &mut u128| {
        let (mut previous, mut current) = (1, 0);
        for _ in 0..STEPS {
            black_box(&current);
            (previous, current) = (current, previous + current);
        }
        *state = current;
    };
    Contestant::new("u128", 0, walk, |state| *state == NEXT)
}

/// The same iterator over `u128` instead of unbounded numbers. It also computes on demand, checks for overflow, and lends.
struct Words {
    values: [u128; 2],
    index: u64,
    computed: bool,
}

impl Words {
    const NEW: Self = Self { values: [0, 0], index: 0, computed: true };

    #[inline]
    fn peek(&mut self) -> Option<&u128> {
        if !self.computed {
            let [even, odd] = &mut self.values;
            let (target, last) = if self.index.is_multiple_of(2) { (even, odd) } else { (odd, even) };
            *target = target.checked_add(*last)?.checked_add((self.index == 1).into())?;
            self.computed = true;
        }
        Some(&self.values[(self.index & 1) as usize])
    }

    #[inline]
    fn advance(&mut self) -> Option<&u128> {
        self.peek()?;
        let place = (self.index & 1) as usize;
        self.index += 1;
        self.computed = false;
        Some(&self.values[place])
    }
}

fn iterator() -> Contestant {
    let walk = |words: &mut Words| {
        *words = Words::NEW;
        for _ in 0..STEPS {
            black_box(words.advance().expect("room"));
        }
    };
    Contestant::new("u128-iterator", Words::NEW, walk, |words| words.peek().is_some_and(|&value| value == NEXT))
}

/// The texts of all numbers from F(`from`) to the last one of 19 digits.
fn texts(from: usize) -> Contest {
    let numbers: Vec<Natural> = Fibonacci::new().take(ONE_LIMB + 1).skip(from).collect();
    let words: Vec<u64> = numbers.iter().map(|number| number.to_string().parse().expect("digits")).collect();
    let last = words[words.len() - 1].to_string();
    let expected = last.clone();
    let ours = Contestant::new(
        "ours",
        (numbers, [0; Decimal::LIMB_DIGITS]),
        |(numbers, out)| {
            for number in numbers {
                black_box(number.copy_digits(0, black_box(out)));
            }
        },
        move |(_, out)| *out == *expected.as_bytes(),
    );
    let text = last.clone();
    let copied = Contestant::new(
        "itoa-copied",
        (words.clone(), itoa::Buffer::new(), [0; Decimal::LIMB_DIGITS]),
        |(words, buffer, out)| {
            for &mut word in words {
                let text = buffer.format(word);
                black_box(&mut *out)[..text.len()].copy_from_slice(text.as_bytes());
            }
        },
        move |(_, _, out)| *out == *text.as_bytes(),
    );
    let itoa = Contestant::new(
        "itoa",
        (words, itoa::Buffer::new()),
        |(words, buffer)| {
            for &mut word in words {
                black_box(buffer.format(word));
            }
        },
        move |(words, buffer)| words.last().is_some_and(|&word| buffer.format(word) == last),
    );
    Contest::of(ours).against(itoa).against(copied)
}
