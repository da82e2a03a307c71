//! Compares fib-core with GMP, malachite, num-bigint and dashu, interleaved in one run.

mod contest;
mod families;
mod gmp;
mod libraries;
mod plot;

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use contest::Comparison;
use fib_benches::table::table;
use fib_benches::{force, parse_kernel};
use fib_core::Kernel;

/// Compares fib-core with other libraries at the same work.
///
/// The two are timed in pairs. The ratio is the median of the pairs' ratios, and above 1 fib-core is faster.
#[derive(Debug, Parser)]
#[command(name = "peers", max_term_width = 100)]
struct Flags {
    /// Kernel to use: portable, avx2 or avx512 [default: the best one that the machine supports]
    #[arg(long, value_parser = parse_kernel)]
    kernel: Option<Kernel>,

    /// Run only the measures whose names begin with PREFIX, such as add/decimal
    #[arg(long, value_name = "PREFIX", default_value = "")]
    measure: String,

    /// Pairs to time for each peer [default: as many as fit into ten seconds, from 3 to 25]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,

    /// Print one JSON object per line instead of the table
    #[arg(long)]
    json: bool,

    /// Draw the times against the number at the end of the measures' names, which must differ in that number alone
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    match compare(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn compare(flags: &Flags) -> Result<(), String> {
    let measures = families::all().into_iter().filter(|measure| measure.name.starts_with(&flags.measure));
    let measures: Vec<_> = measures.collect();
    if measures.is_empty() {
        let message = format!("no measure begins with {}", flags.measure);
        Flags::command().error(ErrorKind::ValueValidation, message).exit();
    }
    if let Some(kernel) = flags.kernel {
        force(kernel);
    }
    // The file is created before the work, so that a mistake does not cost minutes.
    let picture = match &flags.plot {
        Some(path) => {
            let family = plot::family(measures.iter().map(|measure| measure.name.as_str())).unwrap_or_else(|| {
                let message = "--plot takes measures that differ only in the number at the end, such as --measure nth/";
                Flags::command().error(ErrorKind::ArgumentConflict, message).exit()
            });
            let file = File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
            Some((family.to_owned(), path, file))
        }
        None => None,
    };
    eprintln!("kernel {}; {}", Kernel::current(), gmp::description());

    let mut comparisons = Vec::new();
    for measure in measures {
        eprintln!("{} ...", measure.name);
        for comparison in measure.run(flags.rounds)? {
            if flags.json {
                print(&json(&comparison))?;
            }
            comparisons.push(comparison);
        }
    }
    if !flags.json {
        print(&text(&comparisons))?;
    }
    if let Some((family, path, mut file)) = picture {
        let svg =
            plot::svg(&family, &comparisons).map_err(|error| format!("cannot draw {}: {error}", path.display()))?;
        file.write_all(svg.as_bytes()).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

fn print(text: &str) -> Result<(), String> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot write to standard output: {error}"))
}

fn json(comparison: &Comparison) -> String {
    let Comparison { measure, peer, ours_ns, peer_ns, ratio } = comparison;
    let kernel = Kernel::current();
    format!(
        "{{\"measure\": \"{measure}\", \"kernel\": \"{kernel}\", \"ours_ns\": {ours_ns:.2}, \"peer\": \"{peer}\", \
         \"peer_ns\": {peer_ns:.2}, \"ratio\": {ratio:.4}}}\n"
    )
}

fn text(comparisons: &[Comparison]) -> String {
    let header = ["measure", "ours ns", "peer", "peer ns", "ratio"].map(String::from);
    let lines = comparisons.iter().map(|comparison| {
        [
            comparison.measure.clone(),
            format!("{:.1}", comparison.ours_ns),
            comparison.peer.into(),
            format!("{:.1}", comparison.peer_ns),
            format!("{:.2}", comparison.ratio),
        ]
    });
    let lines: Vec<_> = [header].into_iter().chain(lines).collect();
    format!("kernel {}; {}\n{}", Kernel::current(), gmp::description(), table(&lines))
}
