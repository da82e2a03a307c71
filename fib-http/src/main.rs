//! fib-http
fn main() {}
