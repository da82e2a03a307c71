//! A machine whose disk loses, keeps or damages every write that is not synced when the power fails.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use fib_http::position::file::{Disk, Slot, Slots};

/// What a write can damage: a disk writes no less.
const BLOCK: usize = 4096;

/// A machine with one file.
pub(crate) struct Machine {
    /// What reads see: the page cache, and the disk where that has nothing.
    pub(crate) cache: Vec<u8>,
    /// What survives a loss of power.
    pub(crate) disk: Vec<u8>,
    /// Writes that are not on the disk yet, with their offsets.
    pub(crate) unsynced: Vec<(usize, Vec<u8>)>,
    /// Whether an interrupted write can damage its whole block. Otherwise it mixes old and new bytes.
    pub(crate) spoils_blocks: bool,
    pub(crate) now: Instant,
    pub(crate) random: u64,
    pub(crate) failing_writes: u32,
    pub(crate) failing_syncs: u32,
    /// Writes and syncs until the process dies.
    pub(crate) life: Option<u32>,
    /// The furthest reservation written, by pass.
    pub(crate) reserved: BTreeMap<u64, u64>,
    /// Whether a write or sync has failed since this was last cleared.
    pub(crate) has_failed: bool,
}

impl Machine {
    /// A number below `bound`.
    pub(crate) fn random(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).expect("31 bits") % bound
    }

    /// Decides what becomes of each write that is not synced.
    pub(crate) fn settle(&mut self) {
        for (offset, bytes) in std::mem::take(&mut self.unsynced) {
            match self.random(4) {
                0 => {}
                1 => {
                    let count = self.random(bytes.len());
                    self.disk[offset..offset + count].copy_from_slice(&bytes[..count]);
                }
                2 if self.spoils_blocks => {
                    let block = offset / BLOCK * BLOCK;
                    self.disk[block..block + BLOCK].fill(0xdb);
                }
                _ => self.disk[offset..offset + bytes.len()].copy_from_slice(&bytes),
            }
        }
    }

    /// Forgets what is not on the disk.
    pub(crate) fn lose_power(&mut self) {
        self.settle();
        self.cache.clone_from(&self.disk);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.life == Some(0)
    }

    /// Whether the process lives on for one more operation.
    pub(crate) fn lives(&mut self) -> io::Result<()> {
        match &mut self.life {
            Some(0) => return Err(io::Error::other("dead")),
            Some(life) => *life -= 1,
            None => {}
        }
        Ok(())
    }
}

/// The file, as a process of the machine sees it.
#[derive(Clone)]
pub(crate) struct SimulatedDisk(pub(crate) Rc<RefCell<Machine>>);

impl Disk for SimulatedDisk {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = usize::try_from(offset).expect("a short file");
        buffer.copy_from_slice(&self.0.borrow().cache[offset..offset + buffer.len()]);
        Ok(buffer.len())
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut machine = self.0.borrow_mut();
        machine.lives()?;
        let offset = usize::try_from(offset).expect("a short file");
        let fails = machine.failing_writes > 0;
        // What fails may have written anything from nothing to all.
        let count = if fails { machine.random(bytes.len() + 1) } else { bytes.len() };
        // A failed write that changes nothing is none: which slot it was for cannot be told afterwards, and if a sync fails
        // too, no opening could know which record is durable.
        let changes = machine.cache[offset..offset + count] != bytes[..count];
        machine.cache[offset..offset + count].copy_from_slice(&bytes[..count]);
        if changes || !fails {
            machine.unsynced.push((offset, bytes[..count].to_vec()));
        }
        let slots = Slots::read(&Memory(&machine.cache)).expect("memory can be read");
        for slot in slots.0 {
            if let Slot::Valid(record) = slot {
                let reserved = machine.reserved.entry(record.next.pass).or_default();
                *reserved = record.reserved.max(*reserved);
            }
        }
        if fails {
            machine.failing_writes -= 1;
            machine.has_failed = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut machine = self.0.borrow_mut();
        machine.lives()?;
        if machine.failing_syncs > 0 {
            machine.failing_syncs -= 1;
            machine.has_failed = true;
            // The system takes the writes for done: they stay in the cache, and no later sync writes them.
            machine.settle();
            return Err(io::Error::other("the disk failed"));
        }
        for (offset, bytes) in std::mem::take(&mut machine.unsynced) {
            machine.disk[offset..offset + bytes.len()].copy_from_slice(&bytes);
        }
        Ok(())
    }

    fn now(&self) -> Instant {
        self.0.borrow().now
    }
}

/// Bytes that can only be read.
struct Memory<'a>(&'a [u8]);

impl Disk for Memory<'_> {
    fn read_at(&self, buffer: &mut [u8], _: u64) -> io::Result<usize> {
        buffer.copy_from_slice(self.0);
        Ok(buffer.len())
    }

    fn write_at(&mut self, _: &[u8], _: u64) -> io::Result<()> {
        unreachable!("it is read only")
    }

    fn sync(&mut self) -> io::Result<()> {
        unreachable!("it is read only")
    }
}
