//! Which requests a connection may have answered, by its place.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::timeout;

use super::connections::OpenConnections;
use super::places::Place;

/// How long a request may wait for a regular place.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A connection's place among the others.
#[derive(Debug)]
pub(crate) struct Admission {
    place: Rc<Place>,
    open: Rc<OpenConnections>,
}

impl Admission {
    pub(crate) fn new(place: Rc<Place>, open: Rc<OpenConnections>) -> Self {
        Self { place, open }
    }

    /// Whether the connection has a regular place. Without one it needs [`admit`](Self::admit) for most requests.
    pub(crate) fn is_regular(&self) -> bool {
        self.place.is_regular()
    }

    /// Makes the connection a regular one, for which another one may be ended. Returns whether that was possible in time.
    pub(crate) async fn admit(&self) -> bool {
        if self.place.try_exchange() {
            return true;
        }
        let Some(_permit) = self.place.try_wait() else {
            return false;
        };
        let is_made = Cell::new(false);
        let room = self.open.free_place(&is_made, Place::is_regular, self.place.exchange());
        timeout(TIMEOUT, room).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::activity::Activity;
    use crate::net::connections::Connections;
    use crate::net::places::{Places, RESERVED};
    use std::future::pending;
    use tokio::task::JoinSet;
    use tokio::time::Instant;

    fn spawn(connections: &mut Connections, places: &Rc<Places>) -> (Rc<Activity>, Admission) {
        let activity = Rc::new(Activity::new(Rc::clone(connections.open().waiters())));
        let place = Rc::new(places.free().expect("a place"));
        let held = Rc::clone(&place);
        connections.spawn(Rc::clone(&activity), None, Rc::clone(&place), async move {
            let _place = held;
            pending::<()>().await;
        });
        (activity, Admission::new(place, Rc::clone(connections.open())))
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn requests_wait_for_a_place_but_not_in_all_reserved_ones() {
        let places = Places::new(1);
        let _regular = places.free().expect("a place");
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..RESERVED {
            let place = Rc::new(places.free().expect("a place"));
            tasks.spawn_local(async move {
                assert!(!Admission::new(place, Rc::default()).admit().await);
                start.elapsed()
            });
        }
        let waits = tasks.join_all().await;
        let (at_once, waited): (Vec<_>, Vec<_>) = waits.into_iter().partition(Duration::is_zero);
        assert_eq!((at_once.len(), waited.len()), (RESERVED / 2, RESERVED / 2));
        assert!(waited.iter().all(|&waited| waited >= TIMEOUT));
    }

    /// Seen: a health check in a reserved place was ended instead, which made no room.
    #[tokio::test(flavor = "local", start_paused = true)]
    async fn a_connection_in_a_regular_place_is_ended_for_one_that_needs_it() {
        let places = Places::new(1);
        let mut connections = Connections::default();
        let (regular, admission) = spawn(&mut connections, &places);
        drop(admission);
        let (health_check, admission) = spawn(&mut connections, &places);
        drop(admission);
        drop(health_check.request_arrived());
        let (_, admission) = spawn(&mut connections, &places);
        assert!(!admission.is_regular());
        assert!(admission.admit().await && admission.is_regular());
        assert!(regular.is_cut() && !health_check.is_cut());
    }
}
