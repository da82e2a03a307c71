//! The paths beside the numbers.

mod common;

use std::io::Read;

use common::{GET, Program, Response, Server};

/// Asks for paths over one connection, and checks at the end that no number was consumed.
fn ask(paths: &[&str]) -> Vec<Response> {
    let server = Server::start(&["--start", "10"]);
    let mut client = server.connect();
    let get = |path| client.exchange(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    let responses = paths.iter().map(get).collect();
    drop(client);
    assert_eq!(server.stop(), 10);
    responses
}

#[test]
fn health_and_readiness() {
    for response in ask(&["/healthz", "/readyz", "/healthz?x"]) {
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[test]
fn metrics_tell_what_an_operator_wants_to_know() {
    let server = Server::start(&["--start", "10"]);
    let mut client = server.connect();
    client.number();
    client.exchange("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n").assert_problem(404);
    client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.read_head();
    client.send("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.read_head();
    client.exchange("PROPFIND / HTTP/1.1\r\nHost: localhost\r\n\r\n").assert_problem(501);
    for malformed in ["rubbish\r\n\r\n", "GET / HTTP/3.0\r\n\r\n"] {
        assert!(server.connect().exchange(malformed).status >= 400);
    }
    let mut http2 = server.connect();
    http2.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(http2.ended());
    drop(http2);
    let metrics = || server.connect().exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let first = metrics();
    assert_eq!(first.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let openmetrics = server.connect().exchange(
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text;version=1.0.0, */*;q=0.1\r\n\r\n",
    );
    assert_eq!(openmetrics.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(openmetrics.text().ends_with("# EOF\n"));
    for response in [&first, &openmetrics] {
        assert_eq!(response.header("vary"), Some("accept"));
    }
    for (name, figure) in [
        ("fib_http_requests_total{method=\"GET\",route=\"/\",status=\"200\"}", 1.0),
        ("fib_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"}", 1.0),
        ("fib_http_requests_total{method=\"HEAD\",route=\"/\",status=\"200\"}", 1.0),
        ("fib_http_requests_total{method=\"HEAD\",route=\"/healthz\",status=\"200\"}", 1.0),
        ("fib_http_requests_total{method=\"other\",route=\"/\",status=\"501\"}", 1.0),
        ("fib_http_requests_total{method=\"other\",route=\"other\",status=\"400\"}", 1.0),
        ("fib_http_requests_total{method=\"other\",route=\"other\",status=\"505\"}", 1.0),
        ("fib_http_refusals_total{reason=\"head\"}", 1.0),
        ("fib_http_refusals_total{reason=\"version\"}", 2.0),
        ("fib_http_refusals_total{reason=\"path\"}", 1.0),
        ("fib_http_position", 11.0),
        ("fib_http_current_digits", 2.0),
        ("fib_http_connections", 2.0),
        ("fib_http_accepted_connections_total", 5.0),
        ("fib_http_bodies_in_flight", 0.0),
        ("fib_http_bodies_in_flight_bytes", 0.0),
        ("fib_http_restarts_total", 0.0),
        ("fib_http_memory_used_bytes", 0.0),
        ("fib_http_step_seconds_count", 1.0),
        ("fib_http_response_seconds_count", 5.0),
    ] {
        assert_eq!(first.metric(name), figure, "{name}");
    }
    let (total, threshold) =
        (first.metric("fib_http_memory_total_bytes"), first.metric("fib_http_memory_threshold_bytes"));
    assert!(threshold > 0.0 && threshold < total);
    assert!(first.text().contains("fib_http_build_info{version="), "{}", first.text());
    assert!(!first.text().contains("# EOF"), "{}", first.text());
    assert!(!first.text().contains("fib_http_cut_responses_total{"), "{}", first.text());
    assert_eq!(metrics().metric("fib_http_position"), 11.0);
    drop(client);
    assert_eq!(server.stop(), 11);
}

#[test]
fn what_is_cut_is_not_counted_as_sent() {
    // More digits than a socket's buffers hold.
    const START: u64 = 100_000_000;

    let mut program = Program::start(&[&format!("--start={START}")]);
    let mut client = program.connect();
    client.send(GET);
    assert_eq!(client.read_head().index(), START);
    drop(client);
    let line = program.wait_for("not sent whole").expect("a line");
    assert!(line.contains(&format!("index={START} ")), "{line}");
    let metrics = program.connect().exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (name, figure) in [
        ("fib_http_requests_total{method=\"GET\",route=\"/\",status=\"200\"}", 1.0),
        ("fib_http_cut_responses_total{method=\"GET\",route=\"/\",status=\"200\"}", 1.0),
        ("fib_http_response_seconds_count", 0.0),
        ("fib_http_bodies_in_flight", 0.0),
    ] {
        assert_eq!(metrics.metric(name), figure, "{name}");
    }
}

#[test]
fn browsers_and_crawlers_get_what_they_ask_for() {
    let responses = ask(&["/favicon.ico", "/robots.txt"]);
    assert_eq!(responses[0].status, 204);
    assert_eq!(responses[0].header("content-length"), None);
    assert_eq!(responses[1].status, 200);
    assert_eq!(responses[1].text(), "User-agent: *\nDisallow: /\n");
}

#[test]
fn swagger_ui_comes_from_the_binary() {
    let responses = ask(&["/docs", "/docs/", "/docs/index.html"]);
    assert_eq!(responses[0].status, 308);
    assert_eq!(responses[0].header("location"), Some("/docs/"));
    assert_eq!(responses[1].body, responses[2].body);
    let page = responses[1].text();

    let files: Vec<String> = page
        .split('"')
        .filter(|text| [".css", ".js", ".png"].iter().any(|end| text.ends_with(end)))
        .map(|file| format!("/docs/{}", file.trim_start_matches("./")))
        .collect();
    assert!(files.len() >= 5, "{files:?}");
    let paths: Vec<&str> = files.iter().map(String::as_str).collect();
    for (path, response) in paths.iter().zip(ask(&paths)) {
        assert_eq!(response.status, 200, "{path}");
        let media_type = match path.rsplit('.').next() {
            Some("css") => "text/css",
            Some("js") => "text/javascript",
            _ => "image/png",
        };
        assert_eq!(response.header("content-type"), Some(media_type), "{path}");
        assert!(!response.body.is_empty());
    }
}

#[test]
fn documents_are_compressed_and_cached() {
    let server = Server::start(&["--start", "10"]);
    let mut client = server.connect();
    let mut get = |method: &str, path: &str, lines: &str| {
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n"));
        if method == "HEAD" { client.read_head() } else { client.read() }
    };
    let gzip_line = "Accept-Encoding: gzip, br\r\n";
    let mut compressed_bytes = 0;
    for path in [
        "/openapi.json",
        "/docs/",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
        "/docs/swagger-initializer.js",
    ] {
        let (plain, gzip) = (get("GET", path, ""), get("GET", path, gzip_line));
        for response in [&plain, &gzip] {
            assert_eq!(response.status, 200, "{path}");
            assert_eq!(response.header("vary"), Some("accept-encoding"), "{path}");
            assert_eq!(response.header("cache-control"), Some("no-cache"), "{path}");
        }
        assert_eq!((plain.header("content-encoding"), gzip.header("content-encoding")), (None, Some("gzip")));
        assert_eq!(plain.header("content-type"), gzip.header("content-type"));
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&gzip.body[..]).read_to_end(&mut text).expect("gzip");
        assert_eq!(text, plain.body, "{path}");
        compressed_bytes += gzip.body.len();

        let tag = |response: &Response| response.header("etag").expect("a tag").to_owned();
        let (plain_tag, gzip_tag) = (tag(&plain), tag(&gzip));
        assert!(plain_tag.starts_with('"') && gzip_tag.starts_with('"'), "strong tags: {plain_tag} {gzip_tag}");
        assert_ne!(plain_tag, gzip_tag, "{path}");
        for (accept, known, status) in
            [("", &plain_tag, 304), (gzip_line, &gzip_tag, 304), ("", &gzip_tag, 200), (gzip_line, &plain_tag, 200)]
        {
            for method in ["GET", "HEAD"] {
                let response = get(method, path, &format!("{accept}If-None-Match: \"x\", {known}\r\n"));
                assert_eq!(response.status, status, "{method} {path} {accept}");
                let current = if accept.is_empty() { &plain_tag } else { &gzip_tag };
                assert_eq!(response.header("etag"), Some(current.as_str()));
                assert_eq!(response.header("vary"), Some("accept-encoding"));
            }
        }
        assert_eq!(get("GET", path, &format!("If-Match: {plain_tag}\r\n")).status, 200);
        get("GET", path, "If-Match: \"x\"\r\n").assert_problem(412);
        let head = get("HEAD", path, gzip_line);
        assert_eq!(head.header("content-length"), Some(gzip.body.len().to_string().as_str()));
    }
    // They have 1.5 MB.
    assert!(compressed_bytes < 600_000, "{compressed_bytes}");
    drop(client);
    assert_eq!(server.stop(), 10);
}

/// The description, and what it says of a path.
fn description(server: &Server) -> serde_json::Value {
    let response = server.connect().exchange("GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(response.header("content-type"), Some("application/json"));
    serde_json::from_slice(&response.body).expect("JSON")
}

/// The paths, and an address of each.
const PATHS: [(&str, &str); 6] = [
    ("/", "/"),
    ("/fibonacci/{n}", "/fibonacci/1000"),
    ("/stream", "/stream"),
    ("/healthz", "/healthz"),
    ("/readyz", "/readyz"),
    ("/metrics", "/metrics"),
];

#[test]
fn the_description_is_openapi_3_1() {
    let server = Server::start(&[]);
    let description = description(&server);
    assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
    let paths = description["paths"].as_object().expect("paths");
    assert_eq!(paths.len(), PATHS.len());
    let mut ids = Vec::new();
    for (path, _) in PATHS {
        let operations = paths[path].as_object().expect("operations");
        for (method, operation) in operations {
            let tag = operation["tags"][0].as_str().expect("a tag");
            assert!(description["tags"].as_array().expect("tags").iter().any(|known| known["name"] == tag), "{tag}");
            ids.push(operation["operationId"].to_string());
            for (status, response) in operation["responses"].as_object().expect("responses") {
                let contents = response["content"].as_object();
                assert!(method == "get" || method == "options" || contents.is_none(), "{method} {path} {status}");
                for (media_type, content) in contents.into_iter().flatten() {
                    assert!(!content["example"].is_null(), "{path} {status} {media_type} has no example");
                }
            }
        }
        let has_options = if path == "/fibonacci/{n}" { 3 } else { 2 };
        assert_eq!(operations.len(), has_options, "{path}");
        assert!(operations.contains_key("get") && operations.contains_key("head"), "{path}");
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2 * PATHS.len() + 1, "identifiers are unique: {ids:?}");
    let parameters = description["paths"]["/fibonacci/{n}"]["get"]["parameters"].as_array().expect("parameters");
    let mut names: Vec<&str> = parameters.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["If-Match", "If-None-Match", "If-Range", "Range", "n"]);
    assert_eq!(server.stop(), 0);
}

/// Sends a request and checks that its response has `status` and is one of those that are described.
#[track_caller]
fn assert_described(
    server: &Server,
    description: &serde_json::Value,
    path: &str,
    (method, target): (&str, &str),
    lines: &str,
    status: &str,
) {
    let mut client = server.connect();
    let host = if lines.contains("Host:") { "" } else { "Host: localhost\r\n" };
    client.send(format!("{method} {target} HTTP/1.1\r\n{host}{lines}\r\n"));
    let response = client.read_head();
    assert_eq!(response.status.to_string(), status, "{method} {target} {lines}");
    let described = &description["paths"][path][method.to_lowercase()]["responses"][status];
    assert!(described.is_object(), "{method} {target} {status}");
    for (name, _) in described["headers"].as_object().into_iter().flatten() {
        assert!(response.header(&name.to_ascii_lowercase()).is_some(), "{method} {target} {lines}: {name}");
    }
    let essence = |media_type: &str| media_type.split(';').next().map(str::to_owned);
    let has_content = method != "HEAD" && status != "304";
    let media_type = response.header("content-type").filter(|_| has_content).and_then(essence);
    let described = described["content"].as_object().into_iter().flatten();
    let described: Vec<_> = described.filter_map(|(media_type, _)| essence(media_type)).collect();
    assert!(
        media_type.as_ref().map_or(described.is_empty(), |media_type| described.contains(media_type)),
        "{method} {target} {lines}: {media_type:?} of {described:?}"
    );
}

#[test]
fn answers_are_as_described() {
    let server = Server::start(&["--start", "10"]);
    let description = description(&server);
    for (path, request, lines, status) in [
        ("/", ("GET", "/"), "", "200"),
        ("/", ("GET", "/"), "Accept: text/plain\r\n", "200"),
        ("/", ("GET", "/"), "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n", "403"),
        ("/", ("HEAD", "/"), "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n", "403"),
        ("/", ("HEAD", "/"), "", "200"),
        ("/fibonacci/{n}", ("GET", "/fibonacci/1000"), "", "200"),
        ("/fibonacci/{n}", ("GET", "/fibonacci/1000"), "Accept: text/plain\r\n", "200"),
        ("/fibonacci/{n}", ("GET", "/fibonacci/18446744073709551615"), "Range: bytes=-20\r\n", "206"),
        ("/fibonacci/{n}", ("GET", "/fibonacci/18446744073709551615"), "", "403"),
        ("/fibonacci/{n}", ("GET", "/fibonacci/x"), "", "404"),
        ("/fibonacci/{n}", ("HEAD", "/fibonacci/x"), "", "404"),
        ("/fibonacci/{n}", ("GET", "/fibonacci/10"), "Range: bytes=2-\r\n", "416"),
        ("/fibonacci/{n}", ("HEAD", "/fibonacci/18446744073709551615"), "Range: bytes=-20\r\n", "200"),
        ("/fibonacci/{n}", ("OPTIONS", "/fibonacci/10"), "", "204"),
        ("/fibonacci/{n}", ("OPTIONS", "/fibonacci/x"), "", "404"),
        ("/fibonacci/{n}", ("OPTIONS", "/fibonacci/10"), "Expect: miracles\r\n", "417"),
        ("/stream", ("GET", "/stream?count=2"), "", "200"),
        ("/stream", ("GET", "/stream?count=2"), "Accept: text/event-stream\r\n", "200"),
        ("/stream", ("HEAD", "/stream"), "", "200"),
        ("/stream", ("GET", "/stream?count=2"), "Last-Event-ID: 1\r\n", "204"),
        ("/stream", ("HEAD", "/stream?count=2"), "Last-Event-ID: 1\r\n", "204"),
        ("/stream", ("GET", "/stream?count=0"), "", "400"),
        ("/stream", ("HEAD", "/stream?count=0"), "", "400"),
        ("/stream", ("GET", "/stream"), "Sec-Purpose: prefetch\r\n", "503"),
        ("/stream", ("HEAD", "/stream"), "Sec-Purpose: prefetch\r\n", "503"),
        ("/healthz", ("GET", "/healthz"), "", "200"),
        ("/healthz", ("HEAD", "/healthz"), "", "200"),
        ("/readyz", ("GET", "/readyz"), "", "200"),
        ("/readyz", ("HEAD", "/readyz"), "", "200"),
        ("/metrics", ("GET", "/metrics"), "", "200"),
        ("/metrics", ("GET", "/metrics"), "Accept: application/openmetrics-text\r\n", "200"),
        ("/metrics", ("HEAD", "/metrics"), "", "200"),
    ] {
        assert_described(&server, &description, path, request, lines, status);
    }
    // What any path may answer.
    for (path, target) in PATHS {
        for method in ["GET", "HEAD"] {
            let long = format!("{target}?{}", "x".repeat(fib_http::http::TARGET_BYTES));
            for (target, lines, status) in [
                (target, "If-None-Match: *\r\n", "304"),
                (target, "Host: a b\r\n", "400"),
                (target, "If-Match: \"x\"\r\n", "412"),
                (target, "Content-Length: 65537\r\n", "413"),
                (&long, "", "414"),
                (target, "Expect: miracles\r\n", "417"),
                (target, "Host: evil.example\r\n", "421"),
                (target, &"X: y\r\n".repeat(100), "431"),
                (target, "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n", "501"),
            ] {
                assert_described(&server, &description, path, (method, target), lines, status);
            }
        }
    }
    assert_described(&server, &description, "/", ("GET", "/"), "Content-Length: 1\r\n", "408");
    // Two numbers and two streams of two.
    assert_eq!(server.stop(), 16);
}
