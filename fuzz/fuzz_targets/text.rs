//! Parsing, printing, digit counts and windows of digits, against num-bigint and `str`.
#![no_main]

use arbitrary::Arbitrary;
use fib_core::{Binary, Decimal, Inline, Natural, ParseError, Storage};
use fib_fuzz::{Run, force_kernel, limbs, naive_text};
use libfuzzer_sys::fuzz_target;
use num_bigint::BigUint;

#[derive(Arbitrary, Debug)]
enum Text<'a> {
    /// Any text, whether it is a number or not.
    Any(&'a str),
    /// Leading zeros, and a number made of limbs.
    Number(u8, Vec<Run>),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    kernel: u8,
    width: u8,
    windows: [(u16, u16); 3],
    text: Text<'a>,
    bytes: &'a [u8],
}

fuzz_target!(|input: Input| {
    force_kernel(input.kernel);
    let text = match &input.text {
        Text::Any(text) => (*text).to_owned(),
        Text::Number(zeros, runs) => "0".repeat((*zeros).into()) + &naive_text(&limbs(runs, &[], Decimal::BASE - 1)),
    };
    decimal(&input, &text);
    binary(&input);
});

/// `text` without the sign before its digits.
fn unsigned(text: &str) -> &str {
    text.strip_prefix('+').filter(|digits| !digits.is_empty()).unwrap_or(text)
}

/// `text` without sign and leading zeros, if it is a number.
fn canonical(text: &str) -> Option<&str> {
    let text = unsigned(text);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| match text.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    })
}

fn decimal(input: &Input, text: &str) {
    let expected = canonical(text);
    let parsed = text.parse::<Natural>();
    let Some(expected) = expected else {
        let sign = text.len() - unsigned(text).len();
        let offset = unsigned(text).bytes().position(|byte| !byte.is_ascii_digit()).map(|offset| sign + offset);
        let error = offset
            .map_or(ParseError::Empty, |offset| ParseError::InvalidDigit { byte: text.as_bytes()[offset], offset });
        assert_eq!(parsed, Err(error));
        assert_eq!(text.parse::<Natural<Decimal, Inline<0>>>(), Err(error));
        return;
    };
    let number = parsed.expect("digits");
    assert_eq!(BigUint::parse_bytes(text.as_bytes(), 10).expect("digits").to_string(), expected);
    prints(&number, input, expected);
    match text.parse::<Natural<Decimal, Inline<3>>>() {
        Ok(inline) => {
            assert_eq!(inline.limbs(), number.limbs());
            prints(&inline, input, expected);
        }
        Err(error) => {
            assert!(matches!(error, ParseError::TooLong(_)) && number.limbs().len() > 3, "{error}");
        }
    }
}

fn prints<S: Storage>(number: &Natural<Decimal, S>, input: &Input, expected: &str) {
    assert_eq!(number.to_string(), expected);
    assert_eq!(number.digit_count(), expected.len());
    let width = usize::from(input.width);
    assert_eq!(format!("{number:width$}"), format!("{expected:>width$}"));
    assert_eq!(format!("{number:*<width$}"), format!("{expected:*<width$}"));
    assert_eq!(format!("{number:é^width$}"), format!("{expected:é^width$}"));
    assert_eq!(format!("{number:0width$}"), format!("{expected:0>width$}"));
    assert_eq!(format!("{number:+}"), format!("+{expected}"));
    for (from, len) in input.windows {
        let (from, len) = (usize::from(from), usize::from(len) % 4_096);
        // Seven of eight windows begin within the number or just after it.
        let from = if input.width.is_multiple_of(8) { from } else { from % (expected.len() + 2) };
        let mut out = vec![b'#'; len];
        let count = number.copy_digits(from, &mut out);
        let window = expected.as_bytes().get(from..).unwrap_or(&[]);
        assert_eq!(count, window.len().min(len));
        assert!(out[..count] == window[..count] && out[count..].iter().all(|&byte| byte == b'#'));
    }
}

fn binary(input: &Input) {
    let bytes = &input.bytes[..input.bytes.len().min(400)];
    let number = Natural::<Binary>::from_le_bytes(bytes).expect("memory");
    let expected = BigUint::from_bytes_le(bytes);
    let width = usize::from(input.width);
    assert_eq!(number.to_string(), expected.to_string());
    assert_eq!(format!("{number:x}"), format!("{expected:x}"));
    assert_eq!(format!("{number:#0width$x}"), format!("{expected:#0width$x}"));
    assert_eq!(format!("{number:+<#width$x}"), format!("{expected:+<#width$x}"));
    let significant = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    assert!(number.le_bytes().eq(bytes[..significant].iter().copied()));
    let inline = Natural::<Binary, Inline<2>>::from_le_bytes(bytes);
    assert_eq!(inline.is_ok(), number.limbs().len() <= 2);
    assert!(inline.is_ok_and(|inline| inline.limbs() == number.limbs()) || number.limbs().len() > 2);
}
