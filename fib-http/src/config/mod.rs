//! The flags. Each of them can also be set by an environment variable.

mod environment;
mod values;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use clap::{ArgAction, Parser, Subcommand};
use tracing::warn;

use self::values::{count, in_seconds, time, time_or_none, whole};
use crate::health::HealthUrl;
use crate::http::{HostName, Hosts, MAX_INDEX};
use crate::log::{LogFormat, LogLevel};
use crate::net::{ClientLimit, Timeouts};
use crate::position::{Location, LocationParser};
use crate::sequence::memory::Threshold;
use crate::sequence::{CONNECTION_BYTES, LAST_INDEX, MAX_IN_FLIGHT_BYTES, OnMemoryLimit};
use crate::{http, net};

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
    #[arg(long, env = "FIB_HTTP_PORT", default_value_t = 8080, value_parser = whole(0..=u16::MAX))]
    pub port: u16,

    /// Index of the first number of a new position; it is computed directly, without the numbers before it
    #[arg(long, env = "FIB_HTTP_START", value_name = "INDEX", default_value_t = 0, value_parser = whole(0..=u64::MAX))]
    pub start: u64,

    /// Largest index N for which GET /fibonacci/N gives the whole number; the ends of any number are given beyond it too. A
    /// number is computed in the only thread: others wait for as long as that takes
    #[arg(
        long,
        env = "FIB_HTTP_MAX_INDEX",
        value_name = "INDEX",
        default_value_t = MAX_INDEX,
        value_parser = whole(0..=LAST_INDEX)
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
        value_parser = whole(0..=usize::MAX),
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
    #[arg(long, env = "FIB_HTTP_MAX_CONNECTIONS", value_name = "COUNT", default_value = "1024", value_parser = count())]
    pub max_connections: usize,

    /// Most connections of one IPv4 address or one /64 of IPv6; loopback addresses and proxies may have any number
    /// [default: a quarter of --max-connections]
    #[arg(long, env = "FIB_HTTP_MAX_CONNECTIONS_PER_CLIENT", value_name = "COUNT", value_parser = count())]
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
    #[arg(
        long,
        env = "FIB_HTTP_ACCESS_LOG",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        action = ArgAction::Set,
        default_value = "false",
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
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
