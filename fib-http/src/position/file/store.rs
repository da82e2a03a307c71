//! The protocol of writes and syncs: what is written when, and to which slot.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use tracing::{error, info};

use super::Trust;
use super::boot::Boot;
use super::disk::Disk;
use super::error::Reason;
use super::reservation::Pace;
use super::slot::{self, Record, Slots};
use crate::position::{Figures, Position, Unavailable};

/// How long after a failure the file is left alone: a failed sync may take long, and there is one thread.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A position in a file, or on a simulated disk.
#[derive(Debug)]
pub struct FileStore<D = File> {
    disk: D,
    boot: Boot,
    /// The counter of the next record.
    counter: u64,
    next: Position,
    /// The index of the first number of the pass that is not reserved by a durable record.
    reserved: u64,
    /// The slot that may be written. The other one is durable.
    slot: usize,
    pace: Pace,
    /// The index at the last reservation.
    reserved_at: u64,
    /// When the file may be tried again, after a failure.
    retry: Option<Instant>,
    figures: Figures,
}

impl<D: Disk> FileStore<D> {
    /// Takes over the position on `disk`, where nobody else uses it.
    ///
    /// # Errors
    /// [`Reason`] where there is none, or where the disk fails.
    pub fn on(disk: D, boot: Boot, trust: Trust) -> Result<Self, Reason> {
        let slots = Slots::read(&disk).map_err(Reason::Read)?;
        let (newest, record) = slots.newest().map_err(Reason::Unusable)?;
        let next = slots.goes_on_at(boot, trust).map_err(Reason::Unusable)?;
        let figures = Figures { skipped: next.index - record.next.index, ..Figures::default() };
        let mut store = Self {
            disk,
            boot,
            counter: record.counter.saturating_add(1),
            next,
            reserved: next.index,
            slot: 1 - newest,
            pace: Pace::new(),
            reserved_at: next.index,
            retry: None,
            figures,
        };
        // A write to either slot may have failed and left it valid. Whatever is written next, the other slot must be durable.
        store.sync().map_err(Reason::Write)?;
        if slots.are_both_valid() && !record.boot.is_other_than(boot) {
            // The record may be in the page cache only, and then the other one is durable and must not be touched yet. A
            // sync alone does not make it durable, since one may have failed before. Where the other slot is damaged, it is
            // the one that was being written, and this record is durable.
            store.disk.write_at(&record.encode(), slot::offset(newest)).map_err(Reason::Write)?;
            store.sync().map_err(Reason::Write)?;
        }
        // Says that the file is in use, and makes durable what was read: no number is given before.
        store.reserve().map_err(Reason::Write)?;
        Ok(store)
    }

    /// The position that comes next.
    pub fn next(&self) -> Position {
        self.next
    }

    /// Takes the next position.
    ///
    /// # Errors
    /// [`Unavailable`] where the file cannot be written; the position is as before.
    pub fn take(&mut self) -> Result<Position, Unavailable> {
        self.check()?;
        let taken = self.next;
        let following = taken.following().ok_or_else(Unavailable::after_the_last)?;
        let result = if taken.index < self.reserved { Ok(()) } else { self.reserve() };
        result.and_then(|()| self.write(following, self.reserved, false)).map_err(|error| self.failed(error))?;
        self.next = following;
        Ok(taken)
    }

    /// Goes on at the first position of a new pass.
    ///
    /// # Errors
    /// [`Unavailable`] where the file cannot be written; the position is as before.
    pub fn start_pass(&mut self) -> Result<(), Unavailable> {
        self.check()?;
        let first = self.next.next_pass().ok_or_else(Unavailable::after_the_last)?;
        // The reservation is of another pass, so this must be durable before a number is given.
        let reserved = self.pace.next_length(self.next.index - self.reserved_at, self.disk.now());
        self.write_durably(first, reserved, false).map_err(|error| self.failed(error))?;
        self.next = first;
        self.reserved_at = first.index;
        Ok(())
    }

    /// Whether positions can be taken. After a failure, this tries to mend the file once a second.
    ///
    /// # Errors
    /// [`Unavailable`] where the file cannot be written.
    pub fn check(&mut self) -> Result<(), Unavailable> {
        let Some(retry) = self.retry else {
            return Ok(());
        };
        if self.disk.now() < retry {
            return Err(Unavailable::new(io::Error::other("the last attempt failed less than a second ago")));
        }
        self.reserve().map_err(|error| self.failed(error))?;
        self.retry = None;
        info!("the file of the position can be written again");
        Ok(())
    }

    /// Ends the reservation at the next position, and marks the file. It can be opened again, and used on.
    ///
    /// # Errors
    /// [`Unavailable`] where the file cannot be written.
    pub fn close(&mut self) -> Result<(), Unavailable> {
        // Until this is durable the other slot counts after a loss of power, with a reservation that is as long as before.
        self.write_durably(self.next, self.next.index, true).map_err(|error| self.failed(error))
    }

    /// What was done since the opening.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// Reserves numbers from the next one on.
    fn reserve(&mut self) -> io::Result<()> {
        let length = self.pace.next_length(self.next.index - self.reserved_at, self.disk.now());
        self.write_durably(self.next, self.next.index.saturating_add(length), false)?;
        self.reserved_at = self.next.index;
        Ok(())
    }

    /// Makes a record durable, and lets the slots change places.
    fn write_durably(&mut self, next: Position, reserved: u64, is_clean: bool) -> io::Result<()> {
        self.write(next, reserved, is_clean)?;
        self.sync()?;
        self.slot = 1 - self.slot;
        self.reserved = reserved;
        Ok(())
    }

    /// Writes a record to the slot that may be written.
    fn write(&mut self, next: Position, reserved: u64, is_clean: bool) -> io::Result<()> {
        let record = Record { counter: self.counter, next, reserved, boot: self.boot, is_clean };
        self.counter = self.counter.saturating_add(1);
        self.disk.write_at(&record.encode(), slot::offset(self.slot))
    }

    fn sync(&mut self) -> io::Result<()> {
        let started = self.disk.now();
        let result = self.disk.sync();
        self.figures.syncs += 1;
        self.figures.sync_time += self.disk.now().duration_since(started);
        result
    }

    fn failed(&mut self, error: io::Error) -> Unavailable {
        if self.retry.is_none() {
            error!("the file of the position cannot be written, and no number is given: {error}");
        }
        self.retry = Some(self.disk.now() + RETRY_AFTER);
        self.figures.failures += 1;
        Unavailable::new(error)
    }
}
