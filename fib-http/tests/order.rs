//! Every number goes out once, in order, and is right.

mod common;

use std::fmt::Write;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::{Client, Server};
use num_bigint::BigUint;

/// A decimal number by schoolbook addition in base 10^36, the least significant place first.
///
/// Not num-bigint, which takes 40 seconds to write a hundred thousand numbers in decimal; it checks some of them.
#[derive(Default)]
struct Schoolbook(Vec<u128>);

impl Schoolbook {
    const BASE: u128 = 10_u128.pow(36);

    fn add(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        let mut carry = 0;
        for (place, digits) in self.0.iter_mut().enumerate() {
            let sum = *digits + other.0.get(place).unwrap_or(&0) + carry;
            carry = sum / Self::BASE;
            *digits = sum % Self::BASE;
        }
        if carry > 0 {
            self.0.push(carry);
        }
    }

    fn write_to(&self, text: &mut String) {
        text.clear();
        let mut places = self.0.iter().rev();
        write!(text, "{}", places.next().unwrap_or(&0)).expect("memory");
        for digits in places {
            write!(text, "{digits:036}").expect("memory");
        }
    }
}

#[test]
fn the_first_numbers() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let numbers: Vec<String> = (0..12).map(|_| client.number().text().to_owned()).collect();
    assert_eq!(numbers.join(" "), "0 1 1 2 3 5 8 13 21 34 55 89");
    drop(client);
    assert_eq!(server.stop(), 12);
}

#[test]
fn ten_thousand_requests_over_64_connections_get_each_number_once() {
    const REQUESTS: usize = 10_000;
    const CONNECTIONS: usize = 64;

    let server = Server::start(&[]);
    let sent = AtomicUsize::new(0);
    let run = |mut client: Client| {
        let mut indices = Vec::new();
        while sent.fetch_add(1, Ordering::Relaxed) < REQUESTS {
            indices.push(client.number().index());
        }
        indices
    };
    let per_connection: Vec<Vec<u64>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let client = server.connect();
                scope.spawn(move || run(client))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    for indices in &per_connection {
        assert!(indices.is_sorted_by(|a, b| a < b), "{indices:?}");
    }
    let mut all = per_connection.concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..REQUESTS as u64));
    assert_eq!(server.stop(), REQUESTS as u64);
}

/// The service that this one succeeds died at number 20,578, the first one with 4,301 digits; this goes well past.
#[test]
fn a_hundred_thousand_numbers_are_right() {
    const REQUESTS: u64 = 100_000;

    let server = Server::start(&[]);
    let mut clients: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    let (mut reference, mut after) = (Schoolbook::default(), Schoolbook(vec![1]));
    let (mut big, mut big_after) = (BigUint::ZERO, BigUint::from(1_u8));
    let mut expected = String::new();
    for index in 0..REQUESTS {
        let client = &mut clients[usize::try_from(index % 8).expect("small")];
        let response = client.number();
        assert_eq!(response.index(), index);
        reference.write_to(&mut expected);
        assert!(response.body == expected.as_bytes(), "F({index}): {}", response.text());
        reference.add(&after);
        mem::swap(&mut reference, &mut after);
        if index % 1000 == 0 {
            assert_eq!(response.text(), big.to_string());
        }
        big += &big_after;
        mem::swap(&mut big, &mut big_after);
        assert!(index != 20_578 || response.body.len() == 4301);
    }
    drop(clients);
    assert_eq!(server.stop(), REQUESTS);
}
