//! What is compared: servers, and what they are asked for.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::client::{Ask, Load};
use crate::server::Server;

/// The length of F(1,000,000).
const LONG: usize = 208_988;

/// What fib-http is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// The numbers from F(0) on
    Small,
    /// The numbers from F(1,000,000) on, of 208,988 digits
    Long,
    /// /fibonacci/1000 beside /, whose numbers are as long on average
    ByIndex,
    /// /fibonacci/1000000, which is computed once
    Kept,
    /// /fibonacci/10000000, computed each time, beside fib-core and a constant body together
    Computed,
    /// /stream beside / on one connection
    Stream,
}

/// A server, and what it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) name: String,
    kind: Kind,
    pub(crate) ask: Ask,
    /// fib-core computes F(n) for this n besides, for each request.
    pub(crate) besides: Option<u64>,
}

#[derive(Clone, Debug)]
enum Kind {
    FibHttp { start: u64, position: Option<String> },
    Bare { body_bytes: usize },
    Nginx { body_bytes: usize },
}

/// The programs, and a folder for what they need.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) fib_http: PathBuf,
    pub(crate) bare: PathBuf,
    pub(crate) folder: PathBuf,
    /// The core for the servers.
    pub(crate) core: usize,
}

impl What {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small numbers",
            Self::Long => "number 1,000,000",
            Self::ByIndex => "/fibonacci/1000",
            Self::Kept => "/fibonacci/1000000, kept",
            Self::Computed => "/fibonacci/10000000, computed",
            Self::Stream => "/stream",
        }
    }

    /// How many requests are one on the clock, so that each takes a comparable time.
    pub(crate) fn requests(self, requests: u64) -> u64 {
        if self == Self::Computed { requests.div_ceil(100) } else { requests }
    }

    /// Whether only one connection makes sense.
    pub(crate) fn is_for_one_connection(self) -> bool {
        matches!(self, Self::Computed | Self::Stream)
    }

    /// Those that are compared, fib-http first. `position` is a further place for the position.
    pub(crate) fn subjects(self, position: Option<&str>) -> Vec<Subject> {
        let next = |start| Subject::fib_http("fib-http", start, Ask::Next);
        let by_index = |paths| Subject::fib_http("fib-http", 0, Ask::Paths(paths));
        match self {
            Self::Small | Self::Long => {
                let (start, length) = if self == Self::Small { (0, 1) } else { (1_000_000, LONG) };
                let positioned = position.map(|position| next(start).with_position(position));
                [next(start), Subject::bare(length), Subject::nginx(length)].into_iter().chain(positioned).collect()
            }
            Self::ByIndex => {
                vec![by_index(&["/fibonacci/1000"]), Subject { name: "fib-http, /".into(), ..next(0) }]
            }
            Self::Kept => vec![by_index(&["/fibonacci/1000000"]), Subject::bare(LONG), Subject::nginx(LONG)],
            Self::Computed => {
                let bare = Subject::bare(2_089_877);
                let both = Subject { name: "fib-core, and bare hyper".into(), besides: Some(10_000_000), ..bare };
                // Each of the two takes the other's place.
                vec![by_index(&["/fibonacci/10000000", "/fibonacci/9999999"]), both]
            }
            Self::Stream => {
                let stream = Subject::fib_http("fib-http", 0, Ask::Stream);
                vec![stream, Subject { name: "fib-http, /".into(), ..next(0) }]
            }
        }
    }
}

impl Subject {
    fn fib_http(name: &str, start: u64, ask: Ask) -> Self {
        Self { name: name.into(), kind: Kind::FibHttp { start, position: None }, ask, besides: None }
    }

    fn bare(body_bytes: usize) -> Self {
        Self { name: "bare hyper".into(), kind: Kind::Bare { body_bytes }, ask: Ask::Next, besides: None }
    }

    fn nginx(body_bytes: usize) -> Self {
        Self { name: "nginx".into(), kind: Kind::Nginx { body_bytes }, ask: Ask::Next, besides: None }
    }

    fn with_position(mut self, location: &str) -> Self {
        let scheme = location.split(':').next().unwrap_or_default();
        self.name = format!("fib-http, {scheme}");
        if let Kind::FibHttp { position, .. } = &mut self.kind {
            *position = Some(location.into());
        }
        self
    }

    /// Whether it gives numbers in order.
    pub(crate) fn counts(&self) -> bool {
        matches!(self.kind, Kind::FibHttp { .. }) && matches!(self.ask, Ask::Next)
    }

    /// The fields of the head of a response, which a bare server repeats.
    pub(crate) fn head(&self, programs: &Programs) -> io::Result<Vec<String>> {
        Load::head(self.start(programs, &[])?.address, &self.ask)
    }

    /// Starts the server in a process of its own. One in a file begins at its first number.
    pub(crate) fn start(&self, programs: &Programs, head: &[String]) -> io::Result<Server> {
        let core = programs.core;
        match &self.kind {
            Kind::FibHttp { start, position } => {
                let mut arguments = vec!["--port=0".into(), format!("--start={start}")];
                if let Some(location) = position {
                    if let Some(path) = location.strip_prefix("file:")
                        && fs::exists(path)?
                    {
                        fs::remove_file(path)?;
                    }
                    arguments.push(format!("--position={location}"));
                }
                Server::start(core, &programs.fib_http, &arguments)
            }
            Kind::Bare { body_bytes } => {
                let fields = head.iter().map(|field| format!("--field={field}"));
                let arguments: Vec<_> = fields.chain([format!("--body-bytes={body_bytes}")]).collect();
                Server::start(core, &programs.bare, &arguments)
            }
            Kind::Nginx { body_bytes } => Server::nginx(core, &programs.folder, *body_bytes),
        }
    }
}
