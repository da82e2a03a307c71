//! Nothing but start and end, and what a panic would need: what others are compared with.

#![no_std]
#![no_main]

use firmware::entry;

#[entry]
fn main() -> ! {
    firmware::println!("empty");
    firmware::succeed()
}
