//! A position in a database: a row with the pass and the index of the next number.
//!
//! **A batch** is a statement that takes as many indices as requests wait for one. One statement is in flight at a time, so one
//! commit serves many requests, and the order of commits is the order of numbers. An index whose request has gone by then goes
//! to the next request of this process, lowest first.
//!
//! **An unknown outcome** is looked up. If the connection breaks between a statement and its answer, nobody knows whether the
//! indices were taken. So each process (a replica) has a row of its own, and the statement that takes a batch leaves the
//! batch's number and its indices there. After a new connection has been made the replica reads its row. It also increments the
//! row's session number, and a statement of an earlier session does nothing: one that is still on its way cannot take
//! indices after the row was read. Both statements lock the row first, so they come one after the other.
//!
//! **A database that has gone back**, because a backup was restored or because it failed over to a standby that lacked some
//! commits, would give numbers again. Each replica remembers the furthest position that it took itself. Where the database is
//! behind that, the replica raises it, and gives nothing that comes before. It cannot know what other replicas were given after
//! its own last batch. What they had taken when it connected tells nothing, because a replica that stops gives back what it has
//! in hand.
//!
//! The SQL is what `PostgreSQL`, `CockroachDB` and `YugabyteDB` have in common.

mod driver;
mod error;
mod passfile;
mod session;
mod statements;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod turns;
mod url;

pub use self::error::DatabaseError;
pub use self::store::SharedStore;
pub use self::turns::Turn;
pub use self::url::DatabaseUrl;
