//! Which header fields a request has, among those that the service looks at.

use hyper::header::HeaderMap;

/// Found in one pass over the names. Most requests have few fields and none of these, so one pass costs less than a lookup
/// for each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) accept: bool,
    /// A precondition on an entity-tag.
    pub(crate) conditional: bool,
    pub(crate) expect: bool,
    /// One of those that tell where a browser's request comes from, and why it is made.
    pub(crate) fetch_metadata: bool,
    pub(crate) transfer_encoding: bool,
}

impl Fields {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut fields = Self::default();
        for name in headers.keys() {
            match name.as_str() {
                "accept" => fields.accept = true,
                "if-match" | "if-none-match" => fields.conditional = true,
                "expect" => fields.expect = true,
                "origin" | "purpose" | "referer" | "sec-fetch-site" | "sec-purpose" | "x-moz" => {
                    fields.fetch_metadata = true;
                }
                "transfer-encoding" => fields.transfer_encoding = true,
                _ => {}
            }
        }
        fields
    }
}
