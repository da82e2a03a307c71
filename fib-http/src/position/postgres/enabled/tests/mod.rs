//! The protocol over a database in memory.

mod database;
mod end;
mod faults;
mod passes;
mod replica;
mod requests;
