//! Which form of a number a client asks for (RFC 9110, section 12.5.1).

use hyper::header::{ACCEPT, HeaderMap};

use super::list::{split, weight};

/// Whether `Accept` gives `text/plain` a higher weight than `application/json`, or names `text/html` and not
/// `application/json`: a browser that shows a number gets text, since its viewers of JSON lose digits.
///
/// The most specific range that matches a type determines its weight; malformed ranges are ignored.
pub(crate) fn prefers_text(headers: &HeaderMap) -> bool {
    let mut text = Preference::default();
    let mut json = Preference::default();
    let mut html = false;
    for range in ranges(headers) {
        text.consider("text", "plain", &range);
        json.consider("application", "json", &range);
        html |= range.is("text", "html");
    }
    text.weight > json.weight || (html && !json.is_named())
}

/// Whether `Accept` names `text/event-stream`, as `EventSource` does.
pub(crate) fn accepts_event_stream(headers: &HeaderMap) -> bool {
    ranges(headers).any(|range| range.is("text", "event-stream") && range.weight > 0)
}

/// Whether `Accept` names the format of `OpenMetrics` with a weight above 0.
pub(crate) fn accepts_openmetrics(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| split(line, ',')).any(|element| {
        let mut parts = split(element, ';').map(str::trim);
        let names_it = parts.next().is_some_and(|range| range.eq_ignore_ascii_case("application/openmetrics-text"));
        // Its parameters are a version, a charset and an escaping scheme, all of which are optional.
        names_it && !parts.any(|part| part.strip_prefix("q=").is_some_and(|value| weight(value) == Some(0)))
    })
}

/// Whether `Accept` names `text/html`, as it does where a browser navigates, and nowhere else.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    ranges(headers).any(|range| range.is("text", "html"))
}

/// The well-formed elements of all lines of `Accept`.
fn ranges(headers: &HeaderMap) -> impl Iterator<Item = Range<'_>> {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| split(line, ',')).filter_map(Range::parse)
}

/// The weight of one type according to the most specific of the ranges seen so far, in thousandths.
#[derive(Default)]
struct Preference {
    specificity: u8,
    weight: u16,
}

impl Preference {
    fn consider(&mut self, kind: &str, subtype: &str, range: &Range<'_>) {
        let specificity = match (range.kind, range.subtype) {
            ("*", "*") => 1,
            (k, "*") if k.eq_ignore_ascii_case(kind) => 2,
            _ if range.is(kind, subtype) => 3 + u8::from(range.charset),
            _ => return,
        };
        if (specificity, range.weight) > (self.specificity, self.weight) {
            *self = Self { specificity, weight: range.weight };
        }
    }

    /// Whether a range names the type itself.
    fn is_named(&self) -> bool {
        self.specificity >= 3
    }
}

/// One element of `Accept`.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// Whether it asks for UTF-8, the only charset there is.
    charset: bool,
    weight: u16,
}

impl<'a> Range<'a> {
    /// Whether it names this type.
    fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// `None` if the element is malformed, or has a parameter that no representation here has.
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = split(element, ';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) || (kind == "*" && subtype != "*") {
            return None;
        }
        let mut range = Range { kind, subtype, charset: false, weight: 1000 };
        for parameter in parts.filter(|part| !part.is_empty()) {
            let (name, value) = parameter.split_once('=')?;
            if name.eq_ignore_ascii_case("q") {
                range.weight = weight(value)?;
                // Extensions follow the weight; they are not parameters of the type.
                break;
            }
            if !name.eq_ignore_ascii_case("charset") || !value.trim_matches('"').eq_ignore_ascii_case("utf-8") {
                return None;
            }
            range.charset = true;
        }
        Some(range)
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[track_caller]
    fn check(lines: &[&str], text: bool) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT, HeaderValue::from_bytes(line.as_bytes()).expect("a header value"));
        }
        assert_eq!(prefers_text(&headers), text, "{lines:?}");
    }

    #[test]
    fn json_unless_text_has_the_higher_weight() {
        check(&[], false);
        for (accept, text) in [
            ("", false),
            ("*/*", false),
            ("application/json", false),
            ("text/plain", true),
            ("TEXT/Plain", true),
            ("text/*", true),
            ("text/plain, application/json", false),
            ("text/plain, application/json;q=0.9", true),
            ("text/plain;q=0.9, application/json", false),
            ("text/plain;q=0.001", true),
            ("text/plain;q=0", false),
            ("text/plain;q=0.000", false),
            ("text/plain, */*", false),
            ("text/plain, */*;q=0.1", true),
            ("application/json;q=0, */*", true),
            ("application/json;q=0.5, */*;q=0.6", true),
            ("application/*;q=0.2, text/*;q=0.3", true),
            ("text/*;q=0.9, text/plain;q=0.1, application/json;q=0.5", false),
            ("*/*;q=0.9, text/*;q=0.1", false),
            ("*/*;q=0.1, text/*;q=0.9", true),
            ("image/png", false),
            ("text/html", true),
            ("text/html, application/json", false),
            ("text/html, application/json;q=0.1", false),
            // What browsers send when they navigate, and for images and scripts.
            ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", false),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
                true,
            ),
        ] {
            check(&[accept], text);
        }
    }

    #[test]
    fn parameters_must_match_the_representations() {
        check(&["text/plain;charset=utf-8"], true);
        check(&["text/plain; charset=\"UTF-8\""], true);
        check(&["text/plain;charset=iso-8859-1"], false);
        check(&["text/plain;format=flowed"], false);
        check(&["application/json;charset=utf-8, text/plain;q=0.5"], false);
        check(&["text/plain;q=0.1, text/plain;charset=utf-8, application/json;q=0.5"], true);
        check(&["text/plain;q=0.5;extension=1, application/json;q=0.4"], true);
    }

    #[test]
    fn openmetrics_has_to_be_named() {
        for (accept, named) in [
            ("*/*", false),
            ("application/*", false),
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", false),
            ("application/openmetrics-text", true),
            ("application/openmetrics-text;q=0", false),
            // What Prometheus sends.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                true,
            ),
            ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.5", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepts_openmetrics(&headers), named, "{accept}");
        }
    }

    #[test]
    fn an_event_stream_has_to_be_named() {
        for (accept, named) in [
            ("text/event-stream", true),
            ("Text/Event-Stream;q=0.1, */*", true),
            ("text/event-stream;q=0", false),
            ("text/*", false),
            ("*/*", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepts_event_stream(&headers), named, "{accept}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        check(&["application/json;q=0.5", "text/plain"], true);
        check(&["text/plain;q=0.5", "application/json"], false);
        check(&["\u{fc}", "text/plain"], true);
    }

    #[test]
    fn malformed_elements_are_ignored() {
        for malformed in [
            "text",
            "/",
            "text/",
            "/plain",
            "*/plain",
            "text /plain",
            "text/plain;q",
            "text/plain;q=",
            "text/plain;q=2",
            "text/plain;q=1.001",
            "text/plain;q=0.1234",
            "text/plain;q=-0.5",
            "text/plain;q=.5",
            "text/plain;q=x",
            "text/plain;q=+1",
            "text/plain;q=0.+1",
            "text/plain;x=\"a,text/plain,b",
            ";;",
            "=",
        ] {
            check(&[malformed], false);
            check(&[&format!("{malformed},application/json;q=0.1")], false);
        }
        check(&["text, ,, text/plain , ;"], true);
        check(&["text/plain;q=1."], true);
        check(&["image/png;x=\"a, application/json, \\\" b\", text/plain;q=0.5"], true);
    }
}
