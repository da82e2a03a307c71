//! The query of `/stream`.

use hyper::StatusCode;

use crate::http::response::Problem;

/// How many numbers `query` asks for; `None` for as many as there are.
///
/// # Errors
/// 400 if it is anything but `count=N`, where N is a decimal number from 1 on, without leading zeros.
pub(crate) fn count(query: Option<&str>) -> Result<Option<u64>, Problem> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(None) };
    let is_decimal = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let count = query.strip_prefix("count=").filter(is_decimal).and_then(|count| count.parse().ok());
    count.map(Some).ok_or_else(|| {
        let detail =
            "The only parameter here is count, a decimal number from 1 to 18446744073709551615 without leading zeros.";
        Problem::new(StatusCode::BAD_REQUEST, "query", detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_decimal_number() {
        for (query, expected) in [
            (None, Some(None)),
            (Some(""), Some(None)),
            (Some("count=1"), Some(Some(1))),
            (Some("count=0010"), None),
            (Some("count=18446744073709551615"), Some(Some(u64::MAX))),
            (Some("count=18446744073709551616"), None),
            (Some("count=0"), None),
            (Some("count="), None),
            (Some("count"), None),
            (Some("count=+1"), None),
            (Some("count=-1"), None),
            (Some("count=1&count=2"), None),
            (Some("Count=1"), None),
            (Some("cuont=1"), None),
            (Some("count=1&x"), None),
        ] {
            assert_eq!(count(query).ok(), expected, "{query:?}");
        }
    }
}
