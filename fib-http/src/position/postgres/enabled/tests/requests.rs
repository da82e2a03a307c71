//! What requests get of a database that works, and while it is out of reach.

use std::time::Duration;

use tokio::time::sleep;

use super::database::Database;
use super::replica::{Replica, at, run};
use crate::position::postgres::enabled::turns::Turns;

#[test]
fn a_new_position_begins_at_the_start_and_requests_are_served_in_order() {
    run(async {
        let database = Database::new(0, 0);
        let replica = Replica::start(&database, 1);
        assert_eq!(replica.get().await, at(7));
        let requests: Vec<_> = (0..5).map(|_| replica.request(Duration::from_secs(1))).collect();
        for (request, index) in requests.into_iter().zip(8..) {
            assert_eq!(request.await.expect("no panic"), Some(at(index)));
        }
        assert_eq!(*database.counts.borrow(), [1, 5], "those that wait share a statement");
        assert_eq!(replica.turns.figures.get().statements, 2);
    });
}

#[test]
fn a_position_whose_request_has_gone_goes_to_the_next_one() {
    run(async {
        let database = Database::new(0, 0);
        let replica = Replica::start(&database, 1);
        replica.get().await;
        // Gone before the statement is sent.
        drop(Turns::ask(&replica.turns));
        assert_eq!(replica.get().await, at(8));
        // Gone while it is on its way.
        let gone = Turns::ask(&replica.turns);
        tokio::task::yield_now().await;
        drop(gone);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(replica.turns.next(), at(9));
        // Gone with its turn.
        drop(Turns::ask(&replica.turns).await);
        assert_eq!(replica.get().await, at(9));
        assert_eq!(*database.counts.borrow(), [1, 1, 1]);
    });
}

#[test]
fn requests_wait_for_a_database_that_is_out_of_reach() {
    run(async {
        let database = Database::new(0, 0);
        database.is_down.set(true);
        let replica = Replica::start(&database, 1);
        assert_eq!(replica.request(Duration::from_secs(2)).await.expect("no panic"), None);
        assert!(!replica.turns.is_connected.get());
        let patient = replica.request(Duration::from_secs(20));
        sleep(Duration::from_secs(5)).await;
        database.is_down.set(false);
        assert_eq!(patient.await.expect("no panic"), Some(at(7)));
        assert!(replica.turns.is_connected.get());
        assert!(replica.turns.figures.get().failures > 1);
        assert_eq!(*database.counts.borrow(), [1], "a request that has gone takes none");
    });
}
