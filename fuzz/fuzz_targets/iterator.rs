//! Arbitrary programs of operations on the sequence, with refusals by the guard and the allocator. A model keeps the
//! index and whether that number has been computed, and predicts each outcome.
#![no_main]

use std::alloc::System;
use std::cell::Cell;
use std::ops::ControlFlow;

use arbitrary::Arbitrary;
use cap::Cap;
use fib_core::{Binary, Cause, Decimal, Demand, Exhausted, Fibonacci, Heap, Inline, Limb, MemoryGuard, Radix, Storage};
use fib_fuzz::{assert_fibonacci, force_kernel};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    Advance,
    Peek,
    Next,
    /// Near the distance from which `nth` jumps.
    Nth(u16),
    Restart,
    Jump(u16),
    /// The guard refuses this many times.
    Refuse(u8),
    /// The next operation may allocate this many bytes.
    Limit(u16),
    Many(u8),
}

#[derive(Arbitrary, Debug)]
enum Form {
    DecimalHeap,
    BinaryHeap,
    DecimalInline,
    BinaryInline,
    TinyInline,
    NoRoom,
    Restarting,
}

#[derive(Arbitrary, Debug)]
struct Program {
    kernel: u8,
    form: Form,
    steps: Vec<Step>,
}

fuzz_target!(|program: Program| {
    force_kernel(program.kernel);
    let script = Script::default();
    let steps = &program.steps;
    match program.form {
        Form::DecimalHeap => Machine::<Decimal, Heap>::new(&script, None, Some(Fibonacci::jump_to)).run(steps),
        Form::BinaryHeap => Machine::<Binary, Heap>::new(&script, None, None).run(steps),
        Form::DecimalInline => Machine::<Decimal, Inline<24>>::new(&script, Some(24), None).run(steps),
        Form::BinaryInline => Machine::<Binary, Inline<24>>::new(&script, Some(24), None).run(steps),
        Form::TinyInline => Machine::<Decimal, Inline<2>>::new(&script, Some(2), None).run(steps),
        Form::NoRoom => Machine::<Binary, Inline<0>>::new(&script, Some(0), None).run(steps),
        Form::Restarting => restarting(&script, steps),
    }
});

/// A guard that refuses on command and records what it was asked.
#[derive(Default)]
struct Script {
    refusals: Cell<u32>,
    asked: Cell<u32>,
    demand: Cell<Option<Demand>>,
}

impl MemoryGuard for &Script {
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        self.asked.set(self.asked.get() + 1);
        self.demand.set(Some(demand));
        match self.refusals.get().checked_sub(1) {
            Some(rest) => {
                self.refusals.set(rest);
                Err(Exhausted::refused())
            }
            None => Ok(()),
        }
    }
}

trait Known: Radix {
    const TOP: Limb;
    fn limbs_for(index: u64) -> usize;
}

impl Known for Decimal {
    const TOP: Limb = Self::BASE - 1;
    fn limbs_for(index: u64) -> usize {
        Self::limbs_for(index)
    }
}

impl Known for Binary {
    const TOP: Limb = Limb::MAX;
    fn limbs_for(index: u64) -> usize {
        Self::limbs_for(index)
    }
}

type Jump<'a, R, S> = fn(&mut Fibonacci<R, S, &'a Script>, u64) -> Result<(), Exhausted>;

/// The highest index that `nth` and jumps reach, so that a program takes milliseconds.
const LONGEST: u64 = 40_000;

struct Machine<'a, R, S> {
    fib: Fibonacci<R, S, &'a Script>,
    script: &'a Script,
    /// The limbs for which there is room, if the storage has a bound.
    room: Option<usize>,
    jump: Option<Jump<'a, R, S>>,
    index: u64,
    computed: bool,
    /// Bytes that the next operation may allocate.
    limit: Option<usize>,
}

impl<'a, R: Known, S: Storage> Machine<'a, R, S> {
    fn new(script: &'a Script, room: Option<usize>, jump: Option<Jump<'a, R, S>>) -> Self {
        let fib = Fibonacci::new().with_guard(script);
        Self { fib, script, room, jump, index: 0, computed: true, limit: None }
    }

    fn run(mut self, steps: &[Step]) {
        for &step in steps {
            match step {
                Step::Advance => _ = self.advance(),
                Step::Many(count) => {
                    _ = (0..count).try_for_each(|_| self.advance());
                }
                Step::Peek => _ = self.peek(),
                Step::Next => self.next(),
                Step::Nth(distance) => self.nth(u64::from(distance) % 1_200),
                Step::Restart => {
                    self.fib.restart();
                    (self.index, self.computed) = (0, true);
                    assert_eq!(self.fib.bytes_held(), if self.room.is_some() { self.fib.bytes_held() } else { 0 });
                }
                Step::Jump(index) => self.jump(index.into()),
                Step::Refuse(count) => self.script.refusals.set(u32::from(count) % 8),
                Step::Limit(bytes) => self.limit = Some(usize::from(bytes) % 8_192),
            }
            assert_eq!(self.fib.index(), self.index);
        }
        // Whatever has happened, the sequence goes on from its position when guard and allocator agree.
        self.script.refusals.set(0);
        self.limit = None;
        _ = (0..3).try_for_each(|_| self.advance());
    }

    fn fits(&self, index: u64) -> bool {
        self.room.is_none_or(|room| R::limbs_for(index) <= room)
    }

    /// Runs `act`, which must behave like [`Fibonacci::peek`], and compares the outcome with the model. Returns whether it
    /// succeeded.
    fn check_step(&mut self, act: impl FnOnce(&mut Fibonacci<R, S, &'a Script>) -> Result<(), Exhausted>) -> bool {
        let (asked, refuses, held) = (self.script.asked.get(), self.script.refusals.get() > 0, self.fib.bytes_held());
        let limit = self.limit.take();
        let result = with_only(limit, || act(&mut self.fib));
        let asked = self.script.asked.get() - asked;
        if self.computed {
            assert_eq!((result, asked), (Ok(()), 0), "what is there needs nothing");
            return true;
        }
        if !self.fits(self.index) {
            assert_eq!((result.map_err(|error| error.cause()), asked), (Err(Cause::Capacity), 0));
            assert_eq!((self.fib.index(), self.fib.bytes_held()), (self.index, held));
            return false;
        }
        assert_eq!(asked, 1, "the guard is asked once");
        let demand = self.script.demand.get().expect("just asked");
        assert_eq!(demand.held, held);
        match result {
            Ok(()) => {
                assert!(!refuses, "the guard refused");
                assert!(self.fib.bytes_held() <= demand.peak());
                self.computed = true;
            }
            Err(error) => {
                if refuses {
                    assert_eq!(error.cause(), Cause::Guard);
                } else {
                    assert_eq!(error.cause(), Cause::Allocation);
                    assert!(limit.is_some_and(|limit| limit < demand.additional), "there was memory");
                }
                assert_eq!((self.fib.index(), self.fib.bytes_held()), (self.index, held));
            }
        }
        self.computed
    }

    fn peek(&mut self) -> ControlFlow<()> {
        if !self.check_step(|fib| fib.peek().map(drop)) {
            return ControlFlow::Break(());
        }
        let index = self.index;
        let number = self.fib.peek().expect("it is there");
        assert_fibonacci(index, number.limbs(), R::TOP, R::limbs_for(index));
        ControlFlow::Continue(())
    }

    fn advance(&mut self) -> ControlFlow<()> {
        let index = self.index;
        let stepped = self.check_step(|fib| {
            let number = fib.advance()?;
            with_only(None, || assert_fibonacci(index, number.limbs(), R::TOP, R::limbs_for(index)));
            Ok(())
        });
        if !stepped {
            return ControlFlow::Break(());
        }
        self.index += 1;
        self.computed = false;
        ControlFlow::Continue(())
    }

    fn next(&mut self) {
        let (refuses, limit) = (self.script.refusals.get() > 0, self.limit.take());
        match with_only(limit, || self.fib.next()) {
            Some(number) => {
                assert_fibonacci(self.index, number.limbs(), R::TOP, R::limbs_for(self.index));
                self.index += 1;
                self.computed = false;
            }
            None => {
                let possible = self.computed || (!refuses && self.fits(self.index));
                assert!(!possible || limit.is_some(), "there was no reason");
                self.settle();
            }
        }
    }

    /// After a `None` the model does not know whether the number was computed before its clone failed. This makes sure
    /// that it is computed.
    fn settle(&mut self) {
        self.script.refusals.set(0);
        self.computed = self.fits(self.index) && self.fib.peek().is_ok();
        assert_eq!(self.computed, self.fits(self.index));
    }

    fn nth(&mut self, distance: u64) {
        if self.index + distance > LONGEST {
            return;
        }
        let (refuses, limit) = (self.script.refusals.get() > 0, self.limit.take());
        match with_only(limit, || self.fib.nth(distance.try_into().expect("short"))) {
            Some(number) => {
                let index = self.index + distance;
                assert_fibonacci(index, number.limbs(), R::TOP, R::limbs_for(index));
                self.index = index + 1;
                self.computed = false;
            }
            None => {
                let reached = self.fib.index();
                assert!((self.index..=self.index + distance).contains(&reached));
                let fits = self.fits(self.index + distance);
                assert!(refuses || limit.is_some() || !fits, "there was no reason");
                self.index = reached;
                self.settle();
            }
        }
    }

    fn jump(&mut self, index: u64) {
        let Some(jump) = self.jump else { return };
        let index = index % LONGEST;
        let (refuses, limit, held) = (self.script.refusals.get() > 0, self.limit.take(), self.fib.bytes_held());
        match with_only(limit, || jump(&mut self.fib, index)) {
            Ok(()) => {
                assert!(index == 0 || !refuses, "the guard refused");
                (self.index, self.computed) = (index, true);
                let number = self.fib.peek().expect("it is there");
                assert_fibonacci(index, number.limbs(), R::TOP, R::limbs_for(index));
            }
            Err(error) => {
                let cause = if refuses { Cause::Guard } else { Cause::Allocation };
                assert_eq!(error.cause(), cause);
                assert!(refuses || limit.is_some(), "there was no reason");
                assert_eq!((self.fib.index(), self.fib.bytes_held()), (self.index, held));
            }
        }
    }
}

/// Runs `attempt`, which may allocate at most `bytes` more than are allocated now.
fn with_only<T>(bytes: Option<usize>, attempt: impl FnOnce() -> T) -> T {
    let limit = bytes.map_or(usize::MAX, |bytes| ALLOCATOR.allocated() + bytes);
    ALLOCATOR.set_limit(limit).expect("more than is in use");
    let result = attempt();
    ALLOCATOR.set_limit(usize::MAX).expect("no limit");
    result
}

/// The endless form. Each number is the next one, or F(0) if the guard or the storage refuses the next one.
fn restarting(script: &Script, steps: &[Step]) {
    const ROOM: usize = 4;
    let mut endless = Fibonacci::<Decimal, Inline<ROOM>>::new().with_guard(script).restarting();
    let (mut index, mut restarts) = (0, 0);
    for &step in steps {
        let (count, lend) = match step {
            Step::Refuse(count) => {
                script.refusals.set(u32::from(count) % 8);
                continue;
            }
            Step::Many(count) => (count, true),
            Step::Next => (1, false),
            _ => (1, true),
        };
        for _ in 0..count {
            let refused = index > 0 && (script.refusals.get() > 0 || Decimal::limbs_for(index) > ROOM);
            if refused {
                (index, restarts) = (0, restarts + 1);
            }
            let check = |limbs: &[Limb]| assert_fibonacci(index, limbs, Decimal::BASE - 1, Decimal::limbs_for(index));
            if lend {
                check(endless.advance().limbs());
            } else {
                check(endless.next().expect("it never ends").limbs());
            }
            index += 1;
            assert_eq!((endless.get_ref().index(), endless.restarts()), (index, restarts));
        }
    }
}
