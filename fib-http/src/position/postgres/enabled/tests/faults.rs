//! Connections that break, and a database that has gone back.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::sleep;

use super::database::{Connector, Database, Rows, Take};
use super::replica::{Replica, at, run};
use crate::position::postgres::enabled::session::{Attached, Connect as _, Session as _};

#[test]
fn no_position_comes_twice_and_none_is_skipped_whatever_breaks() {
    for seed in 0..300 {
        run(async move {
            let database = Database::new(seed, 2 + seed % 7);
            let replicas: Vec<_> = (1..4).map(|replica| Replica::start(&database, replica)).collect();
            let mut requests = Vec::new();
            for _ in 0..200 {
                let replica = &replicas[usize::try_from(database.chance.below(3)).expect("small")];
                let patience = Duration::from_micros(database.chance.below(20_000));
                requests.push(replica.request(patience));
                if database.chance.below(3) == 0 {
                    sleep(Duration::from_micros(database.chance.below(3000))).await;
                }
                if database.chance.below(50) == 0 {
                    database.cut.notify_waiters();
                }
            }
            for request in requests {
                request.await.expect("no panic");
            }
            database.faults.set(0);
            for replica in &replicas {
                // It has looked up its last batch then.
                replica.get().await;
            }
            let mut taken = Vec::new();
            for replica in &replicas {
                let given = replica.given.borrow();
                assert!(given.is_sorted(), "seed {seed}: {given:?}");
                taken.extend(given.iter().copied());
                taken.extend(replica.turns.rest());
            }
            taken.sort_unstable();
            let end = database.rows.borrow().next.expect("it exists").index;
            let expected: Vec<_> = (7..end).map(at).collect();
            assert_eq!(taken, expected, "seed {seed}");
        });
    }
}

#[test]
fn a_statement_that_arrives_after_the_look_up_does_nothing() {
    run(async {
        let database = Database::new(0, 0);
        let mut connector = Connector(Rc::clone(&database));
        let (_old, _) = connector.connect(1, at(0)).await.expect("no fault");
        let (mut new, attached) = connector.connect(1, at(0)).await.expect("no fault");
        assert_eq!(attached, Attached { batch: None, next: at(0) });
        let late = Take { replica: 1, session: 1, number: 1, count: 5 };
        assert_eq!(database.rows.borrow_mut().take(late), None);
        assert_eq!(new.take(2, 1).await.expect("no fault"), Some(at(0)));
    });
}

#[test]
fn a_database_that_has_gone_back_is_raised() {
    run(async {
        let database = Database::new(0, 0);
        let [one, other] = [1, 2].map(|replica| Replica::start(&database, replica));
        one.get().await;
        let backup = database.rows.borrow().clone();
        for index in 8..12 {
            assert_eq!(one.get().await, at(index));
        }
        assert_eq!(other.get().await, at(12));
        // Restored with all connections cut, without cutting them, and without the tables.
        *database.rows.borrow_mut() = backup.clone();
        database.cut.notify_waiters();
        sleep(Duration::from_secs(2)).await;
        assert_eq!(database.rows.borrow().next, Some(at(13)));
        assert_eq!(one.get().await, at(13));
        database.rows.borrow_mut().next = backup.next;
        assert_eq!(one.get().await, at(14));
        *database.rows.borrow_mut() = Rows::default();
        assert_eq!(other.get().await, at(13), "this replica knows of no later one");
        assert_eq!(one.get().await, at(15));
        for replica in [one, other] {
            let (given, skipped) = replica.stop().await;
            let unique: BTreeSet<_> = given.iter().collect();
            assert_eq!((unique.len(), skipped), (given.len(), 0), "{given:?}");
        }
    });
}
