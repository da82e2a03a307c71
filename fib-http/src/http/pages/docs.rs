//! The documentation: the `OpenAPI` description and Swagger UI, both part of the binary.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;
use tracing::error;
use utoipa_swagger_ui::{Config, serve};

use super::document::Document;
use super::openapi;
use crate::http::response::JSON;

/// The documents. The files of Swagger UI are compressed in the binary.
pub(crate) struct Docs {
    openapi: Document,
    // The library asks for an `Arc`.
    swagger_ui: Arc<Config<'static>>,
    /// The files that have been asked for, by their paths.
    files: RefCell<BTreeMap<String, Rc<Document>>>,
}

impl Docs {
    pub(crate) fn new() -> Self {
        let openapi = openapi::description().to_pretty_json().unwrap_or_else(|error| {
            error!("the OpenAPI description cannot be written: {error}");
            String::from("{}")
        });
        // The validator would send the document to somebody else's server.
        // The base layout has no box for the address of another description.
        let swagger_ui =
            Config::from("/openapi.json").use_base_layout().validator_url("none").display_request_duration(true);
        Self {
            openapi: Document::compress(JSON, openapi.as_bytes()),
            swagger_ui: Arc::new(swagger_ui),
            files: RefCell::default(),
        }
    }

    /// The API's description, JSON.
    pub(crate) fn openapi(&self) -> &Document {
        &self.openapi
    }

    /// A file of Swagger UI. The empty path is its main page.
    pub(crate) fn file(&self, path: &str) -> Option<Rc<Document>> {
        let mut files = self.files.borrow_mut();
        if let Some(file) = files.get(path) {
            return Some(Rc::clone(file));
        }
        let file = Rc::new(self.load(path)?);
        files.insert(path.to_owned(), Rc::clone(&file));
        Some(file)
    }

    fn load(&self, path: &str) -> Option<Document> {
        // The library would take a slash for its page too.
        if path == "/" {
            return None;
        }
        let file = serve(path, Arc::clone(&self.swagger_ui))
            .inspect_err(|error| error!("Swagger UI's {path}: {error}"))
            .ok()??;
        let media_type = HeaderValue::try_from(file.content_type).ok()?;
        Some(match file.bytes {
            Cow::Borrowed(gzip) if file.gzpipped => Document::compressed(media_type, Bytes::from_static(gzip)),
            // The library fills in what is configured.
            plain => Document::compress(media_type, &plain),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Buf;
    use hyper::header::{CONTENT_TYPE, HeaderMap};
    use serde_json::Value;

    /// The media type and the text of a file.
    fn file(docs: &Docs, path: &str) -> (String, String) {
        let response = docs.file(path).expect(path).response(&HeaderMap::new()).expect("memory");
        let media_type = response.headers()[CONTENT_TYPE].to_str().expect("ASCII").to_owned();
        let mut body = response.into_body();
        let bytes = body.copy_to_bytes(body.remaining());
        (media_type, String::from_utf8(bytes.into()).expect("UTF-8"))
    }

    #[test]
    fn text_is_listed_before_json() {
        let document = Docs::new().openapi.plain().expect("memory");
        let document = std::str::from_utf8(&document).expect("UTF-8");
        let position = |media_type| document.find(media_type).expect(media_type);
        assert!(position("\"text/plain\"") < position("\"application/json\""));
        let document: Value = serde_json::from_str(document).expect("JSON");
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["paths"]["/"]["get"]["operationId"], "next");
    }

    #[test]
    fn swagger_ui_reads_our_document_and_asks_nobody_else() {
        let docs = Docs::new();
        let (media_type, script) = file(&docs, "swagger-initializer.js");
        assert!(media_type.starts_with("text/javascript"));
        assert!(script.contains(r#""url": "/openapi.json""#), "{script}");
        assert!(script.contains(r#""validatorUrl": "none""#), "{script}");
        assert!(script.contains(r#""layout": "BaseLayout""#), "{script}");
        let (media_type, page) = file(&docs, "");
        assert!(media_type.starts_with("text/html"));
        assert!(!page.contains("http"));
        for nothing in ["/", "//", "/index.html", "../secret"] {
            assert!(docs.file(nothing).is_none(), "{nothing}");
        }
        // What does not exist is not remembered.
        assert_eq!(docs.files.borrow().len(), 2);
    }
}
