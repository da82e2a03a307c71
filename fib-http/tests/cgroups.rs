//! The program in control groups with little memory.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use common::{Client, GET, Program, wait_until};

const METRICS: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A memory cgroup of its own, removed at the end.
struct Cgroup {
    folder: PathBuf,
    /// Tells how often the kernel has killed in it.
    kills: PathBuf,
}

impl Cgroup {
    /// One with a limit of so many bytes, or why there can be none.
    fn with_limit(name: &str, bytes: u64) -> Result<Self, String> {
        let (root, limit, _) = files();
        let cgroup = Self::create(Path::new(root).join(format!("fib-http-{name}-{}", std::process::id())))?;
        write(&cgroup.folder.join(limit), &bytes.to_string())?;
        Ok(cgroup)
    }

    /// One in this one, without a limit of its own.
    fn child(&self, name: &str) -> Result<Self, String> {
        if files().0 == V2 {
            write(&self.folder.join("cgroup.subtree_control"), "+memory")?;
        }
        Self::create(self.folder.join(name))
    }

    fn create(folder: PathBuf) -> Result<Self, String> {
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { kills: folder.join(files().2), folder })
    }

    /// A command that joins the cgroup and becomes `program`.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$ >\"$0\" && exec \"$@\""]).arg(self.folder.join("cgroup.procs"));
        command.arg(program).args(arguments);
        command
    }

    fn kills(&self) -> u64 {
        let events = fs::read_to_string(&self.kills).expect("a cgroup");
        let line = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        line.expect("a count").parse().expect("a number")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The processes in it may take a moment to end.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

const V2: &str = "/sys/fs/cgroup";

/// The folder of the root, the file of the limit, and that of the kernel's kills.
fn files() -> (&'static str, &'static str, &'static str) {
    let controllers = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
    if controllers.split_whitespace().any(|name| name == "memory") {
        (V2, "memory.max", "memory.events")
    } else {
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.oom_control")
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// A process in the cgroup that keeps all that it is given.
struct Hoarder {
    child: Child,
    input: Option<ChildStdin>,
}

impl Hoarder {
    fn start(cgroup: &Cgroup) -> Self {
        let mut child = cgroup
            .command("tail", &["-c", "1G"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("coreutils");
        let input = child.stdin.take();
        Self { child, input }
    }

    fn take(&mut self, bytes: usize) {
        use std::io::Write;

        self.input.as_mut().expect("it is open").write_all(&vec![1; bytes]).expect("it runs");
    }
}

impl Drop for Hoarder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The environment that the unit for systemd gives the program.
fn environment_of_unit() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("../dist/fib-http.service").lines().filter_map(|line| line.strip_prefix("Environment="));
    lines.flat_map(str::split_whitespace).filter_map(|variable| variable.split_once('='))
}

#[test]
fn in_a_small_cgroup_it_restarts_or_refuses_and_is_never_killed() {
    const LIMIT: u64 = 64 << 20;
    /// The jump to it takes most of the cgroup's memory, its values take a fifth.
    const START: u64 = 60_000_000;
    const STEP: usize = 1 << 20;
    /// What stays resident after the values of 11 MiB have been freed.
    const LEFT_KIB: u64 = 4 * 1024;

    for policy in ["refuse", "restart"] {
        let cgroup = match Cgroup::with_limit(policy, LIMIT) {
            Ok(cgroup) => cgroup,
            Err(reason) => {
                eprintln!("skipped, no memory cgroup can be made: {reason}");
                return;
            }
        };
        let program = env!("CARGO_BIN_EXE_fib-http");
        let too_long = cgroup.command(program, &["--port=0", "--start=1000000000"]).output().expect("it starts");
        assert_eq!(too_long.status.code(), Some(1), "{too_long:?}");
        assert!(String::from_utf8_lossy(&too_long.stderr).contains("1000000000"), "{too_long:?}");

        let flags = ["--port=0", &format!("--start={START}"), "--on-memory-limit", policy];
        let mut program =
            Program::run(cgroup.command(program, &flags).envs(environment_of_unit())).expect("it listens");
        let mut client = program.connect();
        assert_eq!(client.number().index(), START);

        let mut hoarder = Hoarder::start(&cgroup);
        let mut next = START + 1;
        let response = loop {
            assert!(next < START + LIMIT / STEP as u64, "memory was never short");
            hoarder.take(STEP);
            // A reading is kept for 100 ms.
            thread::sleep(Duration::from_millis(110));
            let response = client.exchange(GET);
            if response.status != 200 || response.index() != next {
                break response;
            }
            next += 1;
        };
        if policy == "refuse" {
            response.assert_problem(503);
            drop(hoarder);
            wait_until("there is memory again", || {
                let response = client.exchange(GET);
                response.status == 200 && response.index() == next
            });
        } else {
            response.assert_problem(503);
            wait_until("a new pass starts", || {
                let response = client.exchange(GET);
                response.status == 200 && response.index() == 0
            });
            assert_eq!(client.number().index(), 1);
            #[cfg(target_env = "gnu")]
            assert!(program.status_kib("RssAnon:") < LEFT_KIB, "{} KiB", program.status_kib("RssAnon:"));
        }
        assert_eq!(cgroup.kills(), 0);
        drop(client);
        program.signal("TERM");
        assert!(program.wait().success(), "{:?}", program.log);
    }
}

#[test]
fn a_budget_that_is_too_large_for_the_cgroup_kills_nobody() {
    const LIMIT: u64 = 64 << 20;
    /// A response keeps 2.6 MB of limbs.
    const START: u64 = 30_000_000;
    const CLIENTS: usize = 100;

    let cgroup = match Cgroup::with_limit("budget", LIMIT) {
        Ok(cgroup) => cgroup,
        Err(reason) => {
            eprintln!("skipped, no memory cgroup can be made: {reason}");
            return;
        }
    };
    let start = format!("--start={START}");
    let flags = ["--port=0", &start, "--max-inflight-bytes=1000000000"];
    let mut program = Program::run(&mut cgroup.command(env!("CARGO_BIN_EXE_fib-http"), &flags)).expect("it listens");
    assert!(program.log.iter().any(|line| line.contains("8388608 bytes are the limit")), "{:?}", program.log);
    let mut silent: Vec<Client> = (0..CLIENTS).map(|_| program.connect()).collect();
    for client in &mut silent {
        client.send(GET);
    }
    wait_until("all of them are answered", || {
        let metrics = program.connect().exchange(METRICS);
        let answered = |status| {
            let name = format!("fib_http_requests_total{{method=\"GET\",route=\"/\",status=\"{status}\"}} ");
            let line = metrics.text().lines().find_map(|line| line.strip_prefix(&name));
            line.map_or(0, |count| count.parse::<usize>().expect("a count"))
        };
        answered(200) + answered(503) == CLIENTS
    });
    assert_eq!(cgroup.kills(), 0);
    drop(silent);
    program.signal("TERM");
    assert!(program.wait().success(), "{:?}", program.log);
}

/// The limit is that of the cgroup above, and what another cgroup in it uses counts too.
#[test]
fn what_a_sibling_uses_counts() {
    const LIMIT: u64 = 64 << 20;
    const START: u64 = 1_000_000;

    let cgroups = Cgroup::with_limit("parent", LIMIT).and_then(|parent| {
        let (service, sibling) = (parent.child("service")?, parent.child("sibling")?);
        Ok((parent, service, sibling))
    });
    // Dropped in reverse order.
    let (parent, service, sibling) = match cgroups {
        Ok(cgroups) => cgroups,
        Err(reason) => {
            eprintln!("skipped, no memory cgroup can be made: {reason}");
            return;
        }
    };
    let flags = ["--port=0", &format!("--start={START}"), "--on-memory-limit=refuse"];
    let program = env!("CARGO_BIN_EXE_fib-http");
    let mut program = Program::run(&mut service.command(program, &flags)).expect("it listens");
    let mut client = program.connect();
    assert_eq!(client.exchange(METRICS).metric("fib_http_memory_total_bytes"), LIMIT as f64);
    assert_eq!(client.number().index(), START);

    let mut hoarder = Hoarder::start(&sibling);
    let mut taken = 0;
    wait_until("it is refused", || {
        assert!(taken < LIMIT, "a sibling's use made no difference");
        hoarder.take(1 << 20);
        taken += 1 << 20;
        // A reading is kept for 100 ms.
        thread::sleep(Duration::from_millis(110));
        client.exchange(GET).status == 503
    });
    drop(hoarder);
    wait_until("there is memory again", || client.exchange(GET).status == 200);
    assert_eq!(parent.kills(), 0);
    drop(client);
    program.signal("TERM");
    assert!(program.wait().success(), "{:?}", program.log);
}
