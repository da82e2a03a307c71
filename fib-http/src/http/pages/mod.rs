//! The pages that describe the service.

mod docs;
mod openapi;

pub(crate) use self::docs::Docs;
