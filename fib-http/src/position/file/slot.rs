//! The form of the file: two slots, each with a record and its checksum.
//!
//! ```text
//! offset  bytes  content, little-endian
//!      0      8  "fib-pos\n"
//!      8      4  version of this form, 1
//!     12      1  1 after an orderly end, else 0
//!     13      1  kind of the boot's identity
//!     14      2  0
//!     16      8  counter: how many records were written before
//!     24      8  pass
//!     32      8  index of the number that comes next
//!     40      8  index of the first number that is not reserved
//!     48     16  the boot's identity
//!     64      4  CRC-32 of bytes 0 to 63
//! ```
//!
//! The second slot has the same form, in a block of its own: a write that a loss of power interrupts damages one of them only.

use std::io;

use super::Trust;
use super::boot::Boot;
use super::disk::Disk;
use crate::position::Position;

/// Bytes from one slot to the next: no disk has longer sectors.
pub(super) const SLOT_BYTES: usize = 4096;

/// Bytes of the whole file.
pub(super) const FILE_BYTES: usize = 2 * SLOT_BYTES;

/// Bytes of a record with its checksum.
const RECORD_BYTES: usize = CHECKED_BYTES + 4;

/// Bytes of a record that the checksum covers.
const CHECKED_BYTES: usize = 64;

const MAGIC: [u8; 8] = *b"fib-pos\n";
const VERSION: u32 = 1;

/// What one slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// How many records were written before this one.
    pub counter: u64,
    /// The position that comes next.
    pub next: Position,
    /// The index of the first number that is not reserved, at least that of `next`, and of the same pass.
    pub reserved: u64,
    /// When the record was written.
    pub boot: Boot,
    /// Whether the process ended in an orderly way after this record. It is for people: nothing is reserved then.
    pub is_clean: bool,
}

impl Record {
    pub(super) fn encode(&self) -> [u8; RECORD_BYTES] {
        let (boot_kind, boot) = self.boot.to_parts();
        let mut bytes = [0; RECORD_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12] = self.is_clean.into();
        bytes[13] = boot_kind;
        bytes[16..24].copy_from_slice(&self.counter.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.next.pass.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.next.index.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.reserved.to_le_bytes());
        bytes[48..64].copy_from_slice(&boot.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..CHECKED_BYTES]);
        bytes[CHECKED_BYTES..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }
}

/// What was found in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A record.
    Valid(Record),
    /// A record of a form that this program does not know, by its version.
    Newer(u32),
    /// The slot begins as a record does, but does not contain a valid one.
    Damaged,
    /// The slot does not even begin as a record does.
    Foreign,
}

impl Slot {
    fn decode(bytes: &[u8]) -> Self {
        if !bytes.starts_with(&MAGIC) {
            return Self::Foreign;
        }
        let Some((checked, checksum)) =
            bytes.get(..RECORD_BYTES).and_then(|bytes| bytes.split_at_checked(CHECKED_BYTES))
        else {
            return Self::Damaged;
        };
        if checksum != crc32fast::hash(checked).to_le_bytes() {
            return Self::Damaged;
        }
        let version = u32::from_le_bytes(field(checked, 8));
        if version != VERSION {
            return Self::Newer(version);
        }
        let record = Record {
            counter: u64::from_le_bytes(field(checked, 16)),
            next: Position {
                pass: u64::from_le_bytes(field(checked, 24)),
                index: u64::from_le_bytes(field(checked, 32)),
            },
            reserved: u64::from_le_bytes(field(checked, 40)),
            boot: match Boot::from_parts(checked[13], u128::from_le_bytes(field(checked, 48))) {
                Some(boot) => boot,
                None => return Self::Damaged,
            },
            is_clean: checked[12] == 1,
        };
        if checked[12] > 1 || checked[14..16] != [0, 0] || record.reserved < record.next.index {
            return Self::Damaged;
        }
        Self::Valid(record)
    }
}

fn field<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    std::array::from_fn(|at| bytes[offset + at])
}

/// What a whole file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots(pub [Slot; 2]);

/// Why a file says nothing that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Nothing in the file is ours.
    Foreign,
    /// Both slots are damaged.
    Damaged,
    /// A later program wrote it, in a form of this version.
    Newer(u32),
}

impl Slots {
    /// Reads a file.
    ///
    /// # Errors
    /// As the system says. A file that is too short is no error here: what is missing is damaged or foreign.
    pub fn read(disk: &impl Disk) -> io::Result<Self> {
        let mut bytes = [0; FILE_BYTES];
        let length = disk.read_at(&mut bytes, 0)?;
        let mut slots = bytes[..length].chunks(SLOT_BYTES).map(Slot::decode);
        Ok(Self(std::array::from_fn(|_| slots.next().unwrap_or(Slot::Foreign))))
    }

    /// The number of the slot that was written last, and its record.
    ///
    /// # Errors
    /// [`Unusable`] where there is none.
    pub fn newest(&self) -> Result<(usize, Record), Unusable> {
        match self.0 {
            [Slot::Newer(version), _] | [_, Slot::Newer(version)] => Err(Unusable::Newer(version)),
            // Equal counters have never been written.
            [Slot::Valid(a), Slot::Valid(b)] if a.counter == b.counter => Err(Unusable::Damaged),
            [Slot::Valid(a), Slot::Valid(b)] => Ok(if a.counter > b.counter { (0, a) } else { (1, b) }),
            [Slot::Valid(a), _] => Ok((0, a)),
            [_, Slot::Valid(b)] => Ok((1, b)),
            [Slot::Foreign, Slot::Foreign] => Err(Unusable::Foreign),
            _ => Err(Unusable::Damaged),
        }
    }

    /// Whether both slots contain a record.
    #[must_use]
    pub fn are_both_valid(&self) -> bool {
        matches!(self.0, [Slot::Valid(_), Slot::Valid(_)])
    }

    /// The position at which an opening in `boot` goes on: the next one where that is certain, else the end of what was
    /// reserved.
    ///
    /// # Errors
    /// [`Unusable`] where there is none.
    pub fn goes_on_at(&self, boot: Boot, trust: Trust) -> Result<Position, Unusable> {
        let (_, record) = self.newest()?;
        // A damaged slot may be the one that was written last.
        // After an orderly end there is no difference. A damaged slot may be the one that was written last.
        let is_exact = trust == Trust::Written && record.boot.is_same_as(boot) && self.are_both_valid();
        let index = if is_exact { record.next.index } else { record.reserved };
        Ok(Position { index, ..record.next })
    }
}

/// The offset of a slot in the file.
pub(super) fn offset(slot: usize) -> u64 {
    (slot * SLOT_BYTES) as u64
}

/// A whole file whose position is `next`, and of which nothing has been taken.
pub(super) fn new_file(next: Position, boot: Boot) -> [u8; FILE_BYTES] {
    let mut bytes = [0; FILE_BYTES];
    for (slot, block) in bytes.chunks_mut(SLOT_BYTES).enumerate() {
        let record = Record { counter: slot as u64, next, reserved: next.index, boot, is_clean: true };
        block[..RECORD_BYTES].copy_from_slice(&record.encode());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: Record =
        Record { counter: 1, next: Position { pass: 2, index: 3 }, reserved: 4, boot: Boot::Id(5), is_clean: false };

    /// With a checksum that fits.
    fn changed(at: usize, byte: u8) -> Vec<u8> {
        let mut bytes = RECORD.encode().to_vec();
        bytes[at] = byte;
        let checksum = crc32fast::hash(&bytes[..CHECKED_BYTES]);
        bytes[CHECKED_BYTES..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn the_form_is_as_documented() {
        let next = Position { pass: 0x1112_1314_1516_1718, index: 0x2122_2324_2526_2728 };
        let boot = Boot::Id(0x4142_4344_4546_4748_5152_5354_5556_5758);
        let record =
            Record { counter: 0x0102_0304_0506_0708, next, reserved: 0x3132_3334_3536_3738, boot, is_clean: true };
        let bytes = record.encode();
        assert_eq!(&bytes[..16], b"fib-pos\n\x01\0\0\0\x01\x01\0\0");
        assert_eq!(&bytes[16..24], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert!(bytes[24..32].iter().copied().eq((0x11..=0x18).rev()));
        assert!(bytes[32..40].iter().copied().eq((0x21..=0x28).rev()));
        assert!(bytes[40..48].iter().copied().eq((0x31..=0x38).rev()));
        assert!(bytes[48..64].iter().copied().eq((0x51..=0x58).rev().chain((0x41..=0x48).rev())));
        // From another implementation: Python's zlib.crc32.
        assert_eq!(u32::from_le_bytes(field(&bytes, 64)), 0x3f5f_e1e4);
        assert_eq!(Slot::decode(&bytes), Slot::Valid(record));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let bytes = RECORD.encode();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit < 64 { Slot::Foreign } else { Slot::Damaged };
            assert_eq!(Slot::decode(&changed), expected, "{bit}");
        }
        for length in 0..bytes.len() {
            let expected = if length < MAGIC.len() { Slot::Foreign } else { Slot::Damaged };
            assert_eq!(Slot::decode(&bytes[..length]), expected, "{length}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_damaged() {
        assert_eq!(Slot::decode(&changed(8, 2)), Slot::Newer(2));
        for (at, byte) in [(12, 2), (13, 3), (14, 1), (15, 1), (40, 2)] {
            assert_eq!(Slot::decode(&changed(at, byte)), Slot::Damaged, "{at}");
        }
        assert!(matches!(Slot::decode(&changed(40, 3)), Slot::Valid(_)));
    }

    #[test]
    fn the_later_record_counts() {
        let valid = |counter| Slot::Valid(Record { counter, ..RECORD });
        let newest = |slots| Slots(slots).newest().map(|(slot, record)| (slot, record.counter));
        assert_eq!(newest([valid(7), valid(8)]), Ok((1, 8)));
        assert_eq!(newest([valid(9), valid(8)]), Ok((0, 9)));
        assert_eq!(newest([valid(9), Slot::Damaged]), Ok((0, 9)));
        assert_eq!(newest([Slot::Foreign, valid(9)]), Ok((1, 9)));
        assert_eq!(newest([valid(9), valid(9)]), Err(Unusable::Damaged));
        assert_eq!(newest([Slot::Damaged, Slot::Foreign]), Err(Unusable::Damaged));
        assert_eq!(newest([Slot::Foreign, Slot::Foreign]), Err(Unusable::Foreign));
        assert_eq!(newest([valid(9), Slot::Newer(2)]), Err(Unusable::Newer(2)));
        assert_eq!(newest([Slot::Newer(2), valid(9)]), Err(Unusable::Newer(2)));
    }

    #[test]
    fn a_position_goes_on_where_that_is_certain_or_else_after_the_reservation() {
        let (here, elsewhere) = (Boot::Id(5), Boot::Id(6));
        let older = Slot::Valid(Record { counter: 0, ..RECORD });
        let index = |other, boot, trust| {
            let slots = Slots([other, Slot::Valid(RECORD)]);
            slots.goes_on_at(boot, trust).expect("a record").index
        };
        assert_eq!(index(older, here, Trust::Written), 3);
        assert_eq!(index(older, here, Trust::Synced), 4);
        assert_eq!(index(older, elsewhere, Trust::Written), 4);
        assert_eq!(index(Slot::Damaged, here, Trust::Written), 4);
    }
}
