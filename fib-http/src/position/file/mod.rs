//! A position in a file, which outlives the process and the machine.
//!
//! **Each number** is one small write before it is given. The system keeps what was written when the process ends, however it
//! ends, so a position that is found by another process in the same boot of the machine is exact.
//!
//! **A loss of power** takes away what was not synced, and a sync takes milliseconds. So numbers are reserved: a record says up
//! to which index numbers may be given, and it is synced before any of them is. After another boot the position goes on where
//! the reservation ends, which skips what was reserved and not given. The length of a reservation adapts to the rate, so that
//! there is about one sync a second.
//!
//! **Two slots** have a record each, and the later one counts. Until a record is synced, a loss of power may damage it. So the
//! writes between two syncs all go to one slot, and the other slot has a record that is durable and whose reservation covers
//! all that was given. The two change places after each sync:
//!
//! ```text
//!                          slot 0                       slot 1
//!
//!                          next 100, reserved 116       (an earlier record)
//!                          durable
//!     number 100                                        next 101, reserved 116
//!     ...                                               ...
//!     number 115                                        next 116, reserved 116
//!     reserve                                           next 116, reserved 372
//!     sync                                              durable
//!     number 116           next 117, reserved 372
//!     ...                  ...
//! ```
//!
//! **A failed sync** may have lost anything since the last one that succeeded, and a later success does not prove the opposite:
//! the system may have dropped what it could not write. So no number is given until the record has been written and synced
//! again, whole; the other slot is not touched meanwhile.
//!
//! All of this relies on a system that keeps what was written while it runs. Storage that loses acknowledged writes meanwhile,
//! such as a network volume that is detached by force, gives numbers twice after a kill; [`Trust::Synced`] relies on synced
//! records only, so that a kill skips as many numbers as a loss of power does.

mod boot;
mod disk;
mod error;
mod open;
mod reservation;
mod show;
mod slot;
mod store;

pub use self::boot::Boot;
pub use self::disk::Disk;
pub use self::error::{OpenError, Reason};
pub use self::open::open;
pub use self::show::show;
pub use self::slot::{Record, Slot, Slots, Unusable};
pub use self::store::FileStore;

/// What the service may rely on when it opens a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Everything that was written since the machine was started.
    #[default]
    Written,
    /// Only records that were synced.
    Synced,
}
