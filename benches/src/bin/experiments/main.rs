//! The experiment with four iterators: how much memory they hold, and how long they take.

mod flags;
mod plot;
mod run;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use fib_benches::force;
use fib_benches::table::{grouped, table};
use fib_core::Kernel;
use flags::Flags;
use run::Outcome;

fn main() -> ExitCode {
    let flags = Flags::parse();
    match experiment(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn experiment(flags: &Flags) -> Result<(), String> {
    if let Some(kernel) = flags.kernel {
        force(kernel);
    }
    // The file is created before the work, so that a mistyped path does not cost minutes.
    let picture = match &flags.plot {
        Some(path) => Some((path, create(path)?)),
        None => None,
    };
    let outcomes = run::run(flags);
    let report = if flags.json { json(&outcomes) } else { text(&outcomes, flags) };
    io::stdout().write_all(report.as_bytes()).map_err(|error| format!("cannot write to standard output: {error}"))?;
    if let Some((path, mut file)) = picture {
        let svg = plot::svg(&outcomes).map_err(|error| format!("cannot draw {}: {error}", path.display()))?;
        file.write_all(svg.as_bytes()).map_err(|error| cannot_write(path, &error))?;
    }
    Ok(())
}

fn create(path: &Path) -> Result<File, String> {
    File::create(path).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

fn json(outcomes: &[Outcome]) -> String {
    let objects = outcomes.iter().map(|outcome| {
        format!(
            "{{\"iterator\": \"{}\", \"kernel\": \"{}\", \"calls\": {}, \"bytes_held\": {}, \"seconds\": {:.6}, \"restarts\": {}}}\n",
            outcome.iterator.name(),
            Kernel::current(),
            outcome.calls,
            outcome.bytes_held,
            outcome.elapsed.as_secs_f64(),
            outcome.restarts,
        )
    });
    objects.collect()
}

fn text(outcomes: &[Outcome], flags: &Flags) -> String {
    let header = ["iterator", "calls", "bytes held", "seconds", "us/call", "restarts"].map(String::from);
    let lines = outcomes.iter().map(|outcome| {
        let seconds = outcome.elapsed.as_secs_f64();
        [
            outcome.iterator.name().into(),
            grouped(outcome.calls),
            grouped(outcome.bytes_held as u64),
            format!("{seconds:.3}"),
            format!("{:.3}", seconds * 1e6 / outcome.calls as f64),
            outcome.restarts.to_string(),
        ]
    });
    let lines: Vec<_> = [header].into_iter().chain(lines).collect();
    let mut text = table(&lines);
    for outcome in outcomes.iter().filter(|outcome| outcome.calls < flags.calls) {
        text += &format!(
            "{} came to {} of {} calls, then its budget of {} bytes was used up.\n",
            outcome.iterator.name(),
            grouped(outcome.calls),
            grouped(flags.calls),
            grouped(flags.regular_bytes as u64),
        );
    }
    text + &format!("Kernel {}, threshold {} %.\n", Kernel::current(), flags.threshold)
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
    fn a_short_experiment_is_told_and_drawn() {
        let flags = Flags::parse_from(["experiments", "--calls=2000", "--regular-bytes=50000"]);
        let outcomes = run::run(&flags);
        assert_eq!(outcomes.iter().filter(|outcome| outcome.calls == 2000).count(), 3);
        let text = text(&outcomes, &flags);
        assert!(text.contains("of 2,000 calls, then its budget of 50,000 bytes"), "{text}");
        assert_eq!(json(&outcomes).lines().count(), 4);
        assert!(plot::svg(&outcomes).expect("drawn").contains("</svg>"));
    }

    #[test]
    fn an_experiment_that_ends_at_once_is_drawn() {
        let flags = Flags::parse_from(["experiments", "--calls=1", "--regular-bytes=0"]);
        let outcomes = run::run(&flags);
        assert_eq!(outcomes[0].calls, 0);
        assert!(plot::svg(&outcomes).expect("drawn").contains("</svg>"));
    }
}
