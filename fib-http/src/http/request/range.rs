//! Which part of a representation a client asks for (RFC 9110, section 14).

use std::ops::Range;

use hyper::header::{HeaderMap, IF_RANGE, RANGE};

/// A part of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// One range of bytes, which is not empty.
    Range(Range<u64>),
    /// A range that contains no byte of it: 416.
    Unsatisfiable,
}

/// The part that a `GET` asks for, of a representation of `length` bytes with this strong entity-tag.
///
/// What is malformed, has another unit, or asks for several ranges is ignored, as section 14.2 allows. So is a range on the
/// condition that the client has another representation (`If-Range`).
pub(crate) fn requested(headers: &HeaderMap, tag: &str, length: u64) -> Part {
    let mut lines = headers.get_all(RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Part::Whole };
    // A weak entity-tag or a date never matches.
    if headers.get_all(IF_RANGE).iter().any(|condition| condition.as_bytes() != tag.as_bytes()) {
        return Part::Whole;
    }
    line.to_str().ok().and_then(|line| parse(line, length)).unwrap_or(Part::Whole)
}

/// `None` if the text is not one range of bytes.
fn parse(text: &str, length: u64) -> Option<Part> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim_matches([' ', '\t']).split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let range = match (first, last) {
        ("", count) => length.saturating_sub(number(count)?)..length,
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some(if range.is_empty() { Part::Unsatisfiable } else { Part::Range(range) })
}

/// A number of any length; one that is too long for a `u64` is beyond every representation.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"a\"";

    #[track_caller]
    fn check(fields: &[(&'static str, &str)], expected: &Part) {
        let mut headers = HeaderMap::new();
        for &(name, value) in fields {
            headers.append(name, value.parse().expect("a value"));
        }
        assert_eq!(requested(&headers, TAG, 10), *expected, "{fields:?}");
    }

    #[test]
    fn one_range_is_a_part() {
        for (text, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-9", 0..10),
            ("bytes=2-5", 2..6),
            ("bytes=9-", 9..10),
            ("bytes=0-", 0..10),
            ("bytes=8-99", 8..10),
            ("bytes=8-99999999999999999999999", 8..10),
            ("bytes=-1", 9..10),
            ("bytes=-10", 0..10),
            ("bytes=-11", 0..10),
            ("bytes=-99999999999999999999999", 0..10),
            ("BYTES=007-8", 7..9),
            ("bytes= 1-2 ", 1..3),
        ] {
            check(&[("range", text)], &Part::Range(range));
        }
        for text in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            check(&[("range", text)], &Part::Unsatisfiable);
        }
    }

    #[test]
    fn what_is_not_one_range_of_bytes_is_ignored() {
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=--1",
            "bytes=1 - 2",
            "bytes=0-1,3-4",
            "bytes=0-1,",
            "digits=0-1",
            "bytes =0-1",
            "bytes=0x1-2",
            "bytes=\u{662}-",
        ] {
            check(&[("range", text)], &Part::Whole);
        }
        check(&[("range", "bytes=0-1"), ("range", "bytes=0-1")], &Part::Whole);
        check(&[], &Part::Whole);
    }

    #[test]
    fn a_range_can_depend_on_what_the_client_has() {
        for (condition, holds) in [
            (TAG, true),
            ("\"b\"", false),
            ("W/\"a\"", false),
            ("*", false),
            ("", false),
            ("Fri, 01 Jan 2100 00:00:00 GMT", false),
        ] {
            let part = if holds { Part::Range(0..2) } else { Part::Whole };
            check(&[("range", "bytes=0-1"), ("if-range", condition)], &part);
        }
        check(&[("range", "bytes=10-"), ("if-range", "\"b\"")], &Part::Whole);
        check(&[("range", "bytes=0-1"), ("if-range", TAG), ("if-range", "\"b\"")], &Part::Whole);
    }
}
