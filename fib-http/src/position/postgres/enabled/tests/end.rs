//! What becomes of the positions in hand when a replica stops.

use std::time::Duration;

use tokio::time::sleep;

use super::database::Database;
use super::replica::{Replica, at, run};

#[test]
fn what_is_in_hand_at_the_end_is_given_back_if_nobody_has_taken_more() {
    run(async {
        let database = Database::new(0, 0);
        for (others_take, next, skipped) in [(false, at(8), 0), (true, at(12), 3)] {
            let [one, other] = [1, 2].map(|replica| Replica::start(&database, replica));
            one.get().await;
            one.abandon_three().await;
            if others_take {
                other.get().await;
            }
            let given = one.stop().await;
            assert_eq!((given.0.len(), given.1), (1, skipped));
            other.stop().await;
            assert_eq!(database.rows.borrow().next, Some(if others_take { at(13) } else { next }));
            assert!(database.rows.borrow().replicas.is_empty());
        }
    });
}

#[test]
fn what_is_in_hand_at_the_end_is_counted_as_skipped_while_the_database_is_out_of_reach() {
    run(async {
        let database = Database::new(0, 0);
        let replica = Replica::start(&database, 1);
        replica.get().await;
        replica.abandon_three().await;
        database.is_down.set(true);
        database.cut.notify_waiters();
        sleep(Duration::from_secs(1)).await;
        assert!(!replica.turns.is_connected.get());
        assert_eq!(replica.stop().await, (vec![at(7)], 3));
        assert_eq!(database.rows.borrow().next, Some(at(11)));
    });
}

#[test]
fn what_another_replica_gives_back_is_given_by_those_that_had_seen_it_taken() {
    run(async {
        let database = Database::new(0, 0);
        let leaving = Replica::start(&database, 1);
        leaving.get().await;
        leaving.abandon_three().await;
        let staying = Replica::start(&database, 2);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(staying.turns.next(), at(11), "three are in hand of the other replica");
        assert_eq!(leaving.stop().await, (vec![at(7)], 0));
        assert_eq!(staying.get().await, at(8));
        assert_eq!(staying.turns.next(), at(9));
        // A new connection finds nothing wrong either.
        database.cut.notify_waiters();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(database.rows.borrow().next, Some(at(9)));
        assert_eq!(staying.stop().await, (vec![at(8)], 0));
    });
}
