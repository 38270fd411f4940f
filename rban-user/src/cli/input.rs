//! What commands take from their arguments and from files.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use crate::addr::Offender;

/// Addresses and prefixes, as arguments or one a line in a file.
#[derive(Args, Clone, Debug)]
pub(super) struct Offenders {
    /// Addresses or prefixes: 192.0.2.7, 192.0.2.0/24, 2001:db8::/64
    #[arg(value_name = "ADDR")]
    addresses: Vec<String>,
    /// Take more from FILE (- = standard input), one a line; # begins a comment
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Offenders {
    /// All of them, or the first that is none, with its place.
    pub(super) fn read(&self) -> Result<Vec<Offender>, Failure> {
        let mut offenders = Vec::new();
        for text in &self.addresses {
            offenders.push(parse(text)?);
        }
        match &self.file {
            None => {}
            Some(path) if path.as_os_str() == "-" => {
                read_lines(Path::new("standard input"), io::stdin().lock(), &mut offenders)?;
            }
            Some(path) => {
                let file = File::open(path)
                    .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
                read_lines(path, BufReader::new(file), &mut offenders)?;
            }
        }
        Ok(offenders)
    }

    /// Whether neither arguments nor a file were given.
    pub(super) fn are_absent(&self) -> bool {
        self.addresses.is_empty() && self.file.is_none()
    }
}

/// One address or prefix.
pub(super) fn parse(text: &str) -> Result<Offender, Failure> {
    text.parse().map_err(|error| Failure::Usage(format!("{error}")))
}

fn read_lines(
    path: &Path,
    mut lines: impl BufRead,
    offenders: &mut Vec<Offender>,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = lines
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::Usage(format!("{}:{number}: {error}", path.display())))?;
        if read == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.split('#').next().unwrap_or_default().trim();
        if !text.is_empty() {
            let place = |error| Failure::Usage(format!("{}:{number}: {error}", path.display()));
            offenders.push(text.parse().map_err(place)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        match read_lines(Path::new("list"), text.as_bytes(), &mut found) {
            Ok(()) => Ok(found.iter().map(ToString::to_string).collect()),
            Err(Failure::Usage(message)) => Err(message),
            Err(Failure::Failed(error)) => Err(error.to_string()),
        }
    }

    #[test]
    fn comments_and_blank_lines_are_passed_over() {
        let list = "# a list\n192.0.2.7 # guessed\r\n\n 2001:db8::/64\n198.51.100.9";
        assert_eq!(
            read(list),
            Ok(vec!["192.0.2.7".into(), "2001:db8::/64".into(), "198.51.100.9".into()])
        );
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_place() {
        let error = read("192.0.2.7\n\n192.0.2.777\n").unwrap_err();
        assert!(error.starts_with("list:3: \"192.0.2.777\": not an address"), "{error}");
    }
}
