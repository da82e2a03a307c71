//! Which names the service answers to.
//!
//! A page elsewhere can point a name of its own at 127.0.0.1 (DNS rebinding), and its scripts would then take numbers from a
//! service on the reader's machine. `Host` then contains that name. So a connection that arrives at a loopback address is
//! checked, whatever other addresses the service listens on.

use std::cell::RefCell;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use hyper::Version;
use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::{StatusCode, http::uri::Scheme};

use crate::http::response::Problem;

/// A name that a client may use for this service, `*.NAME` for all names below one, or `*` for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_prefix("*.").filter(|name| !name.starts_with('[')).unwrap_or(text);
        if text == "*" || !name.contains('*') && host_of(name).is_some_and(|host| host.len() == name.len()) {
            Ok(Self(without_dot(text).to_ascii_lowercase()))
        } else {
            Err(HostNameError)
        }
    }
}

impl HostName {
    /// Whether `host`, which does not end with a dot, is this name or below it.
    fn matches(&self, host: &str) -> bool {
        let (name, host) = (self.0.as_bytes(), host.as_bytes());
        match name.strip_prefix(b"*") {
            Some(suffix) => host.len() > suffix.len() && host[host.len() - suffix.len()..].eq_ignore_ascii_case(suffix),
            None => name.eq_ignore_ascii_case(host),
        }
    }
}

/// The text is not a [`HostName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostNameError;

impl fmt::Display for HostNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a host name without a port, `*.NAME`, or `*`")
    }
}

impl std::error::Error for HostNameError {}

/// The names that the service answers to. IP literals and `localhost` are always among them: no page elsewhere can own them.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    allowed: Vec<HostName>,
    /// The last `Host` that passed, on other connections and on those over loopback. Most requests have the same one, and
    /// comparing it costs less than checking it.
    passed: [RefCell<Vec<u8>>; 2],
}

impl Hosts {
    /// The `allowed` names. If none is given, every name on connections that do not arrive at a loopback address.
    pub(crate) fn new(allowed: &[HostName]) -> Self {
        Self { allowed: allowed.to_vec(), passed: Default::default() }
    }

    /// Checks `Host`, and the authority of a target in absolute form, which takes precedence (RFC 9112, section 3.2.2).
    /// `is_loopback` says whether the connection arrives at a loopback address.
    ///
    /// # Errors
    /// 400 if the host is missing or malformed, 421 if the service does not answer to it.
    pub(crate) fn check(&self, head: &Parts, is_loopback: bool) -> Result<(), Problem> {
        // Comparing the names of a few fields costs less than a lookup.
        let mut fields = head.headers.iter().filter(|(name, _)| *name == HOST).map(|(_, field)| field);
        let field = match (fields.next(), fields.next()) {
            (Some(field), None) => Some(field),
            (None, _) if head.version == Version::HTTP_11 => return Err(bad("Host is missing.")),
            (None, _) => None,
            (Some(_), Some(_)) => return Err(bad("There is more than one Host.")),
        };
        let only_field = field.filter(|_| head.uri.authority().is_none());
        let passed = &self.passed[usize::from(is_loopback)];
        if only_field.is_some_and(|field| *passed.borrow() == field.as_bytes()) {
            return Ok(());
        }
        let mut host = match field {
            Some(field) => Some(field.to_str().ok().and_then(host_of).ok_or_else(|| bad("Host is malformed."))?),
            None => None,
        };
        if let Some(authority) = head.uri.authority() {
            if !head.uri.scheme().is_some_and(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS) {
                return Err(bad("The target's scheme is not http."));
            }
            host = Some(host_of(authority.as_str()).ok_or_else(|| bad("The target's host is malformed."))?);
        }
        match host {
            Some(host) if !self.answers_to(host, is_loopback) => Err(misdirected()),
            _ => {
                if let Some(field) = only_field {
                    let mut passed = passed.borrow_mut();
                    passed.clear();
                    passed.extend_from_slice(field.as_bytes());
                }
                Ok(())
            }
        }
    }

    fn answers_to(&self, host: &str, is_loopback: bool) -> bool {
        let host = without_dot(host);
        (self.allowed.is_empty() && !is_loopback)
            || host.eq_ignore_ascii_case("localhost")
            || host.starts_with('[')
            || host.parse::<Ipv4Addr>().is_ok()
            || self.allowed.iter().any(|name| name.matches(host))
    }
}

/// The host of `uri-host [ ":" port ]` (RFC 9110, section 7.2); `None` if that is malformed or empty.
fn host_of(text: &str) -> Option<&str> {
    split_port(text).map(|(host, _)| host)
}

/// The host and the port of `uri-host [ ":" port ]`, the latter empty if there is none.
pub(super) fn split_port(text: &str) -> Option<(&str, &str)> {
    let end = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, _) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            address.len() + 2
        }
        None => text.bytes().position(|byte| byte == b':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(end);
    let port = if rest.is_empty() { rest } else { rest.strip_prefix(':')? };
    let well_formed = host.starts_with('[') || (!host.is_empty() && is_registered_name(host));
    (well_formed && is_port(port)).then_some((host, port))
}

/// `reg-name` of RFC 3986, section 3.2.2.
fn is_registered_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => {
                true
            }
            b'%' => (0..2).all(|_| bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric(),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// Whether it can be what follows the colon, where a port may be left out.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && (text.is_empty() || text.parse::<u16>().is_ok())
}

/// The name without the final dot that makes it absolute.
fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

fn bad(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "host", detail)
}

fn misdirected() -> Problem {
    let detail = "This service does not answer to that name. Its operator can add names with --allowed-host.";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "host", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    #[test]
    fn hosts_are_parsed() {
        for (text, host) in [
            ("localhost", "localhost"),
            ("localhost:", "localhost"),
            ("localhost:8080", "localhost"),
            ("127.0.0.1:8080", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[::1]:8080", "[::1]"),
            ("a_b-c.example.", "a_b-c.example."),
            ("%41", "%41"),
        ] {
            assert_eq!(host_of(text), Some(host), "{text}");
        }
        for text in [
            "",
            ":80",
            "a b",
            "a:b",
            "a:65536",
            "a:80:80",
            "a/b",
            "user@a",
            "::1",
            "[::1",
            "[::1]80",
            "[v1.x]",
            "[a]",
            "%4",
            "%4x",
            "a,b c",
            "ä",
            "a\tb",
            "[::1%25lo]",
        ] {
            assert_eq!(host_of(text), None, "{text}");
        }
    }

    /// The names that are answered to, and whether the connection arrives at a loopback address.
    type Case<'a> = (&'a Hosts, bool);

    fn status((hosts, is_loopback): Case<'_>, version: Version, target: &str, fields: &[&str]) -> u16 {
        let mut request = Request::builder().version(version).uri(target);
        for field in fields {
            request = request.header(HOST, *field);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        hosts.check(&head, is_loopback).map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn unknown_names_are_refused() {
        let names = |names: &[&str]| names.iter().map(|name| name.parse().expect("a name")).collect::<Vec<HostName>>();
        let none = Hosts::new(&[]);
        let named = Hosts::new(&names(&["Fib.example", "other.example."]));
        let any = Hosts::new(&names(&["x.example", "*"]));
        let (loopback, public) = ((&none, true), (&none, false));
        for (host, expected) in [
            ("localhost", [200; 4]),
            ("LOCALHOST.:80", [200; 4]),
            ("192.0.2.1", [200; 4]),
            ("[2001:db8::1]:80", [200; 4]),
            ("fib.example:8080", [421, 200, 200, 200]),
            ("OTHER.example.", [421, 200, 200, 200]),
            ("evil.example", [421, 200, 421, 200]),
            ("1.2.3.4.5", [421, 200, 421, 200]),
            ("localhost.evil.example", [421, 200, 421, 200]),
            ("a b", [400; 4]),
            ("", [400; 4]),
        ] {
            // The other one first, since what has passed on one connection is remembered.
            for loopback_too in [false, true] {
                let cases = [loopback, public, (&named, loopback_too), (&any, loopback_too)];
                for (case, expected) in cases.into_iter().zip(expected).rev() {
                    assert_eq!(status(case, Version::HTTP_11, "/", &[host]), expected, "{host} {}", case.1);
                    // A target in absolute form takes precedence, but Host must be well-formed as well.
                    let target = format!("http://{host}/");
                    if expected != 400 {
                        let fields = ["elsewhere.example"];
                        assert_eq!(status(case, Version::HTTP_11, &target, &fields), expected, "{target} {}", case.1);
                    }
                }
            }
        }
        let any = (&any, true);
        assert_eq!(status(loopback, Version::HTTP_11, "/", &[]), 400);
        assert_eq!(status(loopback, Version::HTTP_10, "/", &[]), 200);
        assert_eq!(status(any, Version::HTTP_10, "/", &["localhost", "localhost"]), 400);
        assert_eq!(status(any, Version::HTTP_11, "http://localhost/", &[]), 400);
        assert_eq!(status(any, Version::HTTP_11, "http://user@localhost/", &["localhost"]), 400);
        assert_eq!(status(any, Version::HTTP_11, "ftp://localhost/", &["localhost"]), 400);
    }

    #[test]
    fn an_asterisk_stands_for_one_label_or_more() {
        let below = Hosts::new(&["*.Fib.example".parse().expect("a name")]);
        for (host, expected) in [
            ("a.fib.example", 200),
            ("A.B.FIB.example.:80", 200),
            ("fib.example", 421),
            (".fib.example", 421),
            ("afib.example", 421),
            ("a.fib.example.org", 421),
            ("*.fib.example", 200),
            ("localhost", 200),
        ] {
            assert_eq!(status((&below, true), Version::HTTP_11, "/", &[host]), expected, "{host}");
        }
    }

    #[test]
    fn allowed_names_are_checked() {
        for good in ["*", "fib.example", "*.example", "*.fib.example.", "192.0.2.1", "[::1]", "a.b."] {
            assert!(good.parse::<HostName>().is_ok(), "{good}");
        }
        for bad in
            ["", "a:80", "http://a", "a/b", "a b", "*:80", "*.", "*.*", "*.a:80", "*.[::1]", "*a", "a.*", "a*.b", "**"]
        {
            assert_eq!(bad.parse::<HostName>(), Err(HostNameError), "{bad}");
        }
    }
}
