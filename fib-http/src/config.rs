//! The flags, each with a twin in the environment.

use clap::Parser;
use clap::builder::NonEmptyStringValueParser;

use crate::log::LogLevel;
use crate::memory::Threshold;
use crate::sequence::OnMemoryLimit;

/// Answers each GET / with the next Fibonacci number: 0, 1, 1, 2, 3, ...
#[derive(Clone, Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Config {
    /// Name or address to listen on; a name at all its addresses, localhost at both loopback addresses
    #[arg(long, env = "FIB_HTTP_HOST", default_value = "localhost", value_parser = NonEmptyStringValueParser::new())]
    pub host: String,

    /// Port to listen on; 0 takes a free one, the same for all addresses
    #[arg(long, env = "FIB_HTTP_PORT", default_value_t = 8080)]
    pub port: u16,

    /// Index of the first number
    #[arg(long, env = "FIB_HTTP_START", value_name = "INDEX", default_value_t = 0)]
    pub start: u64,

    /// Share of the memory of the machine, or of the cgroup's limit, above which the numbers stop growing; above 0, at most
    /// 100, fractions allowed
    #[arg(long, env = "FIB_HTTP_MEMORY_THRESHOLD", value_name = "PERCENT", default_value = "90")]
    pub memory_threshold: Threshold,

    /// What to do when memory is above the threshold, or when the system has no more
    #[arg(long, env = "FIB_HTTP_ON_MEMORY_LIMIT", value_name = "ACTION", value_enum, default_value_t)]
    pub on_memory_limit: OnMemoryLimit,

    /// The least important messages to write to standard error
    #[arg(long, env = "FIB_HTTP_LOG_LEVEL", value_name = "LEVEL", value_enum, default_value_t)]
    pub log_level: LogLevel,
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
    fn every_flag_has_a_twin_in_the_environment() {
        for argument in Config::command().get_arguments() {
            let flag = argument.get_long().expect("only long flags");
            let twin = format!("FIB_HTTP_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(argument.get_env().and_then(|name| name.to_str()), Some(&*twin), "{flag}");
        }
    }

    #[test]
    fn values_are_checked() {
        for good in ["--port=0", "--memory-threshold=0.5", "--on-memory-limit=refuse", "--log-level=off"] {
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
            "--unknown",
            "operand",
        ] {
            let error = Config::try_parse_from(["fib-http", bad]).expect_err(bad);
            assert_eq!(error.exit_code(), 2, "{bad}");
        }
    }
}
