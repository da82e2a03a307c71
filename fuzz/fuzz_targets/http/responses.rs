//! What the clients receive: responses, and the numbers in them.

use fib_core::{Decimal, Natural};
use fib_fuzz::{PRIMES, remainder, residue};

/// Checks the responses of one connection and collects the indices of the numbers in them.
pub(crate) fn numbers(mut received: &[u8], whole: bool, refuses: bool, seen: &mut Vec<u64>) {
    let mut last = None;
    while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = std::str::from_utf8(&received[..end]).expect("ASCII");
        received = &received[end + 4..];
        let field = |name: &str| {
            let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        // What the service does not know: a method, a transfer coding, or a version.
        let unknown = matches!(status, 501 | 505);
        assert!(status < 500 || unknown || (status == 503 && refuses), "{head}");
        let index: Option<u64> = field("fibonacci-index").map(|index| index.parse().expect("an index"));
        // Whatever takes a number names its pass.
        let takes = field("fibonacci-pass").is_some();
        if let (Some(index), true, None) = (index, takes, field("content-length")) {
            assert_eq!(status, 200, "{head}");
            let is_chunked = field("transfer-encoding").is_some_and(|coding| coding == "chunked");
            let (text, rest) = if is_chunked { dechunked(received) } else { (received.to_vec(), Some(&[][..])) };
            // A stream that waits too long for a number breaks off.
            assert!(rest.is_some() || !whole || refuses, "a stream without an end");
            let is_events = field("content-type") == Some("text/event-stream");
            let count = stream(&text, is_events, index, whole);
            for index in index..index + count {
                assert!(last.replace(index).is_none_or(|last| last < index), "not in order");
                seen.push(index);
            }
            let Some(rest) = rest else { return };
            received = rest;
            continue;
        }
        let length: usize = match field("content-length").map(str::parse::<u64>) {
            // The length of a number by index may be that of no memory, after a HEAD request.
            Some(length) => usize::try_from(length.expect("a length")).expect("64 bits"),
            None => 0,
        };
        // The response to a HEAD request has the length of a body, but no body. No body begins like a response.
        let body = if received.starts_with(b"H") { &[] } else { &received[..length.min(received.len())] };
        received = &received[body.len()..];
        let Some(index) = index else { continue };
        if !takes {
            let range = field("content-range");
            assert!(matches!((status, range), (200 | 304, None) | (206, Some(_))), "{head}");
            // A HEAD request, or a response that was cut.
            if body.len() == length {
                part(index, body, range);
            } else {
                assert!(body.is_empty() || !whole, "F({index}) was cut");
            }
            continue;
        }
        assert_eq!(status, 200, "{head}");
        assert!(last.replace(index).is_none_or(|last| last < index), "not in order");
        seen.push(index);
        assert_eq!(length as u64, Decimal::digits_for(index));
        if body.len() < length {
            assert!(!whole && received.is_empty(), "F({index}) was cut");
            return;
        }
        check(index, body);
    }
    assert!(!whole || received.is_empty(), "half a response");
}

/// Checks the digits of F(`index`).
fn check(index: u64, digits: &[u8]) {
    assert!(digits.iter().all(u8::is_ascii_digit), "F({index}) has other bytes than digits");
    assert_eq!(digits.len() as u64, Decimal::digits_for(index), "F({index})");
    for m in PRIMES {
        let values = digits.iter().rev().map(|byte| u64::from(byte - b'0'));
        assert_eq!(remainder(values, 10, m), residue(index, m), "F({index}) modulo {m}");
    }
}

/// Checks a body with a number by its index, or with a part of one. It is empty after a condition that does not hold.
fn part(index: u64, body: &[u8], range: Option<&str>) {
    let Some(range) = range else {
        if !body.is_empty() {
            check(index, body);
        }
        return;
    };
    let length = Decimal::digits_for(index);
    let range = range.strip_prefix("bytes ").and_then(|range| range.strip_suffix(&format!("/{length}")));
    let (first, last) = range.and_then(|range| range.split_once('-')).expect("a range of the number");
    let (first, last): (u64, u64) = (first.parse().expect("a position"), last.parse().expect("a position"));
    assert_eq!(body.len() as u64, last - first + 1, "F({index}), {range:?}");
    assert!(last < length && body.iter().all(u8::is_ascii_digit), "F({index}), {range:?}");
    if index <= 100_000 {
        let digits = Natural::fibonacci(index).expect("memory").to_string();
        let expected = &digits.as_bytes()[first.try_into().expect("short")..=last.try_into().expect("short")];
        assert!(body == expected, "F({index}), {range:?}");
    }
}

/// The content of a chunked body, and what follows it; `None` if it has no end.
fn dechunked(mut received: &[u8]) -> (Vec<u8>, Option<&[u8]>) {
    let mut text = Vec::new();
    while let Some(end) = received.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&received[..end]).expect("ASCII");
        let size = usize::from_str_radix(size, 16).expect("a size");
        received = &received[end + 2..];
        let chunk = &received[..size.min(received.len())];
        text.extend_from_slice(chunk);
        let Some(rest) = received.get(size + 2..) else { break };
        assert_eq!(&received[size..size + 2], b"\r\n");
        received = rest;
        if size == 0 {
            return (text, Some(received));
        }
    }
    (text, None)
}

/// Checks the numbers of a stream from F(`index`) on, and counts those that are there whole.
fn stream(text: &[u8], is_events: bool, index: u64, whole: bool) -> u64 {
    let text = std::str::from_utf8(text).expect("ASCII");
    let (end, mut count, mut rest) = (if is_events { "\n\n" } else { "\n" }, 0, text);
    while let Some((number, after)) = rest.split_once(end) {
        rest = after;
        if is_events && number.starts_with(": ") {
            continue;
        }
        let start = if is_events { format!("id: {}\ndata: ", index + count) } else { String::new() };
        let digits = number.strip_prefix(&start).unwrap_or_else(|| panic!("{number:?} instead of {start:?}"));
        check(index + count, digits.as_bytes());
        count += 1;
    }
    assert!(rest.is_empty() || !whole, "a stream ends within a number: {rest:?}");
    count
}
