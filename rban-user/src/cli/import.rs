//! `rban import`.

use std::path::{self, PathBuf};

use clap::Args;

use super::config::{From, unusable};
use super::{Common, Failure, render};
use crate::config::{self, Overrides};
use crate::control::{Command, Imported, Reply};
use crate::daemon::memory::import_without_daemon;
use crate::store::Notice;

const EXAMPLES: &str = "Examples:
  rban import                                      # where fail2ban.conf says
  rban import /var/lib/fail2ban/fail2ban.sqlite3
  rban import --json | jq .live";

/// Take over the bans and positions that fail2ban's database knows
///
/// What rban knows already stands, and the file is not changed. A daemon puts the bans in force at once. Its very first
/// start does all this by itself.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    /// The database; without it the one that fail2ban.conf names
    file: Option<PathBuf>,
    #[command(flatten)]
    from: From,
    /// Where rban keeps bans and positions, if no daemon runs
    #[arg(long, value_name = "FILE")]
    dbfile: Option<PathBuf>,
}

impl Import {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        // The daemon works in another directory.
        let file = self.file.as_deref().map(path::absolute).transpose()?;
        let imported = match common.daemon()? {
            Some(mut daemon) => match daemon.ask(&Command::Import { file })? {
                Reply::Imported(imported) => imported,
                _ => return Err(daemon.other_answer().into()),
            },
            None => {
                let directory = self.from.directory();
                let config = config::load(&directory, &Overrides::default()).map_err(unusable)?;
                let dbfile = self.dbfile.clone().unwrap_or_else(|| config.settings.dbfile.clone());
                import_without_daemon(dbfile, file, &config, complain)?
            }
        };
        render::print(common, &imported, text)
    }
}

fn complain(notice: Notice) {
    if notice.is_warning() {
        render::complain(&notice.to_string());
    }
}

fn text(imported: &Imported) -> String {
    let Imported { file, bans, live, positions, skipped, cut_short } = imported;
    let mut text =
        format!("{}: {bans} bans, {live} of them live, {positions} positions\n", file.display());
    if *skipped > 0 {
        text.push_str(&format!("{skipped} rows made no sense and were left out\n"));
    }
    if let Some(error) = cut_short {
        text.push_str(&format!("the file is damaged, and was read up to there: {error}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told() {
        let mut imported = Imported {
            file: "/db".into(),
            bans: 3,
            live: 1,
            positions: 2,
            skipped: 0,
            cut_short: None,
        };
        assert_eq!(text(&imported), "/db: 3 bans, 1 of them live, 2 positions\n");
        imported.skipped = 1;
        imported.cut_short = Some("malformed".to_owned());
        assert!(
            text(&imported)
                .ends_with("left out\nthe file is damaged, and was read up to there: malformed\n")
        );
    }
}
