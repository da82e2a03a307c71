//! Listening: several hosts, both families, machines without IPv6, sockets that are passed.

mod common;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
#[cfg(unix)]
use std::process::Stdio;

#[cfg(unix)]
use common::GET;
use common::{Client, Program, has_ipv6};

#[test]
fn the_last_line_at_the_start_names_the_address() {
    let program = Program::start(&[]);
    assert_ne!(program.port, 0);
    let last = program.log.last().expect("a line");
    assert!(last.ends_with(&format!("listening on http://127.0.0.1:{}", program.port)), "{last}");
    assert!(!last.contains('\x1b'), "colours for no terminal: {last}");
    assert_eq!(program.connect().number().text(), "0");
    if !has_ipv6() {
        return;
    }
    let ipv6 = format!("listening on http://[::1]:{}", program.port);
    assert!(program.log.iter().any(|line| line.ends_with(&ipv6)), "{:?}", program.log);
    let mut over_ipv6 = Client::connect((std::net::Ipv6Addr::LOCALHOST, program.port).into());
    assert_eq!(over_ipv6.number().index(), 1);
}

#[test]
fn hosts_can_be_repeated() {
    let both = [Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2)];
    // The second one is not everywhere a loopback address.
    if TcpListener::bind((both[1], 0)).is_err() {
        return;
    }
    let mut variable = Program::command(&["--port=0"]);
    variable.env("FIB_HTTP_HOST", "127.0.0.1,127.0.0.2");
    for command in [&mut Program::command(&["--port=0", "--host=127.0.0.1", "--host=127.0.0.2"]), &mut variable] {
        let program = Program::run(command).expect("it listens");
        for (index, address) in both.into_iter().enumerate() {
            let mut client = Client::connect((address, program.port).into());
            assert_eq!(client.number().index(), index as u64);
        }
    }
}

#[test]
fn both_families_can_be_served_at_all_addresses() {
    if !has_ipv6() {
        return;
    }
    // The first host is for the line that the test waits for.
    for hosts in ["127.0.0.1,::", "127.0.0.1,::1,::"] {
        let program = Program::start(&["--host", hosts]);
        for (index, ip) in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].into_iter().enumerate() {
            assert_eq!(Client::connect((ip, program.port).into()).number().index(), index as u64);
        }
    }
    let program = start_at("0.0.0.0,::,127.0.0.1", "0.0.0.0");
    for (index, ip) in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].into_iter().enumerate() {
        assert_eq!(Client::connect((ip, program.port).into()).number().index(), index as u64);
    }
}

/// The program at `hosts`, listening at `address` last.
fn start_at(hosts: &str, address: &str) -> Program {
    Program::run_at(&mut Program::command(&["--port=0", "--host", hosts]), address).expect("it listens")
}

#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_ipv6_is_reported() {
    // A new network namespace has no address at all, not even for its loopback interface.
    let in_namespace = |hosts: &str| {
        let mut command = std::process::Command::new("unshare");
        command.args(["--net", env!("CARGO_BIN_EXE_fib-http"), "--port=0", "--host", hosts]);
        command
    };
    if !std::process::Command::new("unshare").args(["--net", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("no network namespace can be made here: a machine without IPv6 is not tested");
        return;
    }
    for hosts in ["::", "::1", "::,::1"] {
        let output = in_namespace(hosts).output().expect("it starts");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: cannot listen on [::"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    let program = Program::run_at(&mut in_namespace("::,0.0.0.0"), "0.0.0.0").expect("it listens");
    assert!(!program.log.iter().any(|line| line.contains("http://[::]")), "{:?}", program.log);
    assert!(
        program.log.iter().any(|line| line.contains("no IPv6 address; this address is left out")),
        "{:?}",
        program.log
    );
}

/// A link-local address of this machine, with the name of its interface.
#[cfg(target_os = "linux")]
fn link_local() -> Option<(std::net::SocketAddrV6, String)> {
    let interfaces = std::fs::read_to_string("/proc/net/if_inet6").ok()?;
    let line = interfaces.lines().find(|line| line.starts_with("fe80"))?;
    let mut fields = line.split_whitespace();
    let ip = Ipv6Addr::from(u128::from_str_radix(fields.next()?, 16).ok()?);
    let index = u32::from_str_radix(fields.next()?, 16).ok()?;
    Some((std::net::SocketAddrV6::new(ip, 0, 0, index), fields.last()?.to_owned()))
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_local_address_is_served_at_its_interface() {
    let Some((mut address, interface)) = link_local() else {
        eprintln!("this machine has no link-local address: none is tested");
        return;
    };
    let program = Program::start(&["--host", &format!("127.0.0.1,{}%{interface}", address.ip())]);
    address.set_port(program.port);
    assert_eq!(Client::connect(address.into()).number().text(), "0");
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_that_is_passed_blocks_nothing_and_is_not_passed_on() {
    // It blocks, and has no close-on-exec flag: it is a standard input.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let flags = ["-c", "exec 3<&0 0</dev/null; LISTEN_FDS=1 exec \"$0\"", env!("CARGO_BIN_EXE_fib-http")];
    let mut command = std::process::Command::new("sh");
    command.args(flags).stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)));
    let program = Program::run(&mut command).expect("it listens");
    let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/3", program.id())).expect("it is open");
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags");
    let flags = u32::from_str_radix(flags.trim(), 8).expect("a number");
    for (flag, name) in [(0o4000, "O_NONBLOCK"), (0o2_000_000, "O_CLOEXEC")] {
        assert_ne!(flags & flag, 0, "{name} is not set: {info}");
    }
    // Two clients at once, although the socket blocked.
    let mut clients = [program.connect(), program.connect()];
    assert_eq!(clients.each_mut().map(|client| client.number().index()), [0, 1]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_that_is_passed_must_listen() {
    use std::os::fd::OwnedFd;

    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let connected = std::net::TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let (unix, _peer) = std::os::unix::net::UnixStream::pair().expect("sockets");
    let file = std::fs::File::open("/dev/null").expect("a device");
    for passed in [OwnedFd::from(connected), udp.into(), unix.into(), file.into()] {
        let flags = ["-c", "exec 3<&0 0</dev/null; LISTEN_FDS=1 exec \"$0\"", env!("CARGO_BIN_EXE_fib-http")];
        let output = std::process::Command::new("sh").args(flags).stdin(Stdio::from(passed)).output().expect("a shell");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: cannot use the sockets of LISTEN_FDS: "), "{stderr}");
    }
}

#[cfg(unix)]
#[test]
fn it_serves_on_a_socket_that_is_passed_and_notifies_the_service_manager() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;

    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    // This connection waits before the program has started.
    let mut early = Client::connect(address);
    early.send(GET);

    let folder = std::env::temp_dir().join(format!("fib-http-notify-{}", std::process::id()));
    let _ = std::fs::remove_file(&folder);
    let manager = UnixDatagram::bind(&folder).expect("a socket");
    manager.set_read_timeout(Some(common::PATIENCE)).expect("a time");
    let told = || {
        let mut message = [0; 64];
        let length = manager.recv(&mut message).expect("a message");
        String::from_utf8_lossy(&message[..length]).into_owned()
    };

    let flags = ["-c", "exec 3<&0 0</dev/null; LISTEN_FDS=1 exec \"$0\"", env!("CARGO_BIN_EXE_fib-http")];
    let mut command = std::process::Command::new("sh");
    command.args(flags).stdin(Stdio::from(OwnedFd::from(listener))).env("NOTIFY_SOCKET", &folder);
    command.env("FIB_HTTP_GRACE_PERIOD", "100");
    let mut program = Program::run(&mut command).expect("it listens");
    drop(command);
    assert_eq!(program.port, address.port());
    assert_eq!(told(), "READY=1\n");
    assert_eq!(early.read().index(), 0);
    program.signal("TERM");
    // Five seconds more than the responses in flight may take.
    assert_eq!(told(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=105000000\n");
    assert_eq!(program.wait().code(), Some(0));
    let _ = std::fs::remove_file(&folder);
}
