//! Command lines. Each gives a configuration with exactly the values that it asks for, or an error of status 2.
#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use arbitrary::Arbitrary;
use clap::Parser;
use clap::error::ErrorKind;
use fib_http::Config;
use fib_http::sequence::OnMemoryLimit;
use fib_http::sequence::memory::Threshold;
use libfuzzer_sys::fuzz_target;

/// A flag and its value. The target knows their meaning.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Flag<'a> {
    Host(&'a str),
    Port(Number<'a>),
    Start(Number<'a>),
    Threshold(Number<'a>),
    MaxInflight(Number<'a>),
    MaxConnections(Number<'a>),
    KeepAlive(Number<'a>),
    WriteTimeout(Number<'a>),
    Grace(Number<'a>),
    Refuse,
    Restart,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Number<'a> {
    Small(u8),
    Integer(u64),
    Negative(i64),
    Fraction(f64),
    Text(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Line<'a> {
    /// Flags in the form `--flag=value`.
    Known(Vec<Flag<'a>>),
    /// Pieces of flags between arbitrary bytes.
    Any(Vec<Piece<'a>>),
}

#[derive(Arbitrary, Debug)]
enum Piece<'a> {
    Next,
    Host,
    Port,
    Start,
    Threshold,
    OnLimit,
    MaxInflight,
    MaxConnections,
    AllowedHost,
    KeepAlive,
    WriteTimeout,
    Grace,
    AccessLog,
    LogLevel,
    LogFormat,
    Help,
    Version,
    Equals,
    Dashes,
    Bytes(&'a [u8]),
}

fuzz_target!(|line: Line| match line {
    Line::Known(flags) => known(&flags),
    Line::Any(pieces) => any(&pieces),
});

impl Number<'_> {
    fn text(self) -> String {
        match self {
            Self::Small(number) => number.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Negative(number) => number.to_string(),
            Self::Fraction(number) => number.to_string(),
            Self::Text(text) => text.to_owned(),
        }
    }
}

fn known(flags: &[Flag]) {
    let mut line = vec!["fib-http".to_owned()];
    let mut hosts = Vec::new();
    let (mut port, mut start, mut threshold, mut policy) = (None, None, None, None);
    let (mut inflight, mut connections) = (None, None);
    let (mut keep_alive, mut write_timeout, mut grace) = (None, None, None);
    let mut valid = true;
    for &flag in flags {
        let (text, ok) = match flag {
            Flag::Host(names) => {
                hosts.extend(names.split(','));
                (format!("--host={names}"), names.split(',').all(|name| !name.is_empty()))
            }
            Flag::Port(number) => given("port", number, &mut port, |text| {
                text.parse::<i64>().ok().and_then(|value| u16::try_from(value).ok())
            }),
            Flag::Start(number) => given("start", number, &mut start, |text| text.parse::<u64>().ok()),
            Flag::Threshold(number) => given("memory-threshold", number, &mut threshold, |text| {
                text.parse::<f64>().ok().filter(|percent| 0.0 < *percent && *percent <= 100.0)
            }),
            Flag::MaxInflight(number) => {
                given("max-inflight-bytes", number, &mut inflight, |text| text.parse::<usize>().ok())
            }
            Flag::MaxConnections(number) => given("max-connections", number, &mut connections, |text| {
                text.parse::<usize>().ok().filter(|count| (1..=1_000_000).contains(count))
            }),
            Flag::KeepAlive(number) => given("keep-alive", number, &mut keep_alive, time_above_0),
            Flag::WriteTimeout(number) => given("write-timeout", number, &mut write_timeout, time_above_0),
            Flag::Grace(number) => given("grace-period", number, &mut grace, time),
            Flag::Refuse | Flag::Restart => {
                let refuse = matches!(flag, Flag::Refuse);
                let action = if refuse { "refuse" } else { "restart" };
                (format!("--on-memory-limit={action}"), policy.replace(refuse).is_none())
            }
        };
        valid &= ok;
        line.push(text);
    }
    match Config::try_parse_from(&line) {
        Ok(config) => {
            assert!(valid, "{line:?}");
            assert_eq!(config.hosts, if hosts.is_empty() { vec!["localhost"] } else { hosts });
            assert_eq!(config.port, port.flatten().unwrap_or(8080));
            assert_eq!(config.start, start.flatten().unwrap_or(0));
            assert_eq!(Some(config.memory_threshold), Threshold::new(threshold.flatten().unwrap_or(90.0)));
            assert_eq!(config.on_memory_limit == Some(OnMemoryLimit::Refuse), policy.unwrap_or(false));
            assert_eq!(config.max_inflight_bytes, inflight.flatten());
            assert_eq!(config.max_connections, connections.flatten().unwrap_or(1024));
            assert_eq!(config.keep_alive, keep_alive.flatten().unwrap_or(Duration::from_secs(75)));
            assert_eq!(config.write_timeout, write_timeout.flatten().unwrap_or(Duration::from_secs(60)));
            assert_eq!(config.grace_period, grace.flatten().unwrap_or(Duration::from_secs(10)));
        }
        Err(error) => {
            assert!(!valid, "{line:?}: {error}");
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().starts_with("error: "), "{error}");
        }
    }
}

/// The argument for a flag with a value, and whether it is valid: `parse` must accept the value, and `slot` must be
/// empty, because a flag that is given twice is an error.
fn given<T>(
    flag: &str,
    number: Number,
    slot: &mut Option<Option<T>>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> (String, bool) {
    let text = number.text();
    let value = parse(&text);
    let ok = value.is_some();
    (format!("--{flag}={text}"), slot.replace(value).is_none() && ok)
}

/// Parses a time from 0 to a day, in seconds.
fn time(text: &str) -> Option<Duration> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=86_400.0).contains(seconds))?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Parses a time above 0, at most a day, in seconds.
fn time_above_0(text: &str) -> Option<Duration> {
    time(text).filter(|time| !time.is_zero())
}

fn any(pieces: &[Piece]) {
    let mut line = vec![OsString::from("fib-http"), OsString::new()];
    for piece in pieces {
        let text: &[u8] = match piece {
            Piece::Next => {
                line.push(OsString::new());
                continue;
            }
            Piece::Host => b"--host",
            Piece::Port => b"--port",
            Piece::Start => b"--start",
            Piece::Threshold => b"--memory-threshold",
            Piece::OnLimit => b"--on-memory-limit",
            Piece::MaxInflight => b"--max-inflight-bytes",
            Piece::MaxConnections => b"--max-connections",
            Piece::AllowedHost => b"--allowed-host",
            Piece::KeepAlive => b"--keep-alive",
            Piece::WriteTimeout => b"--write-timeout",
            Piece::Grace => b"--grace-period",
            Piece::AccessLog => b"--access-log",
            Piece::LogLevel => b"--log-level",
            Piece::LogFormat => b"--log-format",
            Piece::Help => b"--help",
            Piece::Version => b"-V",
            Piece::Equals => b"=",
            Piece::Dashes => b"--",
            Piece::Bytes(bytes) => bytes,
        };
        line.last_mut().expect("never empty").push(std::ffi::OsStr::from_bytes(text));
    }
    match Config::try_parse_from(&line) {
        Ok(config) => {
            assert!(!config.hosts.is_empty() && config.hosts.iter().all(|host| !host.is_empty()));
            let percent: f64 = config.memory_threshold.to_string().parse().expect("a number");
            assert!(0.0 < percent && percent <= 100.0);
        }
        Err(error) => {
            let told = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            assert_eq!(error.exit_code(), if told { 0 } else { 2 }, "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
}
