//! A panic, which must end the program with status 1.

#![no_std]
#![no_main]

use firmware::entry;

#[entry]
fn main() -> ! {
    panic!("as wanted")
}
