//! Measures fib-http, a bare hyper server and nginx in turns. The script `benches/http` builds and runs all of them.

mod client;
mod server;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use client::Load;
use fib_benches::table::grouped;
use indicatif::{ProgressBar, ProgressStyle};
use server::Server;

/// Measures how many requests per second fib-http answers, and how much CPU time each request takes, in comparison with
/// nginx and with a bare hyper server that sends the same response head. Prints a table in Markdown.
///
/// Every round starts a fresh process and sends a fixed number of requests, so that each round gets the same numbers.
#[derive(Debug, Parser)]
#[command(name = "http", max_term_width = 100)]
struct Flags {
    /// The program fib-http
    #[arg(long, value_name = "PATH")]
    fib_http: PathBuf,

    /// The program bare
    #[arg(long, value_name = "PATH")]
    bare: PathBuf,

    /// An empty folder for nginx
    #[arg(long, value_name = "PATH")]
    folder: PathBuf,

    /// The core for the servers; this program should run on another one
    #[arg(long, default_value_t = 0)]
    core: usize,

    /// Rounds for each kind of numbers and each count of connections
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// Ask only for these numbers
    #[arg(long, value_name = "NUMBERS", value_enum)]
    only: Option<Numbers>,

    /// Connections at a time; may be repeated
    #[arg(long, value_name = "COUNT", default_values_t = [1, 16, 64])]
    connections: Vec<usize>,

    /// Requests that are timed in each round
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    requests: u64,
}

/// Which numbers are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Numbers {
    /// The numbers from F(0) on
    Small,
    /// The numbers from F(1,000,000) on, of 208,988 digits
    Long,
}

/// Before the clock starts, one request is sent for each ten that are timed.
const WARM_UP_SHARE: u64 = 10;

const CASES: [Case; 2] = [
    Case { numbers: Numbers::Small, name: "small numbers", start: 0, body_bytes: 1 },
    Case { numbers: Numbers::Long, name: "number 1,000,000", start: 1_000_000, body_bytes: 208_988 },
];

struct Case {
    numbers: Numbers,
    name: &'static str,
    /// The first index.
    start: u64,
    /// The length of the constant body that the other servers send.
    body_bytes: usize,
}

#[derive(Clone, Copy)]
enum Subject {
    FibHttp,
    Bare,
    Nginx,
}

const SUBJECTS: [Subject; 3] = [Subject::FibHttp, Subject::Bare, Subject::Nginx];

/// The result of one round of one subject.
#[derive(Clone, Copy)]
struct Sample {
    requests_per_second: f64,
    /// The server's CPU time per request.
    cpu_microseconds: f64,
    /// The share of the time during which the server was on its core.
    busy: f64,
}

fn main() -> ExitCode {
    match measure_all(&Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all(flags: &Flags) -> io::Result<()> {
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}").map_err(io::Error::other)?;
    let cases: Vec<_> = CASES.iter().filter(|case| flags.only.is_none_or(|only| only == case.numbers)).collect();
    let rounds = u64::from(flags.rounds) * (cases.len() * flags.connections.len()) as u64;
    let progress = ProgressBar::new(rounds).with_style(style);
    let mut lines = Vec::new();
    for case in cases {
        let head = Load::head(start(flags, case, Subject::FibHttp, &[])?.address)?;
        for &connections in &flags.connections {
            progress.set_message(format!("{}, connections: {connections}", case.name));
            let mut samples = Vec::new();
            for round in 0..flags.rounds as usize {
                // Each round starts with another server.
                let mut round_samples = [None; SUBJECTS.len()];
                for turn in 0..SUBJECTS.len() {
                    let at = (round + turn) % SUBJECTS.len();
                    round_samples[at] = Some(measure(flags, case, SUBJECTS[at], &head, connections)?);
                }
                samples.push(round_samples.map(|sample| sample.expect("each had its turn")));
                progress.inc(1);
            }
            lines.push(line(case, connections, &samples));
        }
    }
    progress.finish_and_clear();
    println!(
        "| | connections | fib-http, requests/s | bare hyper | nginx | fib-http to bare hyper | CPU time a request: \
         fib-http | bare hyper | nginx | core busy: fib-http | bare hyper |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// The medians over all rounds, and the median of the rounds' ratios.
fn line(case: &Case, connections: usize, samples: &[[Sample; SUBJECTS.len()]]) -> String {
    let medians =
        |figure: fn(&Sample) -> f64| [0, 1, 2].map(|at| median(samples.iter().map(|round| figure(&round[at]))));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    let rates = medians(|sample| sample.requests_per_second).map(|rate| grouped(rate.round() as u64));
    let cpu = medians(|sample| sample.cpu_microseconds).map(|time| format!("{time:.1} µs"));
    let busy = medians(|sample| sample.busy).map(|share| format!("{:.0} %", share * 100.0));
    let ratio = median(samples.iter().map(|[fib, bare, _]| fib.requests_per_second / bare.requests_per_second));
    format!(
        "| {} | {connections} | {} | **{ratio:.2}** | {} | {} | {} |",
        case.name,
        rates.join(" | "),
        cpu.join(" | "),
        busy[0],
        busy[1]
    )
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len().is_multiple_of(2) { f64::midpoint(figures[middle - 1], figures[middle]) } else { figures[middle] }
}

/// Runs one round of one subject, in a process of its own.
fn measure(flags: &Flags, case: &Case, subject: Subject, head: &[String], connections: usize) -> io::Result<Sample> {
    let server = start(flags, case, subject, head)?;
    let warm_up = flags.requests / WARM_UP_SHARE;
    let load = Load { address: server.address, connections, warm_up, requests: flags.requests };
    let mut before = Ok(Default::default());
    let (elapsed, indices) = load.run(|| before = server.cpu_time())?;
    let cpu_time = server.cpu_time()?.saturating_sub(before?);
    if matches!(subject, Subject::FibHttp) && !indices.into_iter().eq(case.start..case.start + warm_up + flags.requests)
    {
        return Err(io::Error::other("fib-http skipped or repeated a number"));
    }
    Ok(Sample {
        requests_per_second: flags.requests as f64 / elapsed.as_secs_f64(),
        cpu_microseconds: cpu_time.as_secs_f64() * 1e6 / flags.requests as f64,
        busy: cpu_time.as_secs_f64() / elapsed.as_secs_f64(),
    })
}

fn start(flags: &Flags, case: &Case, subject: Subject, head: &[String]) -> io::Result<Server> {
    match subject {
        Subject::FibHttp => {
            let arguments = ["--port=0".into(), format!("--start={}", case.start)];
            Server::start(flags.core, &flags.fib_http, &arguments)
        }
        Subject::Bare => {
            let fields = head.iter().map(|field| format!("--field={field}"));
            let arguments: Vec<_> = fields.chain([format!("--body-bytes={}", case.body_bytes)]).collect();
            Server::start(flags.core, &flags.bare, &arguments)
        }
        Subject::Nginx => Server::nginx(flags.core, &flags.folder, case.body_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Flags::command().debug_assert();
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
    }
}
