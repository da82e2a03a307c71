//! A position that ends with the process.

use super::{Position, Unavailable};

/// A position in memory. Its first pass begins at a chosen index, the others at 0.
#[derive(Debug)]
pub struct MemoryStore {
    next: Position,
}

impl MemoryStore {
    pub(crate) fn new(index: u64) -> Self {
        Self { next: Position { pass: 0, index } }
    }

    pub(crate) fn next(&self) -> Position {
        self.next
    }

    pub(crate) fn take(&mut self) -> Result<Position, Unavailable> {
        let taken = self.next;
        self.next = taken.following().ok_or_else(Unavailable::after_the_last)?;
        Ok(taken)
    }

    pub(crate) fn start_pass(&mut self) -> Result<(), Unavailable> {
        self.next = self.next.next_pass().ok_or_else(Unavailable::after_the_last)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_in_order() {
        let mut store = MemoryStore::new(7);
        let mut taken: Vec<Position> = (0..2).map(|_| store.take().expect("a position")).collect();
        store.start_pass().expect("a pass");
        taken.extend((0..2).map(|_| store.take().expect("a position")));
        let expected = [(0, 7), (0, 8), (1, 0), (1, 1)].map(|(pass, index)| Position { pass, index });
        assert_eq!(taken, expected);
    }

    #[test]
    fn after_the_last_position_there_is_none() {
        let mut store = MemoryStore::new(u64::MAX);
        for _ in 0..2 {
            assert!(store.take().is_err());
            assert_eq!(store.next().index, u64::MAX);
        }
        store.start_pass().expect("a pass");
        assert_eq!(store.take().expect("a position"), Position { pass: 1, index: 0 });
    }
}
