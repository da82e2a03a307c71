//! A position in a `PostgreSQL` database, which any number of processes share.
//!
//! Without the feature `postgres` there is none: `disabled` has the same interface, and no value.

#[cfg(not(feature = "postgres"))]
mod disabled;
#[cfg(feature = "postgres")]
mod enabled;

#[cfg(not(feature = "postgres"))]
pub use self::disabled::{DatabaseError, DatabaseUrl, SharedStore, Turn};
#[cfg(feature = "postgres")]
pub use self::enabled::{DatabaseError, DatabaseUrl, SharedStore, Turn};
