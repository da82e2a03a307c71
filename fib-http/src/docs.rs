//! The API's description, `/openapi.json`, and Swagger UI, both from the binary.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;
use serde_json::{Value, json};
use tracing::error;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{OperationBuilder, PathItemBuilder, PathsBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, InfoBuilder, License, OpenApi, OpenApiBuilder, Response, ResponseBuilder, Server,
};
use utoipa_swagger_ui::{Config, serve};

use crate::{metrics, problem};

/// The documents, made once at the start.
pub(crate) struct Docs {
    openapi: Bytes,
    // The library wants a count that threads could share.
    swagger_ui: Arc<Config<'static>>,
}

impl Docs {
    pub(crate) fn new() -> Self {
        let openapi = description().to_pretty_json().unwrap_or_else(|error| {
            error!("the OpenAPI description cannot be written: {error}");
            String::from("{}")
        });
        // The validator would show the document to somebody else's server.
        let config = Config::from("/openapi.json").validator_url("none").display_request_duration(true);
        Self { openapi: openapi.into(), swagger_ui: Arc::new(config) }
    }

    /// The API's description, JSON.
    pub(crate) fn openapi(&self) -> Bytes {
        self.openapi.clone()
    }

    /// A file of Swagger UI and its media type. The empty path is its page.
    pub(crate) fn asset(&self, path: &str) -> Option<(HeaderValue, Bytes)> {
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

const ABOUT: &str = "\
Each `GET /` is answered with the next Fibonacci number, each number once and in order, over all clients. A request that \
is refused (4xx or 5xx) consumes nothing.

Ask for `text/plain` where JSON numbers lose digits: browsers and Node.js keep them up to 2^53, Python's `json` reads up \
to 4,300 digits.";

fn description() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Fibonacci numbers")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(License::new(env!("CARGO_PKG_LICENSE"))))
        .build();
    let paths = PathsBuilder::new()
        .path("/", get(number()))
        .path(
            "/healthz",
            get(operation("health", "Whether the process is alive").response("200", text("It is.", "ok\n"))),
        )
        .path(
            "/readyz",
            get(operation("readiness", "Whether a number can be had")
                .response("200", text("It can.", "ready\n"))
                .response("503", problem("The service is stopping, or memory is short and numbers are refused."))),
        )
        .path("/metrics", get(operation("metrics", "Figures for an operator").response("200", figures())))
        .build();
    OpenApiBuilder::new().info(info).servers(Some([Server::new("/")])).paths(paths).build()
}

fn get(operation: OperationBuilder) -> utoipa::openapi::PathItem {
    PathItemBuilder::new().operation(HttpMethod::Get, operation.build()).build()
}

fn operation(id: &str, summary: &str) -> OperationBuilder {
    OperationBuilder::new().operation_id(Some(id)).summary(Some(summary))
}

fn number() -> OperationBuilder {
    let digits = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).pattern(Some("^(0|[1-9][0-9]*)$"));
    let integer = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(0));
    let index = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(0));
    let found = ResponseBuilder::new()
        .description("The number's decimal digits and nothing else.")
        .header(
            "Fibonacci-Index",
            HeaderBuilder::new().schema(Some(index)).description(Some("The number's index: n of F(n).")).build(),
        )
        // The first one is what Swagger UI asks for: browsers would parse JSON and lose digits.
        .content("text/plain", content(digits, json!("354224848179261915075")))
        .content("application/json", content(integer, json!(55)))
        .build();
    operation("next", "The next Fibonacci number")
        .description(Some("Consumes the number. `HEAD` consumes nothing."))
        .response("200", found)
        .response("400", problem("Host or the target is malformed, or the request's body is."))
        .response("403", problem("A page of another site asks, and not by a navigation."))
        .response("408", problem("The request's body did not come within a second."))
        .response("413", problem("The request has a body of more than 64 KiB."))
        .response("414", problem("The target has more than 8 KiB."))
        .response("417", problem("The request expects something else than 100-continue."))
        .response("421", problem("The service does not go by the name in Host."))
        .response("500", problem("The service failed at this request."))
        .response(
            "503",
            problem(
                "Memory is short, too many long numbers are on their way to slow clients, or the request is a prefetch. \
                 The position is kept.",
            ),
        )
}

fn content(schema: ObjectBuilder, example: Value) -> utoipa::openapi::Content {
    ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
}

fn text(description: &str, example: &str) -> Response {
    let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    ResponseBuilder::new().description(description).content("text/plain", content(schema, json!(example))).build()
}

fn figures() -> Response {
    let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description("They are.").content(metrics::MEDIA_TYPE, content).build()
}

fn problem(description: &str) -> Response {
    let string = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .property("title", string())
        .property("status", ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)))
        .property("detail", string());
    ResponseBuilder::new()
        .description(description)
        .content(problem::MEDIA_TYPE, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(docs.asset("../secret"), None);
    }
}
