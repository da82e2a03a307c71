//! The flags. Each of them can also be set by an environment variable.

use std::net::IpAddr;
use std::time::Duration;

use clap::Parser;
use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};

use crate::http::{HostName, Hosts};
use crate::log::{LogFormat, LogLevel};
use crate::net::ClientLimit;
use crate::sequence::memory::Threshold;
use crate::sequence::{MAX_IN_FLIGHT_BYTES, OnMemoryLimit};
use crate::{http, net};

/// The longest time that a flag accepts, in seconds: a day.
const MAX_SECONDS: f64 = 86_400.0;

/// The most connections that a flag accepts.
const MAX_COUNT: usize = 1_000_000;

/// Answers each GET / with the next Fibonacci number: 0, 1, 1, 2, 3, ...
#[derive(Clone, Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Config {
    /// Name or address to listen on. A name stands for all of its addresses, localhost for both loopback addresses
    #[arg(long, env = "FIB_HTTP_HOST", default_value = "localhost", value_parser = NonEmptyStringValueParser::new())]
    pub host: String,

    /// Port to listen on; 0 chooses a free one, the same for all addresses
    #[arg(long, env = "FIB_HTTP_PORT", default_value_t = 8080)]
    pub port: u16,

    /// Index of the first number
    #[arg(long, env = "FIB_HTTP_START", value_name = "INDEX", default_value_t = 0)]
    pub start: u64,

    /// Share of the memory of the machine, or of the cgroup's limit, above which the numbers stop growing; above 0, at most
    /// 100, fractions allowed
    #[arg(long, env = "FIB_HTTP_MEMORY_THRESHOLD", value_name = "PERCENT", default_value = "90")]
    pub memory_threshold: Threshold,

    /// What to do when memory is above the threshold, or when an allocation fails
    #[arg(long, env = "FIB_HTTP_ON_MEMORY_LIMIT", value_name = "ACTION", value_enum, default_value_t)]
    pub on_memory_limit: OnMemoryLimit,

    /// Most bytes of memory that the responses in flight may hold; a single one may hold more [default: 268435456, or an
    /// eighth of the memory limit where that is less]
    #[arg(long, env = "FIB_HTTP_MAX_INFLIGHT_BYTES", value_name = "BYTES")]
    pub max_inflight_bytes: Option<usize>,

    /// Name that clients may use for this service in Host, besides IP addresses and localhost; * allows every name. Can be
    /// repeated. Without this flag every name is allowed, unless the service listens on loopback addresses only
    #[arg(long, env = "FIB_HTTP_ALLOWED_HOST", value_name = "NAME", value_delimiter = ',')]
    pub allowed_host: Vec<HostName>,

    /// Most connections at a time. At the limit, one that asks for a number takes the place of the one that has been idle for
    /// longest, or else of the one whose client is furthest behind with reading
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
    #[arg(long, env = "FIB_HTTP_KEEP_ALIVE", value_name = "SECONDS", default_value = "75", value_parser = time)]
    pub keep_alive: Duration,

    /// How late a client may be with reading a response; it has a second for each KiB, whatever the length
    #[arg(long, env = "FIB_HTTP_WRITE_TIMEOUT", value_name = "SECONDS", default_value = "60", value_parser = time)]
    pub write_timeout: Duration,

    /// How long the responses in flight may take when the service stops
    #[arg(long, env = "FIB_HTTP_GRACE_PERIOD", value_name = "SECONDS", default_value = "10", value_parser = time_or_none)]
    pub grace_period: Duration,

    /// Least important messages to write to standard error
    #[arg(long, env = "FIB_HTTP_LOG_LEVEL", value_name = "LEVEL", value_enum, default_value_t)]
    pub log_level: LogLevel,

    /// Form of the messages
    #[arg(long, env = "FIB_HTTP_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,

    /// Log a line for each request
    #[arg(long, env = "FIB_HTTP_ACCESS_LOG", value_parser = BoolishValueParser::new())]
    pub access_log: bool,
}

impl Config {
    /// What the numbers in flight may hold, on a machine or in a cgroup with so many bytes of memory.
    pub(crate) fn max_in_flight_bytes(&self, memory: u64) -> usize {
        let eighth = usize::try_from(memory / 8).unwrap_or(usize::MAX);
        self.max_inflight_bytes.unwrap_or(MAX_IN_FLIGHT_BYTES.min(eighth))
    }

    /// What the HTTP layer needs to know. `only_loopback` says whether only this machine can reach the service.
    pub(crate) fn http_settings(&self, only_loopback: bool) -> http::Settings {
        http::Settings { hosts: Hosts::new(&self.allowed_host, only_loopback), access_log: self.access_log }
    }

    /// What the network layer needs to know.
    pub(crate) fn net_settings(&self) -> net::Settings {
        net::Settings {
            keep_alive: self.keep_alive,
            write_timeout: self.write_timeout,
            max_connections: self.max_connections,
            client_limit: ClientLimit {
                max_connections: self.max_connections_per_client.unwrap_or(self.max_connections.div_ceil(4)),
                trusted_proxies: self.trusted_proxy.clone(),
            },
            grace_period: self.grace_period,
            access_log: self.access_log,
        }
    }
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

/// A number of things, at least one.
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
    }

    #[test]
    fn values_are_checked() {
        for good in [
            "--port=0",
            "--memory-threshold=0.5",
            "--on-memory-limit=refuse",
            "--log-level=off",
            "--keep-alive=0.5",
            "--grace-period=0",
            "--max-connections=1",
        ] {
            assert!(Config::try_parse_from(["fib-http", good]).is_ok(), "{good}");
        }
        for bad in [
            "--host=",
            "--port=65536",
            "--port=x",
            "--start=-1",
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
