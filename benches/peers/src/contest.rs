//! Timing: fib-core and a peer do their work in turn, many times, so that other load on the machine affects both alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The least time of a sample. It repeats its work so often that reading the clock does not count.
const SAMPLE: Duration = Duration::from_millis(10);

/// How long all pairs for one peer take together, if no number of rounds is given.
const BUDGET: Duration = Duration::from_secs(10);
const ROUNDS_LEAST: u32 = 3;
const ROUNDS_MOST: u32 = 25;

/// Something to measure. Its operands are made only when it runs.
pub(crate) struct Measure {
    pub(crate) name: String,
    contest: Box<dyn FnOnce() -> Contest>,
}

/// The same work by fib-core and by peers.
pub(crate) struct Contest {
    ours: Contestant,
    peers: Vec<Contestant>,
}

/// The work as one library does it.
pub(crate) struct Contestant {
    name: &'static str,
    work: Box<dyn Work>,
    /// How often a sample repeats the work.
    repetitions: u32,
}

/// How fib-core compares with one peer.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) measure: String,
    pub(crate) peer: &'static str,
    pub(crate) ours_ns: f64,
    pub(crate) peer_ns: f64,
    /// The median of the pairs' ratios, the peer's time divided by ours.
    pub(crate) ratio: f64,
}

trait Work {
    /// Does the work once and returns whether the answer is right.
    fn check(&mut self) -> bool;

    fn time(&mut self, repetitions: u32) -> Duration;
}

struct Job<S, O, C> {
    state: S,
    operation: O,
    correct: C,
}

impl<S, O: FnMut(&mut S), C: Fn(&mut S) -> bool> Work for Job<S, O, C> {
    fn check(&mut self) -> bool {
        (self.operation)(&mut self.state);
        (self.correct)(&mut self.state)
    }

    fn time(&mut self, repetitions: u32) -> Duration {
        let start = Instant::now();
        for _ in 0..repetitions {
            (self.operation)(black_box(&mut self.state));
        }
        start.elapsed()
    }
}

impl Contestant {
    /// Measures `operation` on `state`. `correct` checks the state after the first call.
    pub(crate) fn new<S: 'static>(
        name: &'static str,
        state: S,
        operation: impl FnMut(&mut S) + 'static,
        correct: impl Fn(&mut S) -> bool + 'static,
    ) -> Self {
        let job = Job { state, operation, correct };
        Self { name, work: Box::new(job), repetitions: 1 }
    }

    /// Checks the answer, then chooses how often a sample repeats the work.
    fn prepare(&mut self, measure: &str) -> Result<(), String> {
        if !self.work.check() {
            return Err(format!("{measure}: the answer of {} is wrong", self.name));
        }
        while self.work.time(self.repetitions) < SAMPLE {
            self.repetitions *= 2;
        }
        Ok(())
    }

    /// Takes a sample. Returns the nanoseconds of one repetition.
    fn sample(&mut self) -> f64 {
        self.work.time(self.repetitions).as_nanos() as f64 / f64::from(self.repetitions)
    }
}

impl Contest {
    pub(crate) fn of(ours: Contestant) -> Self {
        Self { ours, peers: Vec::new() }
    }

    pub(crate) fn against(mut self, peer: Contestant) -> Self {
        self.peers.push(peer);
        self
    }
}

impl Measure {
    pub(crate) fn new(name: impl Into<String>, contest: impl FnOnce() -> Contest + 'static) -> Self {
        Self { name: name.into(), contest: Box::new(contest) }
    }

    /// Checks all answers, then compares fib-core with each peer.
    pub(crate) fn run(self, rounds: Option<u32>) -> Result<Vec<Comparison>, String> {
        let Contest { mut ours, mut peers } = (self.contest)();
        for contestant in [&mut ours].into_iter().chain(&mut peers) {
            contestant.prepare(&self.name)?;
        }
        let comparisons = peers.iter_mut().map(|peer| compare(&self.name, &mut ours, peer, rounds));
        Ok(comparisons.collect())
    }
}

fn compare(measure: &str, ours: &mut Contestant, peer: &mut Contestant, rounds: Option<u32>) -> Comparison {
    let start = Instant::now();
    let mut pairs = vec![(ours.sample(), peer.sample())];
    let rounds = rounds.unwrap_or_else(|| {
        let fitting = BUDGET.div_duration_f64(start.elapsed()).min(f64::from(ROUNDS_MOST));
        (fitting as u32).max(ROUNDS_LEAST)
    });
    for round in 1..rounds {
        // The two take turns in going first.
        let pair = if round % 2 == 0 {
            (ours.sample(), peer.sample())
        } else {
            let theirs = peer.sample();
            (ours.sample(), theirs)
        };
        pairs.push(pair);
    }
    let median_of = |value: fn(&(f64, f64)) -> f64| median(pairs.iter().map(value).collect());
    Comparison {
        measure: measure.into(),
        peer: peer.name,
        ours_ns: median_of(|pair| pair.0),
        peer_ns: median_of(|pair| pair.1),
        ratio: median_of(|pair| pair.1 / pair.0),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(median(vec![3.0]), 3.0);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 9.0, 1.0, 2.0]), 3.0);
    }

    #[test]
    fn a_wrong_answer_ends_the_run() {
        let sleep = |_: &mut ()| std::thread::sleep(SAMPLE);
        let contest = move |right| {
            move || {
                let ours = Contestant::new("ours", (), sleep, |()| true);
                Contest::of(ours).against(Contestant::new("other", (), sleep, move |()| right))
            }
        };
        let error = Measure::new("nap", contest(false)).run(Some(1)).expect_err("wrong");
        assert_eq!(error, "nap: the answer of other is wrong");
        let comparisons = Measure::new("nap", contest(true)).run(Some(2)).expect("right");
        assert_eq!(comparisons.len(), 1);
        assert!(comparisons[0].ours_ns >= 1e7, "{comparisons:?}");
    }
}
