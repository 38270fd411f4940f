//! Text for people, JSON for programs.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::{Common, Failure};

/// Prints JSON if it was asked for, else what `text` says.
pub(super) fn print<T: Serialize>(
    common: &Common,
    value: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    print_text(&if common.json { serde_json::to_string(value)? + "\n" } else { text(value) })
}

/// Prints text. A reader that left (`| head`) is no failure.
pub(super) fn print_text(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    Ok(out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_else(unless_gone)?)
}

/// An error in printing, unless the reader left.
pub(super) fn unless_gone(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// Says on standard error what went wrong, or what the admin should know besides.
pub(super) fn complain(message: &str) {
    // Nobody is there to be told if this fails too.
    drop(io::stderr().write_all(format!("rban: {message}\n").as_bytes()));
}

/// An error with what caused it.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// Rows as columns, two blanks apart, the first row being the heading.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A span as people say it: its two largest units.
pub(super) fn span(span: Duration) -> String {
    let secs = span.as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    match (days, hours, minutes, secs % 60) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, s) => format!("{m}m {s}s"),
        (0, h, m, _) => format!("{h}h {m}m"),
        (d, h, _, _) => format!("{d}d {h}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "b"], ["longer", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a       b\nlonger  c\n");
    }

    #[test]
    fn a_span_has_two_units() {
        let shown = |secs| span(Duration::from_secs(secs));
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(599), "9m 59s");
        assert_eq!(shown(3_661), "1h 1m");
        assert_eq!(shown(90_061), "1d 1h");
    }
}
