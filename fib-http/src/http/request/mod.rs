//! What a request asks for, and the checks that it has to pass.

pub(crate) mod accept;
pub(crate) mod accept_encoding;
pub(crate) mod body;
pub(crate) mod conditions;
pub(crate) mod expect;
mod fetch_metadata;
mod fields;
pub(crate) mod host;
mod list;
pub(crate) mod malformed;
pub(crate) mod query;
pub(crate) mod range;
pub(crate) mod route;
pub(crate) mod target;
mod transfer_coding;

use hyper::http::request::Parts;

pub(crate) use self::fields::Fields;
use self::host::Hosts;
use self::route::Route;
use super::response::Problem;

/// Makes all checks of a request's head that need no representation. None of them needs the body.
/// `is_loopback` says whether the connection arrives at a loopback address.
///
/// # Errors
/// The problem that the first failing check reports.
pub(crate) fn check(
    head: &Parts,
    fields: Fields,
    route: Route,
    hosts: &Hosts,
    is_loopback: bool,
) -> Result<(), Problem> {
    target::check(head)?;
    hosts.check(head, is_loopback)?;
    if fields.transfer_encoding {
        transfer_coding::check(&head.headers)?;
    }
    if fields.expect {
        expect::check(&head.headers)?;
    }
    route.check(&head.method)?;
    if route.takes_numbers() && fields.fetch_metadata {
        fetch_metadata::check(head)?;
    }
    Ok(())
}
