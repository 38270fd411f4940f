//! `rban man`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;

use super::{Cli, Failure, render};

const EXAMPLES: &str = "Examples:
  rban man | man -l -
  rban man --dir /usr/local/share/man/man1     # rban.1, rban-ban.1, …";

/// Print the manual page, or write all of them
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Man {
    /// Write a page for each command there
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match &self.dir {
            None => render::print_text(&page()?),
            Some(dir) => {
                let doing = || format!("writing manual pages to {}", dir.display());
                fs::create_dir_all(dir).with_context(doing)?;
                Ok(clap_mangen::generate_to(Cli::command(), dir).with_context(doing)?)
            }
        }
    }
}

/// That of rban as a whole.
fn page() -> Result<String, Failure> {
    let mut page = Vec::new();
    Page::new(Cli::command()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_command() {
        let page = page().unwrap();
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(page.contains(&format!("rban\\-{name}(1)")), "{name} in\n{page}");
        }
    }

    #[test]
    fn every_command_has_a_page_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        Man { dir: Some(dir.path().to_owned()) }.run().unwrap();
        for name in ["rban.1", "rban-import.1", "rban-reload.1"] {
            assert!(dir.path().join(name).exists(), "{name}");
        }
    }
}
