//! Which fields a request has, of those that are looked at.

use hyper::header::HeaderMap;

/// Found in one pass over the names: most requests have few fields, and none of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) accept: bool,
    pub(crate) expect: bool,
    /// One of those that tell what a browser wants it for.
    pub(crate) fetch_metadata: bool,
    pub(crate) transfer_encoding: bool,
}

impl Fields {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut fields = Self::default();
        for name in headers.keys() {
            match name.as_str() {
                "accept" => fields.accept = true,
                "expect" => fields.expect = true,
                "purpose" | "sec-purpose" | "sec-fetch-site" => fields.fetch_metadata = true,
                "transfer-encoding" => fields.transfer_encoding = true,
                _ => {}
            }
        }
        fields
    }
}
