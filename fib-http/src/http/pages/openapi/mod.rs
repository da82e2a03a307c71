//! The `OpenAPI` description of the interface, `/openapi.json`: its paths and operations.

mod parts;

use serde_json::json;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterIn, PathItemBuilder, PathsBuilder};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    HttpMethod, InfoBuilder, License, OpenApi, OpenApiBuilder, PathItem, Response, ResponseBuilder, Server,
};

use self::parts::{
    content, counter, digits, field, parameter, part_of_digits, plain, problem, string, text, without_content,
};
use crate::http::{metrics, text_format};

const ABOUT: &str = "\
`GET /` and `GET /stream` take numbers: each number is given once and in order, over all clients. Everything else \
takes nothing: `GET /fibonacci/{n}`, which gives any number by its index as often as you like, every `HEAD`, and every \
request that is refused (4xx or 5xx).

Ask for `text/plain` where JSON numbers lose digits: browsers and Node.js keep them up to 2^53, Python's `json` reads up \
to 4,300 digits.

Methods that are not listed here are refused: with 405 and the field `Allow`, or with 501 if the service does not know the \
method.";

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
        .path("/", number())
        .path("/fibonacci/{n}", by_index())
        .path("/stream", stream())
        .path("/healthz", page("health", "Whether the process is alive", text("The process is alive.", "ok\n"), None))
        .path(
            "/readyz",
            page(
                "readiness",
                "Whether the next number is available",
                text("The next `GET /` is expected to succeed.", "ready\n"),
                Some("The service is stopping, or the next `GET /` would be refused with 503."),
            ),
        )
        .path("/metrics", page("metrics", "Metrics for operators", metrics_page(), None))
        .build();
    let tags = [NUMBERS, STREAM, SERVICE]
        .map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build());
    OpenApiBuilder::new().info(info).servers(Some([Server::new("/")])).tags(Some(tags)).paths(paths).build()
}

/// What can be done with a path. The answers to `HEAD` have no content.
fn item(get: OperationBuilder, head: OperationBuilder) -> PathItemBuilder {
    PathItemBuilder::new()
        .operation(HttpMethod::Get, get.build())
        .operation(HttpMethod::Head, without_content(head.build()))
}

/// An operation with the answers that any request may get.
fn operation((tag, _): (&str, &str), id: &str, summary: &str) -> OperationBuilder {
    refusals(OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary)))
}

fn number() -> PathItem {
    let found = digits(ResponseBuilder::new().description("The number's decimal digits and nothing else."))
        .header("Fibonacci-Index", field(counter(), "The number's index: n of F(n)."))
        .header("Fibonacci-Pass", field(counter(), PASS));
    let get = operation(NUMBERS, "next", "Take the next Fibonacci number")
        .description(Some("Takes the number: no other request to `/` or `/stream` gets it."))
        .response("200", found.build());
    let head = operation(NUMBERS, "next-head", "What is known before a number is taken")
        .response("200", plain("The header fields of `GET`, without index, pass and length."));
    let answers = |operation: OperationBuilder| {
        untagged(operation)
            .response("403", problem(403, "The request comes from a page of another site and is not a navigation."))
            .response("503", problem(503, UNAVAILABLE))
    };
    item(answers(get), answers(head)).build()
}

fn by_index() -> PathItem {
    let fields = |response: ResponseBuilder| {
        response
            .header("Fibonacci-Index", field(counter(), "The number's index, n."))
            .header("ETag", field(string(), "A strong entity-tag. It is the same for ever."))
    };
    let whole = fields(digits(ResponseBuilder::new().description("The number's decimal digits and nothing else.")));
    let part = fields(part_of_digits(ResponseBuilder::new().description(
        "The digits that `Range` asks for. The media type is that of the whole number: some digits of it need not be JSON.",
    )))
    .header("Content-Range", field(string(), "The positions of these digits, and how many the number has."));
    let length = fields(ResponseBuilder::new().description("The header fields of `GET`."))
        .header("Content-Length", field(counter(), "How many digits the number has, exactly."));
    let get = operation(NUMBERS, "by-index", "Any Fibonacci number by its index")
        .description(Some(
            "Takes no number. One `Range` of bytes gives a part of the digits, such as `bytes=-20` for the last 20. Beyond \
             the largest index that the service computes (`--max-index`), one range within the first or the last 1,000 \
             digits is given. Pages of other sites may ask here too.",
        ))
        .parameter(
            header("Range", "One range of the digits, such as `bytes=-20`. Anything else is ignored.")
        )
        .parameter(header("If-Range", "The entity-tag without which `Range` is ignored, such as `\"1000-text\"`."))
        .response("200", whole.build())
        .response("206", part.build())
        .response(
            "403",
            problem(403, "The index is beyond `--max-index`, and more was asked for than the ends of the number."),
        )
        .response("416", problem(416, "The range contains no digit of the number."));
    let head = operation(NUMBERS, "by-index-head", "The length of any Fibonacci number, at once")
        .response("200", length.build());
    let answers = |operation: OperationBuilder| {
        operation
            .parameter(index())
            .parameter(header("If-None-Match", "Entity-tags of representations that the client has, or `*`."))
            .parameter(header("If-Match", "Entity-tags, one of which the response must have, or `*`."))
            .response(
                "304",
                fields(ResponseBuilder::new().description("`If-None-Match` names the entity-tag, or is `*`.")).build(),
            )
            .response("404", problem(404, "The path does not end with an index."))
            .response("412", problem(412, "`If-Match` names another entity-tag."))
            .response("503", problem(503, CROWDED))
    };
    let options = operation(NUMBERS, "by-index-options", "What pages of other sites may ask for")
        .parameter(index())
        .response(
            "204",
            ResponseBuilder::new()
                .description("Every page may ask with `GET` and `HEAD`, and with any header field.")
                .header("Allow", field(string(), "The methods."))
                .header("Access-Control-Allow-Methods", field(string(), "The methods."))
                .header("Access-Control-Allow-Headers", field(string(), "`*`"))
                .build(),
        )
        .response("404", problem(404, "The path does not end with an index."))
        .response("503", problem(503, CROWDED));
    item(answers(get), answers(head)).operation(HttpMethod::Options, options.build()).build()
}

fn stream() -> PathItem {
    let found = ResponseBuilder::new()
        .description("Numbers in order: one on each line, or one in each event, whose identifier is the index.")
        .header("Fibonacci-Index", field(counter(), "The index of the first number."))
        .header("Fibonacci-Pass", field(counter(), PASS))
        .content("text/plain", content(string(), json!("34\n55\n89\n")))
        .content("text/event-stream", content(string(), json!("id: 9\ndata: 34\n\nid: 10\ndata: 55\n\n")));
    let get = operation(STREAM, "stream", "Take numbers one after the other")
        .description(Some(
            "Takes up to 16 KiB of short numbers, or one long number, when those before are sent. Without `count` the \
             stream goes on until the client closes the connection, the service stops, or the sequence starts again.",
        ))
        .response("200", found.build());
    let head = operation(STREAM, "stream-head", "What is known before a stream begins")
        .response("200", plain("The header fields of `GET`, without index and pass."));
    let answers = |operation: OperationBuilder| {
        let count = counter().minimum(Some(1));
        untagged(operation)
            .parameter(parameter("count", ParameterIn::Query, "How many numbers to take.", count, Some(json!(10))))
            .parameter(header(
                "Last-Event-ID",
                "The last index that an `EventSource` has received, when it asks again.",
            ))
            .response("204", plain("The stream had a `count`, and has ended: an `EventSource` that asks again stops."))
            .response("403", problem(403, "The request comes from a page of another site."))
            .response("501", problem(501, "The request's body has a transfer coding other than chunked."))
            .response("503", problem(503, UNAVAILABLE))
    };
    item(answers(get), answers(head)).build()
}

/// A path that tells how the service is. `unavailable` says why it may answer 503.
fn page(id: &str, summary: &str, found: Response, unavailable: Option<&str>) -> PathItem {
    let answers = |id: &str, summary: &str, found: Response| {
        let operation = untagged(operation(SERVICE, id, summary)).response("200", found);
        match unavailable {
            Some(description) => operation.response("503", problem(503, description)),
            None => operation,
        }
    };
    let get = answers(id, summary, found);
    let head = answers(&format!("{id}-head"), &format!("{summary}, without the text"), plain("As `GET`."));
    item(get, head).build()
}

const PASS: &str = "How often the sequence has started again. Pass and index together are unique.";

const UNAVAILABLE: &str = "\
Memory is short, the file of the position cannot be written or its database is out of reach, the responses that are \
being sent hold all the memory that they may, too many clients are connected, the service is stopping, or the request \
is a prefetch. The position does not change.";

const CROWDED: &str = "\
Memory is short, the responses that are being sent hold all the memory that they may, or too many clients are connected.";

/// The answers to preconditions where the representation has no entity-tag.
fn untagged(operation: OperationBuilder) -> OperationBuilder {
    operation
        .response("304", plain("`If-None-Match` is `*`."))
        .response("412", problem(412, "`If-Match` names an entity-tag, and what is here has none."))
}

/// The answers that any request may get.
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
        .response("505", problem(505, "The version is neither HTTP/1.1 nor HTTP/1.0."))
}

/// The parameter of the path of a number.
fn index() -> Parameter {
    parameter("n", ParameterIn::Path, "The index, in decimal without leading zeros.", counter(), Some(json!(1000)))
}

/// A parameter that is a field of the request's head. It has no example, because "Try it out" would send that.
fn header(name: &str, description: &str) -> Parameter {
    parameter(name, ParameterIn::Header, description, string(), None)
}

fn metrics_page() -> Response {
    const EXAMPLE: &str = "# TYPE fib_http_position gauge\nfib_http_position 10\n";
    ResponseBuilder::new()
        .description("The metrics, in the text format of Prometheus, or in that of OpenMetrics if `Accept` names it.")
        .content(text_format::MEDIA_TYPE, content(string(), json!(EXAMPLE)))
        .content(metrics::MEDIA_TYPE, content(string(), json!(format!("{EXAMPLE}# EOF\n"))))
        .build()
}
