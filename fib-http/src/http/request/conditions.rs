//! Preconditions (RFC 9110, section 13): whether the representation that the client has in mind is the current one.
//!
//! Nothing here has a date, so the conditions about dates do not apply. Preconditions are evaluated after all checks that could
//! refuse the request without them (section 13.2.1).

use hyper::header::{AsHeaderName, HeaderMap, IF_MATCH, IF_NONE_MATCH};
use hyper::{Response, StatusCode};

use super::list::split;
use crate::http::response::{Payload, Problem};

/// What follows from the preconditions that do not forbid an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Proceed,
    /// The client has the current representation: 304.
    NotModified,
}

/// Evaluates `If-Match` and `If-None-Match` of a `GET` or `HEAD`, for a representation with this strong entity-tag, or
/// without one. `*` matches both.
///
/// # Errors
/// 412 if `If-Match` matches nothing.
pub(crate) fn evaluate(headers: &HeaderMap, tag: Option<&str>) -> Result<Outcome, Problem> {
    if headers.contains_key(IF_MATCH) && !any(headers, IF_MATCH, |candidate| Some(candidate) == tag) {
        let detail = "If-Match does not match what would be sent.";
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "condition", detail));
    }
    // This comparison is the weak one.
    let without_weakness = |candidate: &str| Some(candidate.strip_prefix("W/").unwrap_or(candidate)) == tag;
    if any(headers, IF_NONE_MATCH, without_weakness) {
        return Ok(Outcome::NotModified);
    }
    Ok(Outcome::Proceed)
}

/// What becomes of `response`, a success without an entity-tag, under the preconditions in `headers`. A 304 keeps its caching
/// fields.
///
/// # Errors
/// As [`evaluate`].
pub(crate) fn apply(headers: &HeaderMap, mut response: Response<Payload>) -> Result<Response<Payload>, Problem> {
    if evaluate(headers, None)? == Outcome::NotModified {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Payload::default();
    }
    Ok(response)
}

/// Whether any element of the field is `*` or fulfils `matches`.
fn any(headers: &HeaderMap, name: impl AsHeaderName, matches: impl Fn(&str) -> bool) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| split(line, ',')).map(str::trim).any(|candidate| candidate == "*" || matches(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_evaluated() {
        const TAG: Option<&str> = Some("\"a\"");
        for (name, value, without_tag, with_tag) in [
            ("x", "y", 200, 200),
            ("if-match", "*", 200, 200),
            ("if-match", "\"a\"", 412, 200),
            ("if-match", "\"b\", \"a\"", 412, 200),
            ("if-match", "\"b\"", 412, 412),
            ("if-match", "W/\"a\"", 412, 412),
            ("if-match", "a", 412, 412),
            ("if-match", "\"b,\"a\"\"", 412, 412),
            ("if-match", "", 412, 412),
            ("if-none-match", "*", 304, 304),
            ("if-none-match", "\"a\"", 200, 304),
            ("if-none-match", "W/\"a\"", 200, 304),
            ("if-none-match", "\"b\" , W/\"a\"", 200, 304),
            ("if-none-match", "\"b\"", 200, 200),
            ("if-none-match", "", 200, 200),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a value"));
            for (tag, status) in [(None, without_tag), (TAG, with_tag)] {
                let seen = match evaluate(&headers, tag) {
                    Ok(Outcome::Proceed) => 200,
                    Ok(Outcome::NotModified) => 304,
                    Err(problem) => problem.status().as_u16(),
                };
                assert_eq!(seen, status, "{name}: {value}, {tag:?}");
            }
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(IF_MATCH, "\"b\"".parse().expect("a value"));
        headers.append(IF_MATCH, "\"a\"".parse().expect("a value"));
        assert!(evaluate(&headers, Some("\"a\"")).is_ok());
        assert!(evaluate(&headers, Some("\"c\"")).is_err());
    }
}
