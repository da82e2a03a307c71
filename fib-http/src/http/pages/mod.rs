//! The pages that describe the service.

mod docs;
mod document;
mod openapi;

pub(crate) use self::docs::Docs;
pub(crate) use self::document::Document;
