//! The flags. Each of them can also be set by an environment variable.

use std::env;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, NonEmptyStringValueParser, RangedU64ValueParser, Resettable};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, Command, CommandFactory, FromArgMatches};
use clap::{Parser, Subcommand};
use tracing::warn;

use crate::health::HealthUrl;
use crate::http::{HostName, Hosts, MAX_INDEX};
use crate::log::{LogFormat, LogLevel};
use crate::net::{ClientLimit, Timeouts};
use crate::position::{Location, LocationParser};
use crate::sequence::memory::Threshold;
use crate::sequence::{CONNECTION_BYTES, LAST_INDEX, MAX_IN_FLIGHT_BYTES, OnMemoryLimit};
use crate::{http, net};

/// The longest time that a flag accepts, in seconds: a day.
const MAX_SECONDS: f64 = 86_400.0;

/// The most connections that a flag accepts.
const MAX_COUNT: usize = 1_000_000;

/// Answers each GET / with the next Fibonacci number: 0, 1, 1, 2, 3, ...
#[derive(Clone, Debug, Parser)]
#[command(version, max_term_width = 100, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Config {
    /// Name or address to listen on. A name stands for all of its addresses, localhost for both loopback addresses, 0.0.0.0
    /// for all IPv4 addresses and :: for all IPv6 addresses. Can be repeated: 0.0.0.0 and :: together mean all addresses
    #[arg(
        long = "host",
        env = "FIB_HTTP_HOST",
        value_name = "HOST",
        default_value = "localhost",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub hosts: Vec<String>,

    /// Port to listen on; 0 chooses a free one, the same for all addresses
    #[arg(long, env = "FIB_HTTP_PORT", default_value_t = 8080)]
    pub port: u16,

    /// Index of the first number of a new position; it is computed directly, without the numbers before it
    #[arg(long, env = "FIB_HTTP_START", value_name = "INDEX", default_value_t = 0)]
    pub start: u64,

    /// Largest index N for which GET /fibonacci/N gives the whole number; the ends of any number are given beyond it too. A
    /// number is computed in the only thread: others wait for as long as that takes
    #[arg(
        long,
        env = "FIB_HTTP_MAX_INDEX",
        value_name = "INDEX",
        default_value_t = MAX_INDEX,
        value_parser = RangedU64ValueParser::<u64>::new().range(..=LAST_INDEX)
    )]
    pub max_index: u64,

    /// Where the position is kept
    #[arg(
        long,
        env = "FIB_HTTP_POSITION",
        hide_env_values = true,
        value_name = "LOCATION",
        default_value = "memory",
        value_parser = LocationParser,
        help = "Where the position is kept: memory, which ends with the process; file:PATH, which survives; or \
                postgresql://USER@HOST/DATABASE, which several processes share. One that exists already goes on, and --start \
                does not apply. file:PATH?trust=synced is for storage that may lose what it has not synced while the machine \
                runs. Other users of the machine can read the flag: let PGPASSWORD, a password file or FIB_HTTP_POSITION have \
                the password of a database"
    )]
    pub position: Location,

    /// How long a request waits for a number of a position in a database before it is refused
    #[arg(long, env = "FIB_HTTP_POSITION_TIMEOUT", value_name = "SECONDS", default_value = "2", value_parser = time)]
    pub position_timeout: Duration,

    /// Share of the machine's memory, and of each cgroup's limit, that may be in use. A longer number or a response that would
    /// take more is refused. More than 0 and at most 100, fractions allowed
    #[arg(long, env = "FIB_HTTP_MEMORY_THRESHOLD", value_name = "PERCENT", default_value = "90")]
    pub memory_threshold: Threshold,

    /// What to do when memory stays short [default: restart, or refuse for a position in a database]
    #[arg(long, env = "FIB_HTTP_ON_MEMORY_LIMIT", value_name = "ACTION", value_enum)]
    pub on_memory_limit: Option<OnMemoryLimit>,

    /// Most bytes of memory that the responses in flight may hold
    #[arg(
        long,
        env = "FIB_HTTP_MAX_INFLIGHT_BYTES",
        value_name = "BYTES",
        help = format!(
            "Most bytes of memory that the responses in flight may hold, at most an eighth of the memory limit; a single one \
             may hold more [default: {MAX_IN_FLIGHT_BYTES}]"
        )
    )]
    pub max_inflight_bytes: Option<usize>,

    /// Name that clients may use for this service in the Host field, besides IP addresses and localhost; *.example.org
    /// allows every name below example.org, * allows every name. Can be repeated. Without this flag every name is allowed
    /// on connections that do not arrive at a loopback address
    #[arg(long, env = "FIB_HTTP_ALLOWED_HOST", value_name = "NAME", value_delimiter = ',')]
    pub allowed_host: Vec<HostName>,

    /// Most connections at a time. At the limit, one that asks for a number takes the place of the one that has been idle for
    /// longest, or else of one whose request takes long to arrive, or else of the one whose client is furthest behind with
    /// reading. Beyond the limit, 16 more are accepted to wait for such a place, and for /healthz, /readyz and /metrics
    #[arg(long, env = "FIB_HTTP_MAX_CONNECTIONS", value_name = "COUNT", default_value = "1024", value_parser = count)]
    pub max_connections: usize,

    /// Most connections of one IPv4 address or one /64 of IPv6; loopback addresses and proxies may have any number
    /// [default: a quarter of --max-connections]
    #[arg(long, env = "FIB_HTTP_MAX_CONNECTIONS_PER_CLIENT", value_name = "COUNT", value_parser = count)]
    pub max_connections_per_client: Option<usize>,

    /// Address of a proxy, which may have any number of connections. Can be repeated
    #[arg(long, env = "FIB_HTTP_TRUSTED_PROXY", value_name = "ADDRESS", value_delimiter = ',')]
    pub trusted_proxy: Vec<IpAddr>,

    /// How long a connection may be idle, and how long the head of a request may take to arrive. Let it be longer than a proxy
    /// keeps its idle connections, so that a request does not meet the end of one
    #[arg(
        long,
        env = "FIB_HTTP_KEEP_ALIVE",
        value_name = "SECONDS",
        default_value = in_seconds(Timeouts::default().keep_alive),
        value_parser = time
    )]
    pub keep_alive: Duration,

    /// How late a client may be with reading a response; it has a second for each KiB, whatever the length
    #[arg(
        long,
        env = "FIB_HTTP_WRITE_TIMEOUT",
        value_name = "SECONDS",
        default_value = in_seconds(Timeouts::default().write),
        value_parser = time
    )]
    pub write_timeout: Duration,

    /// How long the service goes on after the first signal to stop, while /readyz says 503, so that load balancers notice;
    /// a second signal ends the wait
    #[arg(long, env = "FIB_HTTP_DRAIN_DELAY", value_name = "SECONDS", default_value = "0", value_parser = time_or_none)]
    pub drain_delay: Duration,

    /// How long the responses in flight may still take once the service stops
    #[arg(long, env = "FIB_HTTP_GRACE_PERIOD", value_name = "SECONDS", default_value = "10", value_parser = time_or_none)]
    pub grace_period: Duration,

    /// Least severe messages to write to standard error
    #[arg(long, env = "FIB_HTTP_LOG_LEVEL", value_name = "LEVEL", value_enum, default_value_t)]
    pub log_level: LogLevel,

    /// Form of the messages
    #[arg(long, env = "FIB_HTTP_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,

    /// Log a line for each request, at the level info
    #[arg(long, env = "FIB_HTTP_ACCESS_LOG", value_parser = BoolishValueParser::new())]
    pub access_log: bool,

    /// What to do instead of serving
    #[command(subcommand)]
    pub task: Option<Task>,
}

/// What the program can do besides serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Task {
    /// Work with positions in files
    #[command(subcommand)]
    Position(PositionTask),
    /// Ask a service for its health: the exit status is 0 if it answers with a status of 2xx within 5 s, 2 if the URL is wrong,
    /// otherwise 1
    Health {
        /// URL to ask, with a path such as /readyz; without a path, /healthz
        url: HealthUrl,
    },
}

/// What can be done with a position in a file.
#[derive(Clone, Debug, Subcommand)]
pub enum PositionTask {
    /// Show what a file contains, even while the service uses it
    Show {
        /// The file's path, without file:
        path: PathBuf,
    },
}

impl Config {
    /// The flags of `arguments`, and of the environment. An environment variable that is empty counts as absent.
    ///
    /// # Errors
    /// What is wrong with them. The error names the variable if the value comes from one. Help and version are errors too.
    pub fn from_arguments(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let command = Self::command().mut_args(without_empty_variable);
        let matches = command.clone().try_get_matches_from(arguments);
        matches
            .and_then(|mut matches| Self::from_arg_matches_mut(&mut matches))
            .map_err(|error| name_variable(error, &command, arguments))
    }

    /// The format of messages that `arguments` and the environment ask for, even if they are wrong otherwise.
    #[must_use]
    pub fn log_format_of(arguments: &[OsString]) -> LogFormat {
        // A bad value in another variable would keep this one from being read.
        let only_format = |argument: Arg| match argument.get_id().as_str() {
            "log_format" => without_empty_variable(argument),
            _ => without_variable(argument),
        };
        let command = Self::command().mut_args(only_format).ignore_errors(true);
        let given = |arguments: &[OsString]| {
            let matches = command.clone().try_get_matches_from(arguments).ok()?;
            matches.value_source("log_format").filter(|&source| source != ValueSource::DefaultValue)?;
            matches.get_one("log_format").copied()
        };
        // A bad value of a flag keeps the variable from being read, so it is read again without flags.
        given(arguments).or_else(|| given(&arguments[..arguments.len().min(1)])).unwrap_or_default()
    }

    /// What happens when memory stays short. A process that has too little memory does not move the others to the next pass,
    /// unless it is told to.
    pub(crate) fn on_memory_limit(&self) -> OnMemoryLimit {
        let default = match self.position {
            Location::Postgresql(_) => OnMemoryLimit::Refuse,
            Location::Memory | Location::File { .. } => OnMemoryLimit::Restart,
        };
        self.on_memory_limit.unwrap_or(default)
    }

    /// The bytes that the numbers in flight may hold, on a machine or in a cgroup with `memory` bytes of memory. A flag that
    /// allows more is capped with a warning: it names a maximum, and the same flags may serve machines of all sizes.
    pub(crate) fn max_in_flight_bytes(&self, memory: u64) -> usize {
        let eighth = usize::try_from(memory / 8).unwrap_or(usize::MAX);
        if self.max_inflight_bytes.is_some_and(|bytes| bytes > eighth) {
            warn!("--max-inflight-bytes is more than an eighth of the memory: {eighth} bytes are the limit instead");
        }
        self.max_inflight_bytes.unwrap_or(MAX_IN_FLIGHT_BYTES).min(eighth)
    }

    /// How many connections may be served, on a machine or in a cgroup with `memory` bytes of memory. Together they may take a
    /// quarter of it.
    fn max_connections(&self, memory: u64) -> usize {
        let possible = usize::try_from(memory / 4).unwrap_or(usize::MAX) / CONNECTION_BYTES;
        if possible < self.max_connections {
            let wanted = self.max_connections;
            warn!("at most {possible} connections instead of {wanted}: together they may take a quarter of the memory");
        }
        self.max_connections.min(possible).max(1)
    }

    /// What the HTTP layer needs to know.
    pub(crate) fn http_settings(&self) -> http::Settings {
        http::Settings { hosts: Hosts::new(&self.allowed_host), access_log: self.access_log, max_index: self.max_index }
    }

    /// What the network layer needs to know, on a machine or in a cgroup with `memory` bytes of memory.
    pub(crate) fn net_settings(&self, memory: u64) -> net::Settings {
        let max_connections = self.max_connections(memory);
        net::Settings {
            keep_alive: self.keep_alive,
            write_timeout: self.write_timeout,
            max_connections,
            client_limit: ClientLimit {
                max_connections: self.max_connections_per_client.unwrap_or(max_connections.div_ceil(4)),
                trusted_proxies: self.trusted_proxy.clone(),
            },
            drain_delay: self.drain_delay,
            grace_period: self.grace_period,
            access_log: self.access_log,
        }
    }
}

fn without_empty_variable(argument: Arg) -> Arg {
    let is_empty = argument.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    if is_empty { without_variable(argument) } else { argument }
}

fn without_variable(argument: Arg) -> Arg {
    argument.env(Resettable::<clap::builder::OsStr>::Reset)
}

/// The same error, naming the environment variable that the bad value comes from, if it does.
fn name_variable(mut error: clap::Error, command: &Command, arguments: &[OsString]) -> clap::Error {
    let flag_in = |error: &clap::Error| match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => Some(flag.clone()),
        _ => None,
    };
    let of_arguments = command.clone().mut_args(without_variable).try_get_matches_from(arguments).err();
    if of_arguments.is_some_and(|other| other.kind() == error.kind() && flag_in(&other) == flag_in(&error)) {
        return error;
    }
    let variables = || command.get_arguments().filter_map(|argument| Some((argument, argument.get_env()?.to_str()?)));
    if error.kind() == ErrorKind::InvalidUtf8 {
        let is_malformed = |name: &str| env::var_os(name).is_some_and(|value| value.to_str().is_none());
        if let Some((_, name)) = variables().find(|(_, name)| is_malformed(name)) {
            let message = format!("the value of {name} is not UTF-8");
            return command.clone().error(ErrorKind::InvalidUtf8, message);
        }
    }
    // Such as "--port <PORT>".
    if let Some(flag) = flag_in(&error)
        && let Some(long) = flag.split(' ').next().and_then(|long| long.strip_prefix("--"))
        && let Some((_, name)) = variables().find(|(argument, _)| argument.get_long() == Some(long))
    {
        let both = format!("{name} ({flag})");
        error.insert(ContextKind::InvalidArg, ContextValue::String(both));
    }
    error
}

/// A time above 0, in seconds.
fn time(text: &str) -> Result<Duration, &'static str> {
    time_or_none(text).ok().filter(|time| !time.is_zero()).ok_or("not a number of seconds above 0 and at most 86400")
}

/// A time, in seconds.
fn time_or_none(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().filter(|&seconds| seconds <= MAX_SECONDS);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or("not a number of seconds from 0 to 86400")
}

fn in_seconds(time: Duration) -> String {
    time.as_secs_f64().to_string()
}

/// A count of at least one.
fn count(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|&count| count > 0 && count <= MAX_COUNT).ok_or("not a number from 1 to 1000000")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Config::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_variable() {
        for argument in Config::command().get_arguments() {
            let flag = argument.get_long().expect("only long flags");
            let variable = format!("FIB_HTTP_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(argument.get_env().and_then(|name| name.to_str()), Some(&*variable), "{flag}");
        }
    }

    #[test]
    fn the_budget_is_an_eighth_of_the_memory_at_most() {
        let budget = |flags: &[&str], memory| {
            let config = Config::parse_from([&["fib-http"], flags].concat());
            config.max_in_flight_bytes(memory)
        };
        assert_eq!(budget(&[], u64::MAX), 256 << 20);
        assert_eq!(budget(&[], 64 << 20), 8 << 20);
        assert_eq!(budget(&["--max-inflight-bytes=1"], 64 << 20), 1);
        assert_eq!(budget(&["--max-inflight-bytes=200000000"], 64 << 20), 8 << 20);
    }

    #[test]
    fn values_are_checked() {
        for good in [
            "--port=0",
            "--memory-threshold=0.5",
            "--on-memory-limit=refuse",
            "--log-level=off",
            "--keep-alive=0.5",
            "--drain-delay=0",
            "--grace-period=0",
            "--max-connections=1",
            "--max-index=0",
            "--max-index=17808892133",
        ] {
            assert!(Config::try_parse_from(["fib-http", good]).is_ok(), "{good}");
        }
        for bad in [
            "--host=",
            "--port=65536",
            "--port=x",
            "--start=-1",
            "--max-index=17808892134",
            "--start=18446744073709551616",
            "--memory-threshold=0",
            "--memory-threshold=nan",
            "--on-memory-limit=panic",
            "--log-level=loud",
            "--keep-alive=0",
            "--keep-alive=-1",
            "--keep-alive=nan",
            "--write-timeout=inf",
            "--write-timeout=86401",
            "--drain-delay=-1",
            "--grace-period=soon",
            "--max-connections=0",
            "--max-inflight-bytes=-1",
            "--allowed-host=http://example.org",
            "--log-format=xml",
            "--unknown",
            "operand",
        ] {
            let error = Config::try_parse_from(["fib-http", bad]).expect_err(bad);
            assert_eq!(error.exit_code(), 2, "{bad}");
        }
    }
}
