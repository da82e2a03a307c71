//! The connections that are being served: which of them is closed in favour of a new one.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{pending, ready};
use std::pin::pin;
use std::rc::Rc;

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error};

use super::activity::{Activity, Evictable};
use super::clients::Client;
use super::places::Place;
use crate::sequence::Waiters;

/// The tasks that serve connections.
#[derive(Default)]
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    open: Rc<OpenConnections>,
}

/// What is known of each open connection.
#[derive(Debug, Default)]
pub(crate) struct OpenConnections {
    connections: RefCell<HashMap<Id, Connection>>,
    /// The open connections of each client whose number of connections is limited.
    clients: RefCell<HashMap<Client, usize>>,
    waiters: Rc<Waiters>,
}

#[derive(Debug)]
struct Connection {
    activity: Rc<Activity>,
    client: Option<Client>,
    place: Rc<Place>,
    task: AbortHandle,
}

impl Connections {
    /// The connections that are open, in a form that can be shared.
    pub(crate) fn open(&self) -> &Rc<OpenConnections> {
        &self.open
    }

    /// Serves a connection in a task of its own. `client` is given if its number of connections is limited.
    pub(crate) fn spawn(
        &mut self,
        activity: Rc<Activity>,
        client: Option<Client>,
        place: Rc<Place>,
        serve: impl Future<Output = ()> + 'static,
    ) {
        let task = self.tasks.spawn_local(serve);
        if let Some(client) = client {
            *self.open.clients.borrow_mut().entry(client).or_default() += 1;
        }
        self.open.connections.borrow_mut().insert(task.id(), Connection { activity, client, place, task });
    }

    /// Waits until a connection has ended; `None` if no connection is open. A panic ends only its own connection.
    pub(crate) async fn ended(&mut self) -> Option<()> {
        let id = match self.tasks.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(failure) => id_of(&failure),
        };
        self.open.remove(id);
        Some(())
    }

    /// Waits until no connection has anything to complete. A connection that has received only part of a head has nothing to
    /// complete.
    pub(crate) async fn all_completed(&mut self) {
        while self.open.have_work() && self.ended().await.is_some() {}
    }

    /// Ends all of them. Those with a response that is not whole are reset. What the system has accepted of the others is still
    /// sent.
    pub(crate) async fn abort(mut self) {
        for connection in self.open.connections.borrow().values() {
            if connection.activity.has_unsent_responses() {
                connection.activity.cut();
            }
        }
        self.tasks.shutdown().await;
    }
}

fn id_of(failure: &JoinError) -> Id {
    if failure.is_panic() {
        error!("a connection's task failed: {failure}");
    }
    failure.id()
}

impl OpenConnections {
    pub(crate) fn count(&self) -> usize {
        self.connections.borrow().len()
    }

    /// Who waits for changes of these connections.
    pub(crate) fn waiters(&self) -> &Rc<Waiters> {
        &self.waiters
    }

    /// Whether `client`, which may have `most` connections, may open one more. At the limit, one of its own connections is
    /// ended if possible.
    pub(crate) fn may_open(&self, client: Client, most: usize) -> bool {
        let count = self.clients.borrow().get(&client).copied().unwrap_or(0);
        count < most || self.evict(|connection, _| connection.client == Some(client)).is_ok()
    }

    /// Ends the connection whose client is furthest behind with reading, if there is one.
    pub(crate) fn end_furthest_behind(&self) {
        // There may be one later: whoever needs it asks again.
        let _ = self.evict(|_, evictable| matches!(evictable, Evictable::Behind(_)));
    }

    /// Ends one connection whose place `suits`, as soon as one may be ended and unless `room` is ready first, and then waits
    /// for `room`. Sets `is_made`, so that a repeated call ends no second one.
    pub(crate) async fn free_place<T>(
        &self,
        is_made: &Cell<bool>,
        suits: impl Fn(&Place) -> bool,
        room: impl Future<Output = T>,
    ) -> T {
        let mut room = pin!(room);
        while !is_made.get() {
            tokio::select! {
                biased;
                room = &mut room => return room,
                () = ready(()) => {}
            }
            let next = match self.evict(|connection, _| suits(&connection.place)) {
                Ok(()) => {
                    is_made.set(true);
                    break;
                }
                Err(next) => next,
            };
            tokio::select! {
                biased;
                room = &mut room => return room,
                () = self.waiters.changed() => {}
                () = at(next) => {}
            }
        }
        room.await
    }

    /// Ends the first of the evictable connections that `suits`: the one that has been idle for longest, or else one whose
    /// request takes long to arrive, or else the one whose client is furthest behind with reading. If there is none, tells
    /// when there may be one.
    fn evict(&self, suits: impl Fn(&Connection, Evictable) -> bool) -> Result<(), Option<Instant>> {
        let now = Instant::now();
        let (mut first, mut next) = (None, None);
        for (&id, connection) in &*self.connections.borrow() {
            let Some(evictable) = connection.activity.evictable().filter(|&evictable| suits(connection, evictable))
            else {
                continue;
            };
            if evictable.from() > now {
                next = Some(next.map_or(evictable.from(), |next: Instant| next.min(evictable.from())));
            } else if first.is_none_or(|(other, _)| evictable < other) {
                first = Some((evictable, id));
            }
        }
        let Some((evictable, id)) = first else {
            return Err(next);
        };
        if let Some(connection) = self.remove(id) {
            debug!("a connection is ended in favour of another one: {evictable:?}");
            connection.activity.cut();
            connection.task.abort();
        }
        Ok(())
    }

    fn remove(&self, id: Id) -> Option<Connection> {
        let connection = self.connections.borrow_mut().remove(&id)?;
        if let Some(client) = connection.client {
            let mut clients = self.clients.borrow_mut();
            match clients.get_mut(&client) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(clients.remove(&client)),
            }
        }
        Some(connection)
    }

    fn have_work(&self) -> bool {
        self.connections.borrow().values().any(|connection| !connection.activity.is_receiving_head())
    }
}

/// Ready at `instant`, or never.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::places::Places;
    use std::time::Duration;
    use tokio::time::timeout;

    const SECOND: Duration = Duration::from_secs(1);

    /// Connections, and what is known of each in the order of their start, also after their end.
    struct Open {
        connections: Connections,
        places: Rc<Places>,
        activities: Vec<Rc<Activity>>,
    }

    impl Open {
        fn new() -> Self {
            Self { connections: Connections::default(), places: Places::new(10), activities: Vec::new() }
        }

        fn spawn(&mut self, client: Option<Client>) -> Rc<Activity> {
            let activity = Rc::new(Activity::new(Rc::clone(self.connections.open().waiters())));
            let place = Rc::new(self.places.free().expect("a place"));
            self.connections.spawn(Rc::clone(&activity), client, place, pending());
            self.activities.push(Rc::clone(&activity));
            activity
        }

        /// One that has answered a request.
        fn spawn_idle(&mut self) -> Rc<Activity> {
            let activity = self.spawn(None);
            drop(activity.request_arrived());
            activity
        }

        /// Which connections have been cut.
        fn cut(&self) -> Vec<usize> {
            let cut = self.activities.iter().enumerate().filter(|(_, activity)| activity.is_cut());
            cut.map(|(position, _)| position).collect()
        }

        /// Ends one; tells how many connections are left.
        async fn free_place(&self) -> usize {
            let open = self.connections.open();
            open.free_place(&Cell::new(false), |_| true, ready(())).await;
            let made = Cell::new(false);
            assert!(timeout(10 * SECOND, open.free_place(&made, |_| true, pending::<()>())).await.is_err());
            open.count()
        }
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn the_stalled_end_before_the_slow_and_the_idle_before_both() {
        let mut open = Open::new();
        let now = Instant::now();
        let slow = open.spawn(None);
        slow.fall_behind(now);
        let stalled = open.spawn(None);
        stalled.fall_behind(now - SECOND);
        let busy_connection = open.spawn(None);
        let _busy = busy_connection.request_arrived();
        open.spawn(None);
        open.spawn_idle();
        for expected in [vec![4], vec![3, 4], vec![1, 3, 4], vec![0, 1, 3, 4], vec![0, 1, 3, 4]] {
            assert_eq!(open.free_place().await, 5 - expected.len());
            assert_eq!(open.cut(), expected);
        }
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn nobody_is_ended_where_there_is_room() {
        let mut open = Open::new();
        open.spawn_idle();
        open.connections.open().free_place(&Cell::new(false), |_| true, ready(())).await;
        assert!(open.cut().is_empty());
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn a_client_has_a_second_before_it_makes_room() {
        let mut open = Open::new();
        let reader = open.spawn(None);
        let _response = reader.request_arrived();
        let start = Instant::now();
        let shared = Rc::clone(open.connections.open());
        let made = Cell::new(false);
        let mut wait = pin!(shared.free_place(&made, |_| true, pending::<()>()));
        // Nothing is evictable until it falls behind, and then for a second.
        assert!(timeout(SECOND, &mut wait).await.is_err());
        reader.fall_behind(Instant::now());
        assert!(timeout(SECOND / 2, &mut wait).await.is_err());
        reader.advance();
        assert!(timeout(SECOND, &mut wait).await.is_err());
        assert!(open.cut().is_empty());
        reader.fall_behind(Instant::now());
        assert!(timeout(SECOND - Duration::from_millis(2), &mut wait).await.is_err());
        assert!(open.cut().is_empty());
        assert!(timeout(SECOND, &mut wait).await.is_err());
        assert_eq!(open.cut(), [0]);
        assert!(start.elapsed() >= 4 * SECOND);
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn a_connection_that_becomes_idle_makes_room_at_once() {
        let mut open = Open::new();
        let response_connection = open.spawn(None);
        let response = response_connection.request_arrived();
        let shared = Rc::clone(open.connections.open());
        let made = Cell::new(false);
        let answer = async {
            sleep_until(Instant::now() + 5 * SECOND).await;
            drop(response);
        };
        let wait = timeout(5 * SECOND + Duration::from_millis(2), shared.free_place(&made, |_| true, pending::<()>()));
        let _ = tokio::join!(wait, answer);
        assert_eq!(open.cut(), [0]);
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn a_budget_is_freed_by_those_who_do_not_read() {
        let mut open = Open::new();
        open.spawn_idle();
        let reader = open.spawn(None);
        reader.fall_behind(Instant::now());
        open.connections.open().end_furthest_behind();
        assert!(open.cut().is_empty());
        sleep_until(Instant::now() + SECOND).await;
        open.connections.open().end_furthest_behind();
        assert_eq!(open.cut(), [1]);
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn a_client_with_too_many_connections_loses_its_own() {
        use crate::net::ClientLimit;

        let limit = ClientLimit { max_connections: 2, trusted_proxies: Vec::new() };
        let client = |address: &str| limit.client_at(address.parse().expect("an address")).expect("it counts");
        let (one, other) = (client("10.0.0.1"), client("10.0.0.2"));
        let mut open = Open::new();
        let shared = Rc::clone(open.connections.open());
        drop(open.spawn(Some(other)).request_arrived());
        let busy_connection = open.spawn(Some(one));
        let busy = busy_connection.request_arrived();
        assert!(shared.may_open(one, limit.max_connections));
        let last_connection = open.spawn(Some(one));
        let last = last_connection.request_arrived();
        assert!(!shared.may_open(one, limit.max_connections));
        assert!(shared.may_open(other, limit.max_connections));
        drop(busy);
        assert!(shared.may_open(one, limit.max_connections));
        assert_eq!(open.cut(), [1]);
        drop(last);
        open.connections.abort().await;
    }
}
