//! The documentation: the `OpenAPI` description and Swagger UI, both part of the binary.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;
use tracing::error;
use utoipa_swagger_ui::{Config, serve};

use super::openapi;

/// The documents, made once at the start.
pub(crate) struct Docs {
    openapi: Bytes,
    // The library asks for an `Arc`.
    swagger_ui: Arc<Config<'static>>,
}

impl Docs {
    pub(crate) fn new() -> Self {
        let openapi = openapi::description().to_pretty_json().unwrap_or_else(|error| {
            error!("the OpenAPI description cannot be written: {error}");
            String::from("{}")
        });
        // The validator would send the document to somebody else's server.
        let config = Config::from("/openapi.json").validator_url("none").display_request_duration(true);
        Self { openapi: openapi.into(), swagger_ui: Arc::new(config) }
    }

    /// The API's description, JSON.
    pub(crate) fn openapi(&self) -> Bytes {
        self.openapi.clone()
    }

    /// A file of Swagger UI and its media type. The empty path is its main page.
    pub(crate) fn asset(&self, path: &str) -> Option<(HeaderValue, Bytes)> {
        // The library would take a slash for its page too.
        if path == "/" {
            return None;
        }
        let file = serve(path, Arc::clone(&self.swagger_ui))
            .inspect_err(|error| error!("Swagger UI's {path}: {error}"))
            .ok()??;
        let media_type = HeaderValue::try_from(file.content_type).ok()?;
        let bytes = match file.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        Some((media_type, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn text_is_listed_before_json() {
        let docs = Docs::new();
        let document = std::str::from_utf8(&docs.openapi).expect("UTF-8");
        let position = |media_type| document.find(media_type).expect(media_type);
        assert!(position("\"text/plain\"") < position("\"application/json\""));
        let document: Value = serde_json::from_str(document).expect("JSON");
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["paths"]["/"]["get"]["operationId"], "next");
    }

    #[test]
    fn swagger_ui_reads_our_document_and_asks_nobody_else() {
        let docs = Docs::new();
        let (media_type, script) = docs.asset("swagger-initializer.js").expect("a file");
        let script = std::str::from_utf8(&script).expect("UTF-8");
        assert!(media_type.to_str().expect("ASCII").starts_with("text/javascript"));
        assert!(script.contains(r#""url": "/openapi.json""#), "{script}");
        assert!(script.contains(r#""validatorUrl": "none""#), "{script}");
        let (media_type, page) = docs.asset("").expect("a page");
        assert!(media_type.to_str().expect("ASCII").starts_with("text/html"));
        assert!(!std::str::from_utf8(&page).expect("UTF-8").contains("http"));
        for nothing in ["/", "//", "/index.html", "../secret"] {
            assert_eq!(docs.asset(nothing), None, "{nothing}");
        }
    }
}
