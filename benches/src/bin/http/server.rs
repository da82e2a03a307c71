//! Starts the servers that are measured, each in its own process and pinned to a core.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A running server. Dropping this kills it.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    /// Kept open, so that the server can write to it without an error.
    _stderr: Option<BufReader<ChildStderr>>,
}

impl Server {
    /// Starts a program that writes to standard error where it listens.
    pub(crate) fn start(core: usize, program: &Path, arguments: &[String]) -> io::Result<Self> {
        let mut process = pinned(core, program).args(arguments).stderr(Stdio::piped()).spawn()?;
        let mut stderr = process.stderr.take().map(BufReader::new);
        let address = stderr.as_mut().and_then(|stderr| {
            let port = |line: String| line.split_once("http://127.0.0.1:")?.1.trim().parse().ok();
            stderr.lines().map_while(Result::ok).find_map(port)
        });
        match address {
            Some(port) => Ok(Self { process, address: (Ipv4Addr::LOCALHOST, port).into(), _stderr: stderr }),
            None => Err(io::Error::other(format!("{} does not listen: {}", program.display(), process.wait()?))),
        }
    }

    /// Starts nginx, which sends a short body from its configuration or a long one from a file. `folder` is for nginx
    /// alone.
    pub(crate) fn nginx(core: usize, folder: &Path, body_bytes: usize) -> io::Result<Self> {
        // nginx cannot report which port it took, so a free one is chosen here.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let answer = if body_bytes == 1 { "return 200 1;" } else { "try_files /body =404;" };
        fs::write(folder.join("body"), vec![b'1'; body_bytes])?;
        let folder_name = folder.display();
        let configuration = format!(
            "daemon off; master_process off; pid {folder_name}/pid; error_log stderr;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; keepalive_requests 1000000000; default_type application/json;\n\
             server {{ listen {address}; root {folder_name}; location / {{ {answer} }} }} }}\n"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration)?;
        let process = pinned(core, Path::new("nginx")).arg("-e").arg("stderr").arg("-c").arg(file).spawn()?;
        let server = Self { process, address, _stderr: None };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if start.elapsed() > Duration::from_secs(20) {
                return Err(io::Error::other("nginx does not listen"));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// The time that the server has spent on a core so far.
    pub(crate) fn cpu_time(&self) -> io::Result<Duration> {
        let mut sum = Duration::ZERO;
        for thread in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let schedstat = fs::read_to_string(thread?.path().join("schedstat"))?;
            let nanoseconds = schedstat.split(' ').next().and_then(|text| text.parse().ok());
            sum += Duration::from_nanos(nanoseconds.ok_or_else(|| io::Error::other("an unknown schedstat"))?);
        }
        Ok(sum)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // This fails if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn pinned(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}
