//! What was measured: one row a figure, printed as a table and written as JSON.
//!
//! Every figure is a median of rounds and stands beside its peer of the same run.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// All rows of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// In the order of measuring.
    pub(crate) rows: Vec<Row>,
    /// What a reader must know of this run: the machine, what was left out.
    pub(crate) notes: Vec<String>,
}

/// One figure of rban, and what it is compared with.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) measure: String,
    pub(crate) unit: Unit,
    pub(crate) rban: Summary,
    pub(crate) peer: Option<Peer>,
    /// How many times as much as the peer, or as good: `measure` and `aim` say which.
    pub(crate) ratio: Option<f64>,
    pub(crate) aim: Option<Aim>,
}

/// The other one.
#[derive(Debug, Serialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) value: Summary,
}

/// What the figure should be, and whether it is.
#[derive(Debug, Serialize)]
pub(crate) struct Aim {
    pub(crate) text: &'static str,
    pub(crate) met: bool,
}

/// Several rounds in three numbers.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// What the numbers count.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Unit {
    #[serde(rename = "ns/packet")]
    NsPerPacket,
    #[serde(rename = "packets/s")]
    PacketsPerSecond,
    #[serde(rename = "us")]
    Micros,
    #[serde(rename = "ms")]
    Millis,
    #[serde(rename = "bans/s")]
    BansPerSecond,
    #[serde(rename = "lines/s")]
    LinesPerSecond,
    /// As [`BansPerSecond`](Self::BansPerSecond), where they are thousands.
    #[serde(rename = "bans/s")]
    FewBansPerSecond,
    #[serde(rename = "%")]
    Percent,
    #[serde(rename = "MB")]
    Megabytes,
    #[serde(rename = "1/s")]
    TimesPerSecond,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::NsPerPacket | Self::Millis | Self::Megabytes => format!("{value:.1}"),
            Self::FewBansPerSecond => format!("{:.2}", value / 1e3),
            Self::Percent => format!("{value:.4}"),
            Self::TimesPerSecond => format!("{value:.2}"),
            Self::PacketsPerSecond | Self::BansPerSecond => format!("{:.2}", value / 1e6),
            Self::LinesPerSecond => format!("{:.3}", value / 1e6),
            Self::Micros => format!("{value:.0}"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::NsPerPacket => "ns",
            Self::PacketsPerSecond => "Mpps",
            Self::Micros => "µs",
            Self::Millis => "ms",
            Self::BansPerSecond | Self::LinesPerSecond => "M/s",
            Self::FewBansPerSecond => "k/s",
            Self::Percent => "%",
            Self::Megabytes => "MB",
            Self::TimesPerSecond => "/s",
        }
    }

    fn show_summary(self, summary: &Summary) -> String {
        let (median, min, max) =
            (self.show(summary.median), self.show(summary.min), self.show(summary.max));
        format!("{median} {} ({min}–{max})", self.name())
    }
}

impl Summary {
    /// Of at least one round.
    pub(crate) fn of(rounds: &[f64]) -> Self {
        Self {
            median: quantile(rounds, 0.5),
            min: quantile(rounds, 0.0),
            max: quantile(rounds, 1.0),
        }
    }

    /// One of these in a second, given how many nanoseconds it takes; or the other way round.
    pub(crate) fn per_second(self) -> Self {
        Self { median: 1e9 / self.median, min: 1e9 / self.max, max: 1e9 / self.min }
    }
}

impl Report {
    /// The table, its columns aligned.
    pub(crate) fn table(&self) -> String {
        let head = ["measure", "rban", "peer or limit", "", "ratio", "aim"].map(String::from);
        let lines: Vec<_> = std::iter::once(head).chain(self.rows.iter().map(Row::cells)).collect();
        let width = |column: usize| {
            lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default()
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        let mut table = String::new();
        for cells in &lines {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(widths) {
                // Cannot fail: it is a string.
                let _ = write!(line, "{cell:width$}  ");
            }
            let _ = writeln!(table, "{}", line.trim_end());
        }
        for note in &self.notes {
            let _ = writeln!(table, "{note}");
        }
        table
    }

    /// Writes the same as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self).context("writing the report as JSON")?;
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        }
        std::fs::write(path, json + "\n").with_context(|| format!("writing {}", path.display()))
    }
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let (name, value) = match &self.peer {
            Some(peer) => (peer.name.clone(), self.unit.show_summary(&peer.value)),
            None => Default::default(),
        };
        let ratio = self.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let aim = match &self.aim {
            Some(aim) => format!("{}: {}", aim.text, if aim.met { "met" } else { "MISSED" }),
            None => String::new(),
        };
        [self.measure.clone(), self.unit.show_summary(&self.rban), name, value, ratio, aim]
    }
}

/// The value that this share of the rounds does not exceed; of at least one round.
pub(crate) fn quantile(rounds: &[f64], share: f64) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_rounds_that_happened() {
        let rounds = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(
            [0.0, 0.5, 0.99, 1.0].map(|share| quantile(&rounds, share)),
            [1.0, 2.0, 4.0, 4.0]
        );
    }

    #[test]
    fn the_table_is_aligned() {
        let summary = Summary { median: 5.0, min: 4.0, max: 16.25 };
        let row = |measure: &str| Row {
            measure: measure.into(),
            unit: Unit::NsPerPacket,
            rban: summary,
            peer: Some(Peer { name: "empty".into(), value: summary }),
            ratio: Some(1.0),
            aim: Some(Aim { text: "≤ 20", met: true }),
        };
        let report = Report { rows: vec![row("µ"), row("longer")], notes: vec![] };
        let table = report.table();
        let column = |line: &str, word: &str| line.find(word).map(|at| line[..at].chars().count());
        let mut lines = table.lines();
        let head = lines.next().unwrap();
        assert!(lines.clone().count() == 2 && head.ends_with("aim"));
        for line in lines {
            assert_eq!(column(line, "empty"), column(head, "peer or limit"));
            assert_eq!(column(line, "1.00"), column(head, "ratio"));
            assert_eq!(column(line, "≤ 20: met"), column(head, "aim"));
        }
    }
}
