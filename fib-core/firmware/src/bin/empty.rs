//! Start and end, and the code that a panic needs. The sizes of the other programs are compared with this one.

#![no_std]
#![no_main]

use firmware::entry;

#[entry]
fn main() -> ! {
    firmware::println!("empty");
    firmware::succeed()
}
