//! What a request asks for, and whether it may be answered.

pub(crate) mod accept;
pub(crate) mod body;
pub(crate) mod expect;
mod fetch_metadata;
pub(crate) mod host;
pub(crate) mod route;
pub(crate) mod target;

use hyper::http::request::Parts;

use self::host::Hosts;
use self::route::Route;
use super::response::Problem;

/// Makes all checks of a request's head, each once. Nothing of the body is needed for them.
///
/// # Errors
/// The first check that fails.
pub(crate) fn check(head: &Parts, route: Route<'_>, hosts: &Hosts) -> Result<(), Problem> {
    target::check(head)?;
    hosts.check(head)?;
    expect::check(&head.headers)?;
    route.check(&head.method)?;
    if route == Route::Number {
        fetch_metadata::check(&head.headers)?;
    }
    Ok(())
}
