//! What operations are described with: parameters, header fields, media types and problems.

use hyper::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Content, ContentBuilder, Header, RefOr, Required, Response, ResponseBuilder};

use crate::http::response::{PROBLEM_MEDIA_TYPE, title};

/// A number, as text and as JSON.
pub(super) fn digits(response: ResponseBuilder) -> ResponseBuilder {
    // The first one is what Swagger UI asks for: browsers would parse JSON and lose digits.
    response.content("text/plain", content(string().pattern(Some(DIGITS)), json!("354224848179261915075"))).content(
        "application/json",
        content(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(0)), json!(55)),
    )
}

/// Some digits of a number. They have no schema as JSON, since `075` is none.
pub(super) fn part_of_digits(response: ResponseBuilder) -> ResponseBuilder {
    response
        .content("text/plain", content(string().pattern(Some(DIGITS)), json!("075")))
        .content("application/json", ContentBuilder::new().example(Some(json!("075"))).build())
}

const DIGITS: &str = "^[0-9]+$";

pub(super) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

/// A `u64`.
pub(super) fn counter() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .format(Some(SchemaFormat::Custom("uint64".into())))
        .minimum(Some(0))
        .maximum(Some(u64::MAX))
}

pub(super) fn field(schema: ObjectBuilder, description: &str) -> Header {
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

pub(super) fn parameter(
    name: &str,
    place: ParameterIn,
    description: &str,
    schema: ObjectBuilder,
    example: Option<Value>,
) -> Parameter {
    // A parameter of the path is always required.
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(description))
        .schema(Some(schema))
        .example(example)
        .build()
}

pub(super) fn content(schema: ObjectBuilder, example: Value) -> Content {
    ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
}

pub(super) fn text(description: &str, example: &str) -> Response {
    ResponseBuilder::new().description(description).content("text/plain", content(string(), json!(example))).build()
}

/// A response without content.
pub(super) fn plain(description: &str) -> Response {
    ResponseBuilder::new().description(description).build()
}

pub(super) fn problem(status: u16, description: &str) -> Response {
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

/// The operation as that of a method whose responses have no content.
pub(super) fn without_content(mut operation: Operation) -> Operation {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.clear();
        }
    }
    operation
}
