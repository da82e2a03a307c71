//! The `OpenAPI` description of the interface, `/openapi.json`.

use hyper::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{
    OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItemBuilder, PathsBuilder,
};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ContentBuilder, HttpMethod, InfoBuilder, License, OpenApi, OpenApiBuilder, Required, Response, ResponseBuilder,
    Server,
};

use crate::http::response::{PROBLEM_MEDIA_TYPE, title};
use crate::http::{metrics, text_format};

const ABOUT: &str = "\
`GET /` and `GET /stream` take numbers: each number is given once and in order, over all clients. Everything else \
takes nothing: `GET /fibonacci/{n}`, which gives any number by its index as often as you like, every `HEAD`, and every \
request that is refused (4xx or 5xx).

Ask for `text/plain` where JSON numbers lose digits: browsers and Node.js keep them up to 2^53, Python's `json` reads up \
to 4,300 digits.";

/// The groups of operations, and what they say of themselves.
const NUMBERS: (&str, &str) =
    ("numbers", "One number: `GET /` takes the next one; asking for a number by its index takes nothing.");
const STREAM: (&str, &str) = ("stream", "Many numbers on one connection. Each number that is sent is taken.");
const SERVICE: (&str, &str) = ("service", "The state of the service. Nothing here takes a number.");

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
        .path("/fibonacci/{n}", get(by_index()))
        .path("/stream", get(stream()))
        .path(
            "/healthz",
            get(operation(SERVICE, "health", "Whether the process is alive")
                .response("200", text("The process is alive.", "ok\n"))),
        )
        .path(
            "/readyz",
            get(operation(SERVICE, "readiness", "Whether the next number is available")
                .response("200", text("The next `GET /` is expected to succeed.", "ready\n"))
                .response("503", problem(503, "The service is stopping, memory is short and numbers are refused, or the position cannot be written."))),
        )
        .path("/metrics", get(operation(SERVICE, "metrics", "Metrics for operators").response("200", metrics_page())))
        .build();
    let tags = [NUMBERS, STREAM, SERVICE]
        .map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build());
    OpenApiBuilder::new().info(info).servers(Some([Server::new("/")])).tags(Some(tags)).paths(paths).build()
}

fn get(operation: OperationBuilder) -> utoipa::openapi::PathItem {
    PathItemBuilder::new().operation(HttpMethod::Get, operation.build()).build()
}

fn operation((tag, _): (&str, &str), id: &str, summary: &str) -> OperationBuilder {
    OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary))
}

fn number() -> OperationBuilder {
    let found = digits(ResponseBuilder::new().description("The number's decimal digits and nothing else."))
        .header("Fibonacci-Index", field(counter(), "The number's index: n of F(n)."))
        .header("Fibonacci-Pass", field(counter(), PASS))
        .build();
    let operation = operation(NUMBERS, "next", "Take the next Fibonacci number")
        .description(Some("Takes the number: no other request to `/` or `/stream` gets it. `HEAD` takes nothing."))
        .response("200", found)
        .response("304", ResponseBuilder::new().description("`If-None-Match` is `*`. No number is taken.").build())
        .response("403", problem(403, "The request comes from a page of another site and is not a navigation."))
        .response("412", problem(412, "`If-Match` names an entity-tag, and a number has none."));
    refusals(operation)
}

fn by_index() -> OperationBuilder {
    let fields = |response: ResponseBuilder| {
        response
            .header("Fibonacci-Index", field(counter(), "The number's index, n."))
            .header("ETag", field(string(), "A strong entity-tag. It is the same for ever."))
    };
    let part = fields(digits(ResponseBuilder::new().description("The digits that `Range` asks for.")))
        .header("Content-Range", field(string(), "The positions of these digits, and how many the number has."));
    let operation = operation(NUMBERS, "by-index", "Any Fibonacci number by its index")
        .description(Some(
            "Takes no number. `HEAD` tells the length of any number at once. One `Range` of bytes gives a part of the \
             digits, such as `bytes=-20` for the last 20. Beyond the largest index that the service computes \
             (`--max-index`), ranges within the first or the last 1,000 digits are given. Pages of other sites may ask \
             here too.",
        ))
        .parameter(parameter(
            "n",
            ParameterIn::Path,
            "The index, in decimal without leading zeros.",
            counter(),
            json!(1000),
        ))
        .response(
            "200",
            fields(digits(ResponseBuilder::new().description("The number's decimal digits and nothing else."))).build(),
        )
        .response("206", part.build())
        .response(
            "304",
            fields(ResponseBuilder::new().description("`If-None-Match` names the entity-tag, or is `*`.")).build(),
        )
        .response(
            "403",
            problem(403, "The index is beyond `--max-index`, and more was asked for than the ends of the number."),
        )
        .response("404", problem(404, "The path does not end with an index."))
        .response("412", problem(412, "`If-Match` names another entity-tag."))
        .response("416", problem(416, "The range contains no digit of the number."));
    refusals(operation)
}

fn stream() -> OperationBuilder {
    let found = ResponseBuilder::new()
        .description("Numbers in order: one on each line, or one in each event, whose identifier is the index.")
        .header("Fibonacci-Index", field(counter(), "The index of the first number."))
        .header("Fibonacci-Pass", field(counter(), PASS))
        .content("text/plain", content(string(), json!("34\n55\n89\n")))
        .content("text/event-stream", content(string(), json!("id: 9\ndata: 34\n\nid: 10\ndata: 55\n\n")))
        .build();
    let operation = operation(STREAM, "stream", "Take numbers one after the other")
        .description(Some(
            "Takes up to 16 KiB of short numbers, or one long number, when those before are sent. Without `count` the \
             stream goes on until the client closes the connection, the service stops, or the sequence starts again. \
             `HEAD` takes nothing.",
        ))
        .parameter(parameter(
            "count",
            ParameterIn::Query,
            "How many numbers to take.",
            counter().minimum(Some(1)),
            json!(10),
        ))
        .response("200", found)
        .response("304", ResponseBuilder::new().description("`If-None-Match` is `*`. No number is taken.").build())
        .response("403", problem(403, "The request comes from a page of another site."))
        .response("412", problem(412, "`If-Match` names an entity-tag, and a stream has none."));
    refusals(operation)
}

const PASS: &str = "How often the sequence has started again. Pass and index together are unique.";

const UNAVAILABLE: &str = "\
Memory is short, the position cannot be written, the responses that are being sent hold all the memory that they \
may, too many clients are connected, the service is stopping, or the request is a prefetch. The position does not \
change.";

/// The answers that any request for numbers may get, besides those that its operation names.
fn refusals(operation: OperationBuilder) -> OperationBuilder {
    operation
        .response("400", problem(400, "The head, the target, its query, `Host` or the request's body is malformed."))
        .response("408", problem(408, "The request's body did not arrive within a second."))
        .response("413", problem(413, "The request has a body of more than 64 KiB."))
        .response("414", problem(414, "The target has more than 8 KiB."))
        .response("417", problem(417, "The request has an expectation other than 100-continue."))
        .response("421", problem(421, "The service does not answer to the name in `Host`."))
        .response("431", problem(431, "The request's head has more than 16 KiB, or more than 100 fields."))
        .response("500", problem(500, "The service failed to answer this request."))
        .response("501", problem(501, "The request's body has a transfer coding other than chunked."))
        .response("503", problem(503, UNAVAILABLE))
        .response("505", problem(505, "The version is neither HTTP/1.1 nor HTTP/1.0."))
}

/// A number, as text and as JSON.
fn digits(response: ResponseBuilder) -> ResponseBuilder {
    // The first one is what Swagger UI asks for: browsers would parse JSON and lose digits.
    response.content("text/plain", content(string().pattern(Some("^[0-9]+$")), json!("354224848179261915075"))).content(
        "application/json",
        content(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(0)), json!(55)),
    )
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

/// A `u64`.
fn counter() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .format(Some(SchemaFormat::Custom("uint64".into())))
        .minimum(Some(0))
        .maximum(Some(u64::MAX))
}

fn field(schema: ObjectBuilder, description: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

fn parameter(name: &str, place: ParameterIn, description: &str, schema: ObjectBuilder, example: Value) -> Parameter {
    // A parameter of the path is always required.
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(example))
        .build()
}

fn content(schema: ObjectBuilder, example: Value) -> utoipa::openapi::Content {
    ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
}

fn text(description: &str, example: &str) -> Response {
    ResponseBuilder::new().description(description).content("text/plain", content(string(), json!(example))).build()
}

fn metrics_page() -> Response {
    const EXAMPLE: &str = "# TYPE fib_http_position gauge\nfib_http_position 10\n";
    ResponseBuilder::new()
        .description("The metrics, in the text format of Prometheus, or in that of OpenMetrics if `Accept` names it.")
        .content(text_format::MEDIA_TYPE, content(string(), json!(EXAMPLE)))
        .content(metrics::MEDIA_TYPE, content(string(), json!(format!("{EXAMPLE}# EOF\n"))))
        .build()
}

fn problem(status: u16, description: &str) -> Response {
    let example = json!({
        "title": StatusCode::from_u16(status).ok().and_then(title),
        "status": status,
        "detail": description,
    });
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .property("title", string())
        .property("status", ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)))
        .property("detail", string());
    ResponseBuilder::new().description(description).content(PROBLEM_MEDIA_TYPE, content(schema, example)).build()
}
