//! What a request asks for.

use hyper::header::ALLOW;
use hyper::{Method, StatusCode};

use crate::http::response::Problem;

/// The methods that all routes allow, as a value of `Allow`.
pub(crate) const ALLOWED: &str = "GET, HEAD";

/// Where the documentation is.
pub(crate) const DOCS: &str = "/docs/";

/// What a request asks for, according to its path. The query does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The next number.
    Number,
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
            "/healthz" => Self::Healthy,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/docs" => Self::DocsWithoutSlash,
            "/openapi.json" => Self::OpenApi,
            "/favicon.ico" => Self::Favicon,
            "/robots.txt" => Self::Robots,
            "*" => Self::Server,
            path if path.starts_with(DOCS) => Self::Docs,
            _ => Self::Unknown,
        }
    }

    /// The route's name in the metrics. Unknown paths share one name, since clients can make up any number of them.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Number => "/",
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

    /// Whether it tells operators how the service is.
    pub(crate) fn is_for_operators(self) -> bool {
        matches!(self, Self::Healthy | Self::Ready | Self::Metrics)
    }

    /// Whether the service answers a `GET` with a representation that has no entity-tag.
    pub(crate) fn has_untagged_representation(self) -> bool {
        matches!(self, Self::Number | Self::Healthy | Self::Ready | Self::Metrics | Self::Robots)
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
            (_, &Method::GET | &Method::HEAD) | (Self::Server, &Method::OPTIONS) => Ok(()),
            _ => {
                let detail = "Only GET and HEAD are allowed here.";
                Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail).with(ALLOW, ALLOWED))
            }
        }
    }
}

/// 404.
pub(crate) fn not_found() -> Problem {
    let detail =
        "Nothing exists at this path. GET / returns the next Fibonacci number, /docs/ describes the interface.";
    Problem::new(StatusCode::NOT_FOUND, "path", detail)
}
