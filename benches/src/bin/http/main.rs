//! Measures fib-http, a bare hyper server and nginx in turns. The script `benches/http` builds and runs all of them.

mod client;
mod contest;
mod server;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use client::Load;
use contest::{Programs, Subject, What};
use fib_benches::table::grouped;
use fib_core::{Decimal, Heap, Natural};
use indicatif::{ProgressBar, ProgressStyle};

/// Measures how many requests per second fib-http answers, and how much CPU time each request takes, in comparison with
/// nginx and with a bare hyper server that sends the same response head. Prints a table in Markdown.
///
/// Every round starts a fresh process and sends a fixed number of requests, so that each round gets the same numbers. In a
/// stream, each number counts as a request.
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

    /// Rounds for each thing that is asked for and each count of connections
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// What is asked for; may be repeated
    #[arg(long, value_name = "WHAT", value_enum, default_values_t = [What::Small, What::Long])]
    only: Vec<What>,

    /// Compare with a position that is kept here too: `file:PATH`, which is deleted before each round, or `postgresql://...`
    #[arg(long, value_name = "LOCATION")]
    position: Option<String>,

    /// Connections at a time; may be repeated
    #[arg(long, value_name = "COUNT", default_values_t = [1, 16, 64])]
    connections: Vec<usize>,

    /// Requests that are timed in each round
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    requests: u64,
}

/// Before the clock starts, one request is sent for each ten that are timed.
const WARM_UP_SHARE: u64 = 10;

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
    let programs = Programs {
        fib_http: flags.fib_http.clone(),
        bare: flags.bare.clone(),
        folder: flags.folder.clone(),
        core: flags.core,
    };
    let counts = |what: What| if what.is_for_one_connection() { &[1] } else { &flags.connections[..] };
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}").map_err(io::Error::other)?;
    let cases: usize = flags.only.iter().map(|&what| counts(what).len()).sum();
    let progress = ProgressBar::new(u64::from(flags.rounds) * cases as u64).with_style(style);
    let mut lines = Vec::new();
    for &what in &flags.only {
        let subjects = what.subjects(flags.position.as_deref());
        let head = subjects[0].head(&programs)?;
        for &connections in counts(what) {
            progress.set_message(format!("{}, connections: {connections}", what.name()));
            let requests = what.requests(flags.requests);
            let mut rounds = Vec::new();
            for round in 0..flags.rounds as usize {
                // Each round starts with another server.
                let mut samples = vec![None; subjects.len()];
                for turn in 0..subjects.len() {
                    let at = (round + turn) % subjects.len();
                    samples[at] = Some(measure(&programs, &subjects[at], &head, connections, requests)?);
                }
                rounds.push(samples.into_iter().flatten().collect());
                progress.inc(1);
            }
            lines.extend(lines_of(what, connections, &subjects, &rounds));
        }
    }
    progress.finish_and_clear();
    println!(
        "| asked for | connections | server | requests/s | CPU time a request | core busy | fib-http to this |\n\
         |---|--:|---|--:|--:|--:|--:|"
    );
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// The medians over all rounds for each subject, and the medians of the rounds' ratios.
fn lines_of(what: What, connections: usize, subjects: &[Subject], rounds: &[Vec<Sample>]) -> Vec<String> {
    let line = |(at, subject): (usize, &Subject)| {
        let of_rounds = |figure: fn(&Sample) -> f64| median(rounds.iter().map(|round| figure(&round[at])));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
        let rate = grouped(of_rounds(|sample| sample.requests_per_second).round() as u64);
        let ratio = median(rounds.iter().map(|round| round[0].requests_per_second / round[at].requests_per_second));
        let ratio = if at == 0 { String::new() } else { format!("**{ratio:.2}**") };
        let cpu = of_rounds(|sample| sample.cpu_microseconds);
        let busy = of_rounds(|sample| sample.busy) * 100.0;
        format!("| {} | {connections} | {} | {rate} | {cpu:.1} µs | {busy:.0} % | {ratio} |", what.name(), subject.name)
    };
    subjects.iter().enumerate().map(line).collect()
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len().is_multiple_of(2) { f64::midpoint(figures[middle - 1], figures[middle]) } else { figures[middle] }
}

/// Runs one round of one subject, in a process of its own.
fn measure(
    programs: &Programs,
    subject: &Subject,
    head: &[String],
    connections: usize,
    requests: u64,
) -> io::Result<Sample> {
    let server = subject.start(programs, head)?;
    let warm_up = requests.div_ceil(WARM_UP_SHARE);
    let load = Load { address: server.address, ask: &subject.ask, connections, warm_up, requests };
    let mut before = Ok(Duration::ZERO);
    let (elapsed, indices) = load.run(|| before = server.cpu_time())?;
    let cpu_time = server.cpu_time()?.saturating_sub(before?);
    if subject.counts() {
        let first = *indices.first().ok_or_else(|| io::Error::other("fib-http tells no index"))?;
        if !indices.into_iter().eq(first..first + warm_up + requests) {
            return Err(io::Error::other("fib-http skipped or repeated a number"));
        }
    }
    let time = elapsed.as_secs_f64() / requests as f64 + subject.besides.map_or(0.0, computing);
    let cpu_time = cpu_time.as_secs_f64();
    Ok(Sample {
        requests_per_second: 1.0 / time,
        cpu_microseconds: cpu_time * 1e6 / requests as f64,
        busy: cpu_time / elapsed.as_secs_f64(),
    })
}

/// The seconds that fib-core takes to compute F(`index`), when it has done so before.
fn computing(index: u64) -> f64 {
    let time = || {
        let start = Instant::now();
        let number = Natural::<Decimal, Heap>::fibonacci(index).expect("there is memory for it");
        std::hint::black_box(number);
        start.elapsed().as_secs_f64()
    };
    median((0..5).map(|_| time()))
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
