//! The pages that describe the service.

mod docs;
mod document;
mod openapi;

pub(crate) use self::docs::Docs;
