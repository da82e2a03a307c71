//! A page that stays the same for as long as the service runs.

use std::cell::OnceCell;
use std::io::Read;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderMap, HeaderValue, VARY};
use hyper::{Response, StatusCode};

use crate::http::request::accept_encoding::accepts_gzip;
use crate::http::request::conditions::{self, Outcome};
use crate::http::response::{Payload, Problem, content, empty};
use crate::sequence::headroom;

/// A page and its entity-tags. It is kept compressed; the plain form is made for the first client that does not accept gzip.
#[derive(Debug)]
pub(crate) struct Document {
    media_type: HeaderValue,
    gzip: Bytes,
    plain: OnceCell<Bytes>,
    /// The checksum and the length of the plain form.
    trailer: u64,
    /// Bytes of the plain form.
    length: usize,
}

impl Document {
    /// A document that is not compressed yet.
    pub(crate) fn compress(media_type: HeaderValue, plain: &[u8]) -> Self {
        let mut gzip = Vec::new();
        // Neither reading from nor writing to memory fails.
        let _ = GzEncoder::new(plain, Compression::best()).read_to_end(&mut gzip);
        Self::compressed(media_type, gzip.into())
    }

    /// A document in the format of gzip.
    pub(crate) fn compressed(media_type: HeaderValue, gzip: Bytes) -> Self {
        // It ends with the checksum and the length of the plain form, 32 bits each (RFC 1952, section 2.3.1).
        let trailer = gzip.last_chunk().map_or(0, |trailer| u64::from_le_bytes(*trailer));
        let length = (trailer >> 32) as usize;
        Self { media_type, trailer, length, gzip, plain: OnceCell::new() }
    }

    /// The strong entity-tag. What differs in its coding differs in it.
    fn tag(&self, is_gzip: bool) -> String {
        if is_gzip {
            format!("\"{:x}-{:x}\"", self.trailer, self.gzip.len())
        } else {
            format!("\"{:x}\"", self.trailer)
        }
    }

    /// The response to a request for the document.
    ///
    /// # Errors
    /// 412 if a precondition fails, 503 if there is no memory for the plain form.
    pub(crate) fn response(&self, headers: &HeaderMap) -> Result<Response<Payload>, Problem> {
        let is_gzip = accepts_gzip(headers);
        let tag = self.tag(is_gzip);
        let mut response = match conditions::evaluate(headers, Some(&tag))? {
            Outcome::NotModified => empty(StatusCode::NOT_MODIFIED),
            Outcome::Proceed if is_gzip => {
                let mut response = content(self.media_type.clone(), self.gzip.clone());
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                response
            }
            Outcome::Proceed => content(self.media_type.clone(), self.plain()?),
        };
        let fields = response.headers_mut();
        fields.extend(HeaderValue::try_from(tag).map(|tag| (ETAG, tag)));
        // A new version has the same addresses, so caches ask each time, and get 304.
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        fields.insert(VARY, HeaderValue::from_static("accept-encoding"));
        Ok(response)
    }

    /// The plain form. All clients share it, so that those that read slowly hold no memory of their own.
    pub(super) fn plain(&self) -> Result<Bytes, Problem> {
        if let Some(plain) = self.plain.get() {
            return Ok(plain.clone());
        }
        let no_memory = |_| Problem::unavailable("memory", "There is no memory to decompress this page.");
        let mut plain = Vec::new();
        plain.try_reserve_exact(self.length).map_err(no_memory)?;
        headroom::check().map_err(no_memory)?;
        plain.resize(self.length, 0);
        GzDecoder::new(&self.gzip[..])
            .read_exact(&mut plain)
            .map_err(|_| Problem::internal("A page of the documentation is damaged."))?;
        Ok(self.plain.get_or_init(|| plain.into()).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: HeaderValue = HeaderValue::from_static("text/html");

    #[test]
    fn what_is_compressed_comes_back() {
        for text in ["", "x", &"a page ".repeat(10_000)] {
            let document = Document::compress(HTML, text.as_bytes());
            assert_eq!(document.plain().expect("memory"), text);
            assert_ne!(document.tag(true), document.tag(false));
        }
    }

    #[test]
    fn entity_tags_tell_documents_apart() {
        let [a, b] = ["page a", "page b"].map(|text| Document::compress(HTML, text.as_bytes()));
        assert_eq!(a.tag(false), Document::compress(HTML, b"page a").tag(false));
        assert_ne!(a.tag(false), b.tag(false));
        assert_ne!(a.tag(true), b.tag(true));
    }

    #[test]
    fn a_damaged_document_is_an_error() {
        let damaged = Document::compressed(HTML, Bytes::from_static(b"this is not gzip\x05\0\0\0"));
        assert_eq!(damaged.plain().expect_err("damaged").status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
