//! Places for connections: as many as the limit allows, and a few more for requests that must be answered even at the limit.
//!
//! A connection beyond the limit gets one of the reserved places, and the answers of `/healthz`, `/readyz` and `/metrics`. For
//! any other request it needs a regular place, which it gets when another connection is ended for it.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Connections beyond the limit.
pub(crate) const RESERVED: usize = 16;

/// Connections among these whose requests may wait for a regular place. The others are for requests that need none.
const WAITING: usize = RESERVED / 2;

/// The places of all connections.
#[derive(Debug)]
pub(crate) struct Places {
    regular: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    waiting: Semaphore,
}

/// The place of one connection, which is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    permit: RefCell<OwnedSemaphorePermit>,
    is_regular: Cell<bool>,
    places: Rc<Places>,
}

impl Places {
    /// `count` regular places, and the reserved ones.
    pub(crate) fn new(count: usize) -> Rc<Self> {
        Rc::new(Self {
            regular: Arc::new(Semaphore::new(count)),
            reserved: Arc::new(Semaphore::new(RESERVED)),
            waiting: Semaphore::new(WAITING),
        })
    }

    /// A place, if there is one: a regular one rather than a reserved one.
    pub(crate) fn free(self: &Rc<Self>) -> Option<Place> {
        let regular = Arc::clone(&self.regular).try_acquire_owned().map(|permit| (permit, true));
        let any = regular.or_else(|_| Arc::clone(&self.reserved).try_acquire_owned().map(|permit| (permit, false)));
        any.ok().map(|(permit, is_regular)| self.place(permit, is_regular))
    }

    /// Whether a regular place is free.
    pub(crate) fn has_regular(&self) -> bool {
        self.regular.available_permits() > 0
    }

    /// Waits until a regular place is free.
    pub(crate) async fn regular(&self) {
        drop(acquire(&self.regular).await);
    }

    /// The next place that becomes free.
    pub(crate) async fn next(self: &Rc<Self>) -> Place {
        let (permit, is_regular) = tokio::select! {
            biased;
            permit = acquire(&self.regular) => (permit, true),
            permit = acquire(&self.reserved) => (permit, false),
        };
        self.place(permit, is_regular)
    }

    fn place(self: &Rc<Self>, permit: OwnedSemaphorePermit, is_regular: bool) -> Place {
        Place { permit: RefCell::new(permit), is_regular: Cell::new(is_regular), places: Rc::clone(self) }
    }
}

impl Place {
    /// Whether the place is a regular one.
    pub(crate) fn is_regular(&self) -> bool {
        self.is_regular.get()
    }

    /// Exchanges a reserved place for a regular one, if there is one.
    pub(crate) fn try_exchange(&self) -> bool {
        let permit = Arc::clone(&self.places.regular).try_acquire_owned();
        permit.map(|permit| self.replace(permit)).is_ok()
    }

    /// Exchanges a reserved place for a regular one when there is one.
    pub(crate) async fn exchange(&self) {
        self.replace(acquire(&self.places.regular).await);
    }

    /// Permission to wait in a reserved place; `None` if the maximum number is already waiting.
    pub(crate) fn try_wait(&self) -> Option<SemaphorePermit<'_>> {
        self.places.waiting.try_acquire().ok()
    }

    fn replace(&self, permit: OwnedSemaphorePermit) {
        *self.permit.borrow_mut() = permit;
        self.is_regular.set(true);
    }
}

async fn acquire(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    match Arc::clone(semaphore).acquire_owned().await {
        Ok(permit) => permit,
        // The semaphores are never closed.
        Err(_) => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reserved_place_is_exchanged_for_a_regular_one_when_there_is_one() {
        let places = Places::new(2);
        let mut regular = vec![places.free().expect("a place"), places.free().expect("a place")];
        let reserved: Vec<Place> = std::iter::from_fn(|| places.free()).collect();
        assert_eq!(reserved.len(), RESERVED);
        assert!(regular.iter().all(Place::is_regular) && !reserved.iter().any(Place::is_regular));
        assert!(!reserved[0].try_exchange());
        drop(regular.pop());
        assert!(reserved[0].try_exchange() && reserved[0].is_regular());
        // Its reserved place is free again, and there is no other one.
        let another = places.free().expect("a place");
        assert!(!another.is_regular() && places.free().is_none());
        drop(regular);
        assert!(places.next().await.is_regular());
    }
}
