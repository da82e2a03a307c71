//! A description of a file for people.

use std::fmt::{self, Write};
use std::path::Path;

use super::Trust;
use super::boot::Boot;
use super::error::{OpenError, Reason};
use super::open::look;
use super::slot::{Slot, Slots, Unusable};

/// How often a file is read, since another process may be writing it at the same moment.
const ATTEMPTS: usize = 4;

/// Tells in a few lines what the file at `path` contains. Takes no lock and writes nothing, so it can be used at any time.
///
/// # Errors
/// [`OpenError`] where the file cannot be read or does not contain a position.
pub fn show(path: &Path) -> Result<String, OpenError> {
    let failed = |reason| OpenError::new(path, reason);
    let mut slots = look(path).map_err(failed)?;
    for _ in 1..ATTEMPTS {
        if slots.0.iter().all(|slot| matches!(slot, Slot::Valid(_))) {
            break;
        }
        slots = look(path).map_err(failed)?;
    }
    describe(&slots, Boot::current()).map_err(|unusable| failed(Reason::Unusable(unusable)))
}

fn describe(slots: &Slots, boot: Boot) -> Result<String, Unusable> {
    let (newest, record) = slots.newest()?;
    let mut text = String::new();
    let mut line = |name: &str, value: fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<19}{value}", format_args!("{name}:").to_string());
    };
    line("next", format_args!("{}", record.next));
    line("reserved up to", format_args!("F({})", record.reserved));
    line(
        "ended in order",
        format_args!("{}", if record.is_clean { "yes" } else { "no: in use, or the process was killed" }),
    );
    let written = match record.boot {
        _ if record.boot.is_same_as(boot) => "since the machine was started",
        Boot::Unknown => "at an unknown time",
        _ => "before the machine was started, or on another one",
    };
    line("written", format_args!("{written}; record {} in slot {newest}", record.counter));
    let other = match slots.0[1 - newest] {
        Slot::Valid(record) => format!("record {}, reserved up to F({})", record.counter, record.reserved),
        _ => "damaged".to_owned(),
    };
    line("other slot", format_args!("{other}"));
    line("will go on at", format_args!("{}", slots.goes_on_at(boot, Trust::Written)?));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Position;
    use crate::position::file::Record;

    #[test]
    fn a_file_is_described() {
        let next = Position { pass: 1, index: 100 };
        let record = Record { counter: 8, next, reserved: 116, boot: Boot::Id(1), is_clean: false };
        let older = Record { counter: 2, next, reserved: 105, boot: Boot::Id(1), is_clean: false };
        let text = describe(&Slots([Slot::Valid(record), Slot::Valid(older)]), Boot::Id(1)).expect("a position");
        let expected = "\
next:              F(100) of pass 1
reserved up to:    F(116)
ended in order:    no: in use, or the process was killed
written:           since the machine was started; record 8 in slot 0
other slot:        record 2, reserved up to F(105)
will go on at:     F(100) of pass 1
";
        assert_eq!(text, expected);

        let clean = Record { is_clean: true, reserved: 100, ..record };
        let text = describe(&Slots([Slot::Damaged, Slot::Valid(clean)]), Boot::Id(2)).expect("a position");
        for line in [
            "ended in order:    yes",
            "before the machine was started",
            "other slot:        damaged",
            "F(100) of pass 1",
        ] {
            assert!(text.contains(line), "{text}");
        }
        let lost = describe(&Slots([Slot::Valid(older), Slot::Valid(record)]), Boot::Id(2)).expect("a position");
        assert!(lost.ends_with("F(116) of pass 1\n"), "{lost}");
    }
}
