//! The `OpenAPI` description of the interface, `/openapi.json`.

use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{OperationBuilder, PathItemBuilder, PathsBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, InfoBuilder, License, OpenApi, OpenApiBuilder, Response, ResponseBuilder, Server,
};

use crate::http::response::PROBLEM_MEDIA_TYPE;
use crate::http::{metrics, text_format};

const ABOUT: &str = "\
Each `GET /` is answered with the next Fibonacci number, each number once and in order, over all clients. A request that \
is refused (4xx or 5xx) consumes nothing.

Ask for `text/plain` where JSON numbers lose digits: browsers and Node.js keep them up to 2^53, Python's `json` reads up \
to 4,300 digits.";

/// The description of all paths.
pub(super) fn description() -> OpenApi {
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
            get(operation("health", "Whether the process is alive")
                .response("200", text("The process is alive.", "ok\n"))),
        )
        .path(
            "/readyz",
            get(operation("readiness", "Whether the next number is available")
                .response("200", text("The next `GET /` is expected to succeed.", "ready\n"))
                .response("503", problem("The service is stopping, memory is short and numbers are refused, or the position cannot be written."))),
        )
        .path("/metrics", get(operation("metrics", "Metrics for operators").response("200", metrics_page())))
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
    let counter = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(0));
    let found = ResponseBuilder::new()
        .description("The number's decimal digits and nothing else.")
        .header(
            "Fibonacci-Index",
            HeaderBuilder::new().schema(Some(counter())).description(Some("The number's index: n of F(n).")).build(),
        )
        .header(
            "Fibonacci-Pass",
            HeaderBuilder::new()
                .schema(Some(counter()))
                .description(Some("How often the sequence has started again. Pass and index together are unique."))
                .build(),
        )
        // The first one is what Swagger UI asks for: browsers would parse JSON and lose digits.
        .content("text/plain", content(digits, json!("354224848179261915075")))
        .content("application/json", content(counter(), json!(55)))
        .build();
    operation("next", "The next Fibonacci number")
        .description(Some("Consumes the number. `HEAD` consumes nothing."))
        .response("200", found)
        .response("304", ResponseBuilder::new().description("`If-None-Match` is `*`. No number is consumed.").build())
        .response("400", problem("The head, the target, `Host` or the request's body is malformed."))
        .response("403", problem("The request comes from a page of another site and is not a navigation."))
        .response("408", problem("The request's body did not arrive within a second."))
        .response("412", problem("`If-Match` names an entity-tag, and a number has none."))
        .response("413", problem("The request has a body of more than 64 KiB."))
        .response("414", problem("The target has more than 8 KiB."))
        .response("417", problem("The request has an expectation other than 100-continue."))
        .response("421", problem("The service does not answer to the name in `Host`."))
        .response("431", problem("The request's head has more than 16 KiB, or more than 100 fields."))
        .response("500", problem("The service failed to answer this request."))
        .response("501", problem("The request's body has a transfer coding other than chunked."))
        .response(
            "503",
            problem(
                "Memory is short, the position cannot be written, the responses that are being sent hold all the memory that \
                 they may, too many clients are connected, or the request is a prefetch. The position does not change.",
            ),
        )
        .response("505", problem("The version is neither HTTP/1.1 nor HTTP/1.0."))
}

fn content(schema: ObjectBuilder, example: Value) -> utoipa::openapi::Content {
    ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
}

fn text(description: &str, example: &str) -> Response {
    let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    ResponseBuilder::new().description(description).content("text/plain", content(schema, json!(example))).build()
}

fn metrics_page() -> Response {
    let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description("The metrics, in the text format of Prometheus, or in that of OpenMetrics if `Accept` names it.")
        .content(text_format::MEDIA_TYPE, content.clone())
        .content(metrics::MEDIA_TYPE, content)
        .build()
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
        .content(PROBLEM_MEDIA_TYPE, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
