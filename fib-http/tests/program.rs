//! The program: flags, the start, and what it asks of the system.

mod common;

use std::net::TcpListener;
use std::process::{Command, Output};

#[cfg(target_os = "linux")]
use common::Client;
use common::Program;

/// Runs the program to its end.
fn output(flags: &[&str]) -> Output {
    Program::command(flags).output().expect("it starts")
}

/// Checks that it ends with `status` and one line that contains all of `words`.
#[track_caller]
fn assert_fails(flags: &[&str], status: i32, words: &[&str]) {
    let output = output(flags);
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(status), "{flags:?}: {stderr}");
    let errors: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{stderr}");
    for word in words {
        assert!(errors[0].contains(word), "no '{word}' in: {stderr}");
    }
    // An error of the program itself is the only line; clap adds a hint.
    assert!(status == 2 || stderr.trim_end().lines().count() == 1, "{stderr}");
}

#[test]
fn bad_flags_are_reported() {
    assert_fails(&["--port=65536"], 2, &["65536", "--port"]);
    assert_fails(&["--memory-threshold=0"], 2, &["'0'", "--memory-threshold", "above 0 and at most 100"]);
    assert_fails(&["--memory-threshold=100.5"], 2, &["'100.5'", "--memory-threshold"]);
    assert_fails(&["--start=-1"], 2, &["-1"]);
    // Every flag that takes a number says which ones it accepts.
    for (flag, from, to) in [
        ("port", "0", "65535"),
        ("start", "0", "18446744073709551615"),
        ("max-index", "0", "17808892133"),
        ("position-timeout", "0", "86400"),
        ("memory-threshold", "0", "100"),
        ("max-inflight-bytes", "0", "18446744073709551615"),
        ("max-connections", "1", "1000000"),
        ("max-connections-per-client", "1", "1000000"),
        ("keep-alive", "0", "86400"),
        ("write-timeout", "0", "86400"),
        ("drain-delay", "0", "86400"),
        ("grace-period", "0", "86400"),
    ] {
        for bad in ["x", "-1", "99999999999999999999"] {
            assert_fails(&[&format!("--{flag}={bad}")], 2, &[bad, flag, from, to]);
        }
    }
    assert_fails(&["--on-memory-limit=die"], 2, &["'die'", "--on-memory-limit"]);
    assert_fails(&["--nonsense"], 2, &["--nonsense"]);
    assert_fails(&["8080"], 2, &["8080"]);
}

#[test]
fn bad_values_in_the_environment_are_reported() {
    for (name, value, words) in [
        ("PORT", "http", ["'http'", "--port"]),
        ("KEEP_ALIVE", "-1", ["'-1'", "--keep-alive"]),
        ("ACCESS_LOG", "perhaps", ["'perhaps'", "--access-log"]),
        ("LOG_FORMAT", "xml", ["'xml'", "--log-format"]),
        ("ALLOWED_HOST", "a,b:80", ["'b:80'", "--allowed-host"]),
    ] {
        let name = format!("FIB_HTTP_{name}");
        let output = Program::command(&[]).env(&name, value).output().expect("it starts");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        for word in words.into_iter().chain([&*name]) {
            assert!(stderr.contains(word), "no '{word}' in: {stderr}");
        }
    }
    // The command line is to blame where it is what counts.
    let output = Program::command(&["--port=x"]).env("FIB_HTTP_PORT", "http").output().expect("it starts");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(stderr.contains("'x' for '--port"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_named() {
    use std::os::unix::ffi::OsStrExt;

    let latin = std::ffi::OsStr::from_bytes(b"h\xe9");
    let output = Program::command(&[]).env("FIB_HTTP_HOST", latin).output().expect("it starts");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("FIB_HTTP_HOST is not UTF-8"), "{stderr}");
}

#[test]
fn empty_variables_count_as_absent() {
    let help = String::from_utf8(output(&["--help"]).stdout).expect("UTF-8");
    let names: Vec<&str> = help
        .split(|c: char| !c.is_ascii_uppercase() && c != '_')
        .filter(|word| word.starts_with("FIB_HTTP_"))
        .collect();
    assert!(names.len() > 10, "{help}");
    let mut command = Program::command(&["--port=0"]);
    command.envs(names.iter().map(|name| (name, "")));
    let program = Program::run(&mut command).expect("it listens");
    assert_eq!(program.connect().number().text(), "0");
}

#[test]
fn a_variable_that_belongs_to_no_flag_is_told_once() {
    let mut command = Program::command(&["--port=0"]);
    command
        .env("FIB_HTTP_MEMORY_TRESHOLD", "5")
        .env("FIB_HTTP_", "x")
        .env("FIB_HTTP_EMPTY", "")
        .env("FIB_HTTP_START", "5");
    let program = Program::run(&mut command).expect("it listens");
    let told: Vec<&String> = program.log.iter().filter(|line| line.contains("FIB_HTTP_")).collect();
    assert_eq!(told.len(), 1, "{:?}", program.log);
    assert!(told[0].contains("WARN") && told[0].ends_with(": FIB_HTTP_, FIB_HTTP_MEMORY_TRESHOLD"), "{told:?}");
}

#[test]
fn a_switch_takes_the_same_values_as_its_variable() {
    for value in ["true", "1", "yes", "on", "false", "0", "no", "off"] {
        let logs = |mut command: Command| {
            let mut program = Program::run(command.arg("--port=0")).expect("it listens");
            let mut client = program.connect();
            client.number();
            // The first line is written by then.
            client.number();
            program.kill();
            program.wait();
            program.log.iter().any(|line| line.contains("target=\"/\""))
        };
        let mut of_variable = Program::command(&[]);
        of_variable.env("FIB_HTTP_ACCESS_LOG", value);
        let is_on = matches!(value, "true" | "1" | "yes" | "on");
        assert_eq!(logs(of_variable), is_on, "{value}");
        assert_eq!(logs(Program::command(&[&format!("--access-log={value}")])), is_on, "{value}");
    }
}

#[test]
fn flags_can_be_set_in_the_environment_and_the_command_line_wins() {
    let mut command = Program::command(&["--port=0"]);
    command.env("FIB_HTTP_PORT", "1").env("FIB_HTTP_START", "12");
    let program = Program::run(&mut command).expect("it listens");
    assert_eq!(program.connect().number().text(), "144");
}

#[test]
fn help_lists_every_flag() {
    let output = output(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    for flag in [
        "host",
        "port",
        "start",
        "memory-threshold",
        "on-memory-limit",
        "max-inflight-bytes",
        "allowed-host",
        "max-connections",
        "keep-alive",
        "write-timeout",
        "drain-delay",
        "grace-period",
        "log-level",
        "log-format",
        "access-log",
    ] {
        assert!(help.contains(&format!("--{flag}")), "{flag}");
        assert!(help.contains(&format!("FIB_HTTP_{}", flag.to_uppercase().replace('-', "_"))), "{flag}");
    }
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    for host in ["localhost", "127.0.0.1"] {
        assert_fails(&["--host", host, "--port", &port], 1, &["in use", &port]);
    }
    // Whatever the log level.
    assert_fails(&["--log-level=off", "--port", &port], 1, &["in use"]);
}

#[test]
fn a_host_without_an_address_is_reported() {
    // Reserved for that (RFC 6761).
    assert_fails(&["--host=nothing.invalid"], 1, &["resolve", "nothing.invalid"]);
}

#[test]
fn a_first_number_out_of_reach_is_reported() {
    assert_fails(&["--port=0", "--start=1000000000000000"], 1, &["1000000000000000", "bytes"]);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_above_the_threshold_is_reported() {
    assert_fails(&["--port=0", "--memory-threshold=0.000001"], 1, &["memory", "--memory-threshold", "in use"]);
}

#[cfg(target_os = "linux")]
#[test]
fn it_has_one_thread() {
    let program = Program::start(&["--host=127.0.0.1"]);
    let mut clients: Vec<Client> = (0..20).map(|_| program.connect()).collect();
    for client in &mut clients {
        client.number();
        client.exchange("GET /docs/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(program.threads(), 1);
    }
}

#[cfg(unix)]
#[test]
fn after_a_kill_it_starts_again_on_the_same_port() {
    let program = Program::start(&["--start=10"]);
    let port = program.port.to_string();
    let mut client = program.connect();
    assert_eq!(client.number().index(), 10);
    program.signal("KILL");
    let mut killed = program;
    assert_eq!(killed.wait().code(), None);
    let again = Program::run(&mut Program::command(&["--start=10", "--port", &port])).expect("it listens");
    assert_eq!(again.connect().number().index(), 10);
}

#[cfg(target_os = "linux")]
#[test]
fn the_soft_limit_on_open_files_is_raised() {
    let mut command = std::process::Command::new("prlimit");
    command.args(["--nofile=64:620", env!("CARGO_BIN_EXE_fib-http"), "--port=0", "--max-connections=500"]);
    let program = Program::run(&mut command).expect("it listens");
    // Each of them stays open.
    let clients: Vec<Client> = (0..200)
        .map(|index| {
            let mut client = program.connect();
            assert_eq!(client.number().index(), index);
            client
        })
        .collect();
    assert_eq!(program.metric("fib_http_connections"), 201.0);
    drop(clients);
    assert!(!program.log.iter().any(|line| line.contains("open files")), "{:?}", program.log);
}

#[cfg(target_os = "linux")]
#[test]
fn too_few_open_files_are_reported() {
    // The dynamic linker needs four.
    for limit in 4..=32 {
        let mut command = std::process::Command::new("prlimit");
        command.args([&format!("--nofile={limit}"), env!("CARGO_BIN_EXE_fib-http"), "--port=0"]);
        let output = command.output().expect("util-linux");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{limit}: {stderr}");
        let expected = format!("error: the limit on open files is {limit}, and at least 33 are needed\n");
        assert_eq!(stderr, expected);
    }
    let mut command = std::process::Command::new("prlimit");
    command.args(["--nofile=33", env!("CARGO_BIN_EXE_fib-http"), "--port=0"]);
    assert_eq!(Program::run(&mut command).expect("it listens").connect().number().text(), "0");
}

#[test]
fn the_health_of_a_service_can_be_asked_for() {
    let program = Program::start(&["--drain-delay=60"]);
    let at = |path: &str| format!("http://localhost:{}{path}", program.port);
    // The last one would take a number if it were asked for.
    for path in ["/healthz", "/readyz", "", "/"] {
        let healthy = output(&["health", &at(path)]);
        assert_eq!(healthy.status.code(), Some(0), "{path}: {}", String::from_utf8_lossy(&healthy.stderr));
        assert_eq!(healthy.stdout, b"200 OK\n");
    }
    assert_eq!(program.connect().number().text(), "0");
    assert_fails(&["health", &at("/nothing")], 1, &["/nothing: the answer is 404 Not Found"]);
    assert_fails(&["health", "https://localhost"], 2, &["not an http:// URL"]);
    #[cfg(unix)]
    {
        program.signal("TERM");
        common::wait_until("the drain delay begins", || output(&["health", &at("/readyz")]).status.code() == Some(1));
        assert_fails(&["health", &at("/readyz")], 1, &["503"]);
        assert_eq!(output(&["health", &at("/healthz")]).status.code(), Some(0));
    }
}
