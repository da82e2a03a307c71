//! A bare hyper server as a baseline for fib-http: it has the same runtime and settings, and sends a constant response.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;

use bytes::Bytes;
use clap::Parser;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;

/// Answers every request with one constant response from memory.
#[derive(Debug, Parser)]
#[command(name = "bare", max_term_width = 100)]
struct Flags {
    /// Length of the body
    #[arg(long, value_name = "BYTES", default_value_t = 1)]
    body_bytes: usize,

    /// A field of the response's head; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = field)]
    field: Vec<(HeaderName, HeaderValue)>,
}

fn field(text: &str) -> Result<(HeaderName, HeaderValue), Box<dyn Error + Send + Sync>> {
    let (name, value) = text.split_once(':').ok_or("no colon")?;
    Ok((name.parse()?, value.trim().parse()?))
}

fn main() -> io::Result<()> {
    let flags = Rc::new(Flags::parse());
    let body = Bytes::from(vec![b'1'; flags.body_bytes]);
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        eprintln!("listening on http://{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            spawn_local(serve(stream, Rc::clone(&flags), body.clone()));
        }
    })
}

/// The settings are those of fib-http/src/net/connection.rs. hyper's timer for a request's head is off, as it is there: with it
/// the server would be slower, and the comparison would flatter.
async fn serve(stream: TcpStream, flags: Rc<Flags>, body: Bytes) {
    let service = service_fn(move |_: Request<Incoming>| {
        let mut response = Response::new(Full::new(body.clone()));
        for (name, value) in &flags.field {
            response.headers_mut().insert(name, value.clone());
        }
        async { Ok::<_, Infallible>(response) }
    });
    let mut http = http1::Builder::new();
    http.header_read_timeout(None).half_close(true).max_buf_size(64 * 1024).writev(true);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        eprintln!("connection: {error}");
    }
}
