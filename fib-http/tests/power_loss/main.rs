//! A position in a file, on a simulated disk that loses, keeps or damages every write that is not synced.
//!
//! Whatever happens, and in whatever order: no position is given twice, a kill of the process skips none, and a loss of power
//! skips no more than what was reserved.

mod machine;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use fib_http::position::Position;
use fib_http::position::file::{self, Boot, FileStore, Trust};
use proptest::prelude::*;

use machine::{Machine, SimulatedDisk};

/// What can happen.
#[derive(Clone, Copy, Debug)]
enum Event {
    Take(u16),
    NewPass,
    Wait(u16),
    Kill,
    PowerLoss,
    /// An orderly end, and perhaps a loss of power afterwards.
    End(bool),
    FailWrites(u32),
    FailSyncs(u32),
    /// The process will die after so many writes and syncs, alone or with the machine.
    DieAfter(u32, bool),
    /// The process is killed, and the storage loses what it had not on its disk, while the machine runs on.
    StorageLoss,
    /// The process is killed, and the clock is set, so that the boot cannot be recognised.
    ClockJump,
}

/// A machine's kind, and what its positions rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Linux.
    BootId,
    /// Without boot identities.
    BootTime,
    /// Linux with `?trust=synced`.
    Synced,
}

fn events(kind: Kind) -> impl Strategy<Value = Vec<Event>> {
    let special = match kind {
        Kind::BootId => Just(Event::PowerLoss).boxed(),
        Kind::BootTime => Just(Event::ClockJump).boxed(),
        Kind::Synced => Just(Event::StorageLoss).boxed(),
    };
    let event = prop_oneof![
        6 => (1_u16..40).prop_map(Event::Take),
        2 => (100_u16..600).prop_map(Event::Take),
        1 => Just(Event::NewPass),
        2 => (0_u16..3000).prop_map(Event::Wait),
        3 => Just(Event::Kill),
        3 => Just(Event::PowerLoss),
        2 => any::<bool>().prop_map(Event::End),
        1 => (1_u32..4).prop_map(Event::FailWrites),
        2 => (1_u32..4).prop_map(Event::FailSyncs),
        3 => (0_u32..8, any::<bool>()).prop_map(|(count, with_machine)| Event::DieAfter(count, with_machine)),
        2 => special,
    ];
    proptest::collection::vec(event, 1..60)
}

/// The content of a new file.
fn new_file() -> Vec<u8> {
    static IMAGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let path = std::env::temp_dir().join(format!("fib-http-model-{}", std::process::id()));
        let mut store = file::open(&path, Trust::Written, 0).expect("a new file");
        store.close().expect("it can be written");
        let image = std::fs::read(&path).expect("it was created");
        std::fs::remove_file(&path).expect("it is there");
        image
    });
    IMAGE.clone()
}

/// A machine, its process, and what its clients know.
struct World {
    kind: Kind,
    machine: Rc<RefCell<Machine>>,
    boots: u64,
    store: Option<FileStore<SimulatedDisk>>,
    /// The position that nobody has been given yet.
    expected: Position,
    /// Where the passes ended after which no number was given: a loss of power may bring them back.
    ended: Vec<Position>,
    /// Whether a new pass may have begun that the process knows nothing of.
    may_have_new_pass: bool,
    /// Whether a new process must go on exactly there.
    is_exact: bool,
    dies_with_machine: bool,
    skipped: u64,
}

impl World {
    fn new(kind: Kind, seed: u64) -> Self {
        let image = new_file();
        let machine = Machine {
            cache: image.clone(),
            disk: image,
            unsynced: Vec::new(),
            spoils_blocks: kind == Kind::BootId,
            now: Instant::now(),
            random: seed | 1,
            failing_writes: 0,
            failing_syncs: 0,
            life: None,
            reserved: BTreeMap::from([(0, 0)]),
            has_failed: false,
        };
        Self {
            kind,
            machine: Rc::new(RefCell::new(machine)),
            boots: 0,
            store: None,
            expected: Position::default(),
            ended: Vec::new(),
            may_have_new_pass: false,
            is_exact: true,
            dies_with_machine: false,
            skipped: 0,
        }
    }

    fn boot(&self) -> Boot {
        match self.kind {
            Kind::BootId | Kind::Synced => Boot::Id(self.boots.into()),
            Kind::BootTime => Boot::Time(1000 * self.boots),
        }
    }

    /// A process that lives; starts one where that is needed, again and again until it succeeds.
    fn store(&mut self) -> &mut FileStore<SimulatedDisk> {
        while self.store.is_none() {
            let trust = if self.kind == Kind::Synced { Trust::Synced } else { Trust::Written };
            match FileStore::on(SimulatedDisk(Rc::clone(&self.machine)), self.boot(), trust) {
                Ok(store) => {
                    self.check_start(store.next());
                    self.store = Some(store);
                }
                Err(reason) => {
                    let mut machine = self.machine.borrow_mut();
                    assert!(machine.is_dead() || machine.has_failed, "{reason:?}");
                    machine.has_failed = false;
                    drop(machine);
                    self.bury();
                    // A failed write may have damaged the newest record.
                    self.is_exact = false;
                }
            }
        }
        self.store.as_mut().expect("just made")
    }

    fn check_start(&mut self, next: Position) {
        if let Some(at) = self.ended.iter().position(|ended| ended.pass == next.pass) {
            assert!(!self.is_exact, "back to {next} from {}", self.expected);
            self.expected = self.ended[at];
            self.ended.truncate(at);
        }
        let begins_pass = self.may_have_new_pass && next.pass == self.expected.pass + 1;
        if !begins_pass {
            assert!(next >= self.expected, "given twice: {next} after {}", self.expected);
            assert_eq!(next.pass, self.expected.pass);
        }
        let most = self.machine.borrow().reserved[&next.pass];
        assert!(next.index <= most, "skipped more than was reserved: {next}, {most}");
        if self.is_exact && !begins_pass {
            assert_eq!(next, self.expected, "skipped");
        }
        if next.pass == self.expected.pass {
            self.skipped += next.index - self.expected.index;
        }
        self.expected = next;
        self.is_exact = self.kind != Kind::Synced;
        self.may_have_new_pass = false;
        self.machine.borrow_mut().has_failed = false;
    }

    /// Ends a process that has died, and perhaps its machine.
    fn bury(&mut self) {
        let is_dead = self.machine.borrow().is_dead();
        if is_dead {
            self.store = None;
            self.machine.borrow_mut().life = None;
            if self.dies_with_machine {
                self.lose_power();
            }
        }
    }

    fn lose_power(&mut self) {
        self.store = None;
        self.machine.borrow_mut().lose_power();
        self.boots += 1;
        self.is_exact = false;
    }

    fn take(&mut self) -> bool {
        let expected = self.store().next();
        assert_eq!(expected, self.expected);
        let taken = self.store().take();
        if let Ok(position) = taken {
            assert_eq!(position, self.expected);
            self.expected = Position { index: position.index + 1, ..position };
            self.ended.clear();
            self.is_exact = self.kind != Kind::Synced;
            self.may_have_new_pass = false;
            self.machine.borrow_mut().has_failed = false;
        } else if self.machine.borrow().has_failed {
            self.is_exact = false;
        }
        self.bury();
        taken.is_ok()
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Take(count) => {
                for _ in 0..count {
                    if !self.take() {
                        break;
                    }
                }
            }
            Event::NewPass => {
                if self.store().start_pass().is_ok() {
                    self.ended.push(self.expected);
                    self.expected = Position { pass: self.expected.pass + 1, index: 0 };
                    self.may_have_new_pass = false;
                } else {
                    self.may_have_new_pass = true;
                    self.is_exact &= !self.machine.borrow().has_failed;
                }
                self.bury();
            }
            Event::Wait(milliseconds) => self.machine.borrow_mut().now += Duration::from_millis(milliseconds.into()),
            Event::Kill => self.store = None,
            Event::PowerLoss => self.lose_power(),
            Event::End(with_power_loss) => {
                let is_clean = self.store().close().is_ok();
                self.bury();
                if !is_clean {
                    self.is_exact &= !self.machine.borrow().has_failed;
                    return;
                }
                self.store = None;
                if with_power_loss {
                    self.lose_power();
                }
                self.is_exact = true;
            }
            Event::FailWrites(count) => self.machine.borrow_mut().failing_writes = count,
            Event::FailSyncs(count) => self.machine.borrow_mut().failing_syncs = count,
            Event::DieAfter(count, with_machine) => {
                self.machine.borrow_mut().life = Some(count);
                self.dies_with_machine = with_machine;
                self.bury();
            }
            Event::StorageLoss => {
                self.store = None;
                self.machine.borrow_mut().lose_power();
            }
            Event::ClockJump => {
                self.store = None;
                self.boots += 1;
                self.is_exact = false;
            }
        }
    }

    /// Once nothing fails any more, positions can be had again.
    fn recovers(&mut self) {
        let mut machine = self.machine.borrow_mut();
        (machine.failing_writes, machine.failing_syncs, machine.life) = (0, 0, None);
        machine.now += Duration::from_secs(2);
        drop(machine);
        assert!(self.take(), "it does not recover");
    }
}

fn run(kind: Kind, seed: u64, events: &[Event]) -> World {
    let mut world = World::new(kind, seed);
    for &event in events {
        world.apply(event);
    }
    world.recovers();
    world
}

proptest! {
    #[test]
    fn no_position_is_given_twice(events in events(Kind::BootId), seed: u64) {
        run(Kind::BootId, seed, &events);
    }

    #[test]
    fn no_position_is_given_twice_where_boots_have_no_identity(events in events(Kind::BootTime), seed: u64) {
        run(Kind::BootTime, seed, &events);
    }

    #[test]
    fn no_position_is_given_twice_by_storage_that_forgets(events in events(Kind::Synced), seed: u64) {
        run(Kind::Synced, seed, &events);
    }
}

#[test]
fn a_kill_skips_nothing_and_a_loss_of_power_what_was_reserved() {
    let skipped = |kind, events: &[Event]| run(kind, 1, events).skipped;
    assert_eq!(skipped(Kind::BootId, &[Event::Take(5), Event::Kill, Event::Take(5), Event::Kill]), 0);
    assert_eq!(skipped(Kind::BootId, &[Event::Take(5), Event::PowerLoss]), 11);
    assert_eq!(skipped(Kind::BootTime, &[Event::Take(5), Event::Kill]), 0);
    assert_eq!(skipped(Kind::BootTime, &[Event::Take(5), Event::ClockJump]), 11);
    assert_eq!(skipped(Kind::Synced, &[Event::Take(5), Event::Kill]), 11);
    for kind in [Kind::BootId, Kind::BootTime, Kind::Synced] {
        assert_eq!(skipped(kind, &[Event::Take(5), Event::End(false), Event::Take(1), Event::End(true)]), 0);
    }
}

/// After a failed write the other record is the only one, and an opening must not touch it before another one is durable.
#[test]
fn a_record_beside_a_damaged_one_is_not_touched() {
    for seed in 1..200 {
        let fail = [Event::Take(1), Event::FailWrites(1), Event::Take(1), Event::Kill];
        let die = [Event::DieAfter(1, true), Event::Take(1), Event::Take(1)];
        run(Kind::BootId, seed, &[&fail[..], &die].concat());
    }
}

/// Found by the cases above. A write that failed left its slot valid and unsynced, so that the next opening wrote to the
/// other one: a loss of power met both unsynced. In the first case the failed write changed nothing, in the second it
/// completed an old record.
#[test]
fn an_opening_writes_to_one_slot_only_when_the_other_one_is_synced() {
    let events = [
        Event::FailSyncs(3),
        Event::Take(1),
        Event::DieAfter(4, true),
        Event::NewPass,
        Event::FailWrites(1),
        Event::Take(1),
        Event::Kill,
        Event::Take(1),
    ];
    run(Kind::BootId, 17_198_027_464_912_651_048, &events);
    let events = [
        Event::Take(253),
        Event::FailWrites(1),
        Event::Take(1),
        Event::PowerLoss,
        Event::Take(3),
        Event::FailWrites(3),
        Event::PowerLoss,
        Event::DieAfter(3, true),
        Event::Take(1),
    ];
    run(Kind::BootId, 13_090_547_225_670_148_944, &events);
}
