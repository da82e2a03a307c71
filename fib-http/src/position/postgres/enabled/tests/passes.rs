//! New passes.

use std::time::Duration;

use super::database::Database;
use super::replica::{Replica, at, run};
use crate::position::Position;
use crate::position::postgres::enabled::turns::Turns;

#[test]
fn a_new_pass_takes_all_replicas_along() {
    run(async {
        let database = Database::new(0, 0);
        let [one, other] = [1, 2].map(|replica| Replica::start(&database, replica));
        assert_eq!(one.get().await, at(7));
        assert_eq!(other.get().await, at(8));
        // One in hand is skipped.
        drop(Turns::ask(&one.turns).await);
        one.turns.start_pass().expect("a pass");
        let first = Position { pass: 1, index: 0 };
        assert_eq!(one.turns.next(), first);
        assert!(one.turns.take().is_err(), "the database does not know of the pass yet");
        assert_eq!(one.get().await, first);
        assert_eq!(other.get().await, Position { pass: 1, index: 1 });
        // The other replica is late with the same, and it makes no difference.
        assert_eq!(one.turns.figures.get().skipped, 1);
        one.turns.start_pass().expect("a pass");
        other.turns.start_pass().expect("a pass");
        let [mut a, mut b] = [one.get().await, other.get().await];
        assert_eq!((a.pass, b.pass), (2, 2));
        if b < a {
            std::mem::swap(&mut a, &mut b);
        }
        assert_eq!((a.index, b.index), (0, 1));
    });
}

#[test]
fn a_batch_that_was_on_its_way_when_a_new_pass_began_is_skipped() {
    run(async {
        let database = Database::new(0, 0);
        let replica = Replica::start(&database, 1);
        replica.get().await;
        let request = replica.request(Duration::from_secs(1));
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        replica.turns.start_pass().expect("a pass");
        assert_eq!(request.await.expect("no panic"), Some(Position { pass: 1, index: 0 }));
        assert_eq!(replica.turns.figures.get().skipped, 1);
        assert_eq!(database.rows.borrow().next, Some(Position { pass: 1, index: 1 }));
    });
}
