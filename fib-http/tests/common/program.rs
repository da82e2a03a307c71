//! The program in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use super::{Client, PATIENCE};

/// The program in a process of its own, which is killed when this value is dropped.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    pub(crate) log: Vec<String>,
    pub(crate) port: u16,
}

impl Program {
    /// The command that starts the program, without the flags that this process's environment may hold.
    pub(crate) fn command(flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fib-http"));
        command.args(flags);
        Self::without_variables(command)
    }

    /// Starts it at a free port with an address space of `kib` KiB, and waits until it listens.
    pub(crate) fn start_within(kib: u64, flags: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -v \"$1\" && shift && exec \"$@\"", "sh", &kib.to_string()])
            .arg(env!("CARGO_BIN_EXE_fib-http"))
            .args(flags)
            .arg("--port=0");
        Self::run(&mut Self::without_variables(command)).expect("it listens")
    }

    fn without_variables(mut command: Command) -> Command {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FIB_HTTP_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Starts it at a free port and waits until it listens.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::run(&mut Self::command(&[flags, &["--port=0"]].concat())).expect("it listens")
    }

    /// Runs a command and waits until the program listens, or returns what it wrote before it ended.
    pub(crate) fn run(command: &mut Command) -> Result<Self, String> {
        Self::run_at(command, "127.0.0.1")
    }

    /// The same for a program that listens at another address.
    pub(crate) fn run_at(command: &mut Command, address: &str) -> Result<Self, String> {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = channel();
        // Reads to the end, so that the program never waits for somebody to read.
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut program = Self { child, lines, log: Vec::new(), port: 0 };
        let address = format!("listening on http://{address}:");
        match program.wait_for(&address) {
            Some(line) => {
                let (_, port) = line.split_once(&address).expect("found");
                let digits = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
                program.port = port[..digits].parse().expect("a port");
                Ok(program)
            }
            None => Err(program.log.join("\n")),
        }
    }

    /// The first line from now on that contains `text`; `None` if the program ends before.
    pub(crate) fn wait_for(&mut self, text: &str) -> Option<String> {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.log.push(line.clone());
                    if line.contains(text) {
                        return Some(line);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("no '{text}' in {:?}", self.log),
            }
        }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(([127, 0, 0, 1], self.port).into())
    }

    /// A figure of /proc/PID/status in KiB.
    pub(crate) fn status_kib(&self, name: &str) -> u64 {
        status_kib(self.child.id(), name).expect("it runs")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A figure of /metrics.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        self.connect().exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").metric(name)
    }

    pub(crate) fn threads(&self) -> usize {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        tasks.expect("it runs").count()
    }

    /// Sends a signal by its name, such as INT.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(sent.success(), "{kill}");
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started");
    }

    /// Waits for its end; the lines that it wrote are in `log` then.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        assert_eq!(self.wait_for("\0 is in no line"), None);
        self.child.wait().expect("it was started")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A figure of /proc/PID/status in KiB; `None` if the process has ended.
pub(crate) fn status_kib(id: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
