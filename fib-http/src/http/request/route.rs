//! What a request asks for.

use hyper::header::ALLOW;
use hyper::{Method, StatusCode};

use crate::http::response::Problem;

/// What the paths of numbers begin with that are asked for by index.
const BY_INDEX: &str = "/fibonacci/";

/// Where the documentation is.
pub(crate) const DOCS: &str = "/docs/";

/// What a request asks for, according to its path. The query does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The next number.
    Number,
    /// One number after the other.
    Stream,
    /// The number with this index.
    ByIndex(u64),
    /// A number by something that is not an index.
    BadIndex(IndexError),
    Healthy,
    Ready,
    Metrics,
    /// The documentation's path without the final slash that its relative links need.
    DocsWithoutSlash,
    /// Below `/docs/`, where the files of the documentation are.
    Docs,
    OpenApi,
    Favicon,
    Robots,
    /// The server as a whole, the target of `OPTIONS *`.
    Server,
    /// Nothing that exists.
    Unknown,
}

impl Route {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/" => Self::Number,
            "/stream" => Self::Stream,
            "/healthz" => Self::Healthy,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/docs" => Self::DocsWithoutSlash,
            "/openapi.json" => Self::OpenApi,
            "/favicon.ico" => Self::Favicon,
            "/robots.txt" => Self::Robots,
            "*" => Self::Server,
            path if path.starts_with(DOCS) => Self::Docs,
            path => match path.strip_prefix(BY_INDEX) {
                Some(index) => parse_index(index).map_or_else(Self::BadIndex, Self::ByIndex),
                None => Self::Unknown,
            },
        }
    }

    /// The route's name in the metrics. Unknown paths share one name, since clients can make up any number of them.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Number => "/",
            Self::Stream => "/stream",
            Self::ByIndex(_) | Self::BadIndex(_) => "/fibonacci",
            Self::Healthy => "/healthz",
            Self::Ready => "/readyz",
            Self::Metrics => "/metrics",
            Self::DocsWithoutSlash | Self::Docs => "/docs",
            Self::OpenApi => "/openapi.json",
            Self::Favicon => "/favicon.ico",
            Self::Robots => "/robots.txt",
            Self::Server => "*",
            Self::Unknown => "other",
        }
    }

    /// Whether a `GET` consumes numbers.
    pub(crate) fn takes_numbers(self) -> bool {
        matches!(self, Self::Number | Self::Stream)
    }

    /// Whether it tells operators how the service is.
    pub(crate) fn is_for_operators(self) -> bool {
        matches!(self, Self::Healthy | Self::Ready | Self::Metrics)
    }

    /// The methods that it allows, as a value of `Allow`.
    pub(crate) fn allowed(self) -> &'static str {
        if self.has_options() { "GET, HEAD, OPTIONS" } else { "GET, HEAD" }
    }

    /// Whether it answers `OPTIONS`. Browsers ask for the options of a number before a page of another site may ask for parts
    /// of it.
    fn has_options(self) -> bool {
        matches!(self, Self::Server | Self::ByIndex(_))
    }

    /// Checks that the service knows `method`, that the route exists, and that it allows `method`.
    ///
    /// # Errors
    /// 501, 404 or 405.
    pub(crate) fn check(self, method: &Method) -> Result<(), Problem> {
        match *method {
            Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::DELETE
            | Method::OPTIONS
            | Method::TRACE
            | Method::PATCH
            | Method::QUERY => {}
            _ => {
                let detail = "The service does not know this method. GET and HEAD are allowed.";
                return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "method", detail));
            }
        }
        match (self, method) {
            (Self::Unknown, _) => Err(not_found()),
            (Self::BadIndex(error), _) => Err(Problem::new(StatusCode::NOT_FOUND, "index", error.detail())),
            (_, &Method::GET | &Method::HEAD) => Ok(()),
            (_, &Method::OPTIONS) if self.has_options() => Ok(()),
            _ => {
                let detail = "This method is not allowed here. The field Allow lists those that are.";
                Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail).with(ALLOW, self.allowed()))
            }
        }
    }
}

/// What keeps text from being an index. There is one way to write each, so that each number has one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexError {
    Missing,
    NotDecimal,
    LeadingZeros,
    TooLarge,
}

impl IndexError {
    fn detail(self) -> &'static str {
        match self {
            Self::Missing => "The index is missing: /fibonacci/10 is F(10).",
            Self::NotDecimal => "The index may consist of decimal digits only: /fibonacci/10 is F(10).",
            Self::LeadingZeros => "The index has leading zeros. Remove them.",
            Self::TooLarge => "The largest index is 18446744073709551615.",
        }
    }
}

fn parse_index(text: &str) -> Result<u64, IndexError> {
    match text.as_bytes() {
        [] => Err(IndexError::Missing),
        digits if !digits.iter().all(u8::is_ascii_digit) => Err(IndexError::NotDecimal),
        [b'0', _, ..] => Err(IndexError::LeadingZeros),
        _ => text.parse().map_err(|_| IndexError::TooLarge),
    }
}

/// 404.
pub(crate) fn not_found() -> Problem {
    let detail =
        "Nothing exists at this path. GET / returns the next Fibonacci number, /docs/ describes the interface.";
    Problem::new(StatusCode::NOT_FOUND, "path", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_plain_decimal() {
        for (path, route) in [
            ("/fibonacci/0", Route::ByIndex(0)),
            ("/fibonacci/10", Route::ByIndex(10)),
            ("/fibonacci/18446744073709551615", Route::ByIndex(u64::MAX)),
            ("/fibonacci/18446744073709551616", Route::BadIndex(IndexError::TooLarge)),
            ("/fibonacci/", Route::BadIndex(IndexError::Missing)),
            ("/fibonacci/+1", Route::BadIndex(IndexError::NotDecimal)),
            ("/fibonacci/-1", Route::BadIndex(IndexError::NotDecimal)),
            ("/fibonacci/1/", Route::BadIndex(IndexError::NotDecimal)),
            ("/fibonacci/1e3", Route::BadIndex(IndexError::NotDecimal)),
            ("/fibonacci/%31", Route::BadIndex(IndexError::NotDecimal)),
            ("/fibonacci/007", Route::BadIndex(IndexError::LeadingZeros)),
            ("/fibonacci/00", Route::BadIndex(IndexError::LeadingZeros)),
            ("/fibonacci", Route::Unknown),
            ("/Fibonacci/1", Route::Unknown),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }
}
