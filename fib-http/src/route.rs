//! What a request asks for.

use hyper::header::ALLOW;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Uri};

use crate::problem::Problem;

/// The longest target of a request.
pub const TARGET_BYTES: usize = 8 * 1024;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Number,
    NumberHead,
    Healthy,
    Ready,
    Metrics,
    /// The documentation's address without the slash that its relative links need.
    Docs,
    /// A file of the documentation.
    Asset(&'a str),
    OpenApi,
    Favicon,
    Robots,
}

impl<'a> Route<'a> {
    /// Path first, then method. The query does not matter.
    ///
    /// # Errors
    /// 404, or 405.
    pub(crate) fn of(head: &'a Parts) -> Result<Self, Problem> {
        let route = match head.uri.path() {
            "/" if head.method == Method::HEAD => Self::NumberHead,
            "/" => Self::Number,
            "/healthz" => Self::Healthy,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/docs" => Self::Docs,
            "/openapi.json" => Self::OpenApi,
            "/favicon.ico" => Self::Favicon,
            "/robots.txt" => Self::Robots,
            path => Self::Asset(path.strip_prefix("/docs/").ok_or_else(not_found)?),
        };
        match head.method {
            Method::GET | Method::HEAD => Ok(route),
            _ => Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "Only GET and HEAD are allowed here.")
                .with(ALLOW, "GET, HEAD")),
        }
    }
}

/// The route of `uri` as metrics name it: a known path, or `other`, since a client could make up names without end.
pub(crate) fn label(uri: &Uri) -> &'static str {
    match uri.path() {
        "/" => "/",
        "/healthz" => "/healthz",
        "/readyz" => "/readyz",
        "/metrics" => "/metrics",
        "/openapi.json" => "/openapi.json",
        "/favicon.ico" => "/favicon.ico",
        "/robots.txt" => "/robots.txt",
        path if path == "/docs" || path.starts_with("/docs/") => "/docs",
        _ => "other",
    }
}

/// Checks the form of the target (RFC 9112, section 3.2): a path, or a URI with one.
///
/// # Errors
/// 400 for the forms that are of proxies and of `OPTIONS`, 414 for what is too long.
pub(crate) fn check_target(head: &Parts) -> Result<(), Problem> {
    let uri = &head.uri;
    if head.method == Method::CONNECT {
        return Err(bad("This is no proxy.").closing());
    }
    let is_for_the_server = head.method == Method::OPTIONS && uri.path() == "*";
    if !uri.path().starts_with('/') && !is_for_the_server {
        return Err(bad("The target is neither a path nor a URI."));
    }
    let length = uri.path_and_query().map_or(0, |path| path.as_str().len())
        + uri.authority().map_or(0, |authority| authority.as_str().len());
    if length > TARGET_BYTES {
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "target", "The target has more than 8 KiB."));
    }
    Ok(())
}

/// The 404.
pub(crate) fn not_found() -> Problem {
    let detail = "Nothing is here. GET / gives the next Fibonacci number, /docs/ tells more.";
    Problem::new(StatusCode::NOT_FOUND, "path", detail)
}

fn bad(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "target", detail)
}
