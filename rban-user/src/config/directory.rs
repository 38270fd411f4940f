//! Which configuration is taken (design, section 3).

use std::path::{Path, PathBuf};

use super::interpolate::Budget;
use super::layer::Loader;
use super::shipped::{self, Shipped, WithOurActions};

/// Where configuration is looked for, the first that is there.
const USUAL: [&str; 2] = ["/etc/rban", "/etc/fail2ban"];

/// A configuration to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directory {
    /// One on this host.
    At(PathBuf),
    /// What is compiled in.
    BuiltIn,
}

impl Directory {
    /// The directory that was asked for; else `/etc/rban`, else `/etc/fail2ban`, else what is compiled in.
    #[must_use]
    pub fn choose(asked: Option<&Path>) -> Self {
        choose_below(Path::new("/"), asked)
    }

    /// Hands it to a reader.
    pub(super) fn open<T>(&self, read: impl FnOnce(Loader<'_>) -> T) -> T {
        match self {
            Self::At(base) => read(Loader::new(&WithOurActions { base }, base, Budget::default())),
            Self::BuiltIn => {
                read(Loader::new(&Shipped, Path::new(shipped::BASE), Budget::default()))
            }
        }
    }
}

fn choose_below(root: &Path, asked: Option<&Path>) -> Directory {
    if let Some(asked) = asked {
        return Directory::At(asked.to_owned());
    }
    let usual = USUAL.iter().map(|dir| root.join(dir.trim_start_matches('/')));
    usual.into_iter().find(|dir| dir.is_dir()).map_or(Directory::BuiltIn, Directory::At)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_is_asked_for_is_taken_even_if_missing() {
        let root = TempDir::new().unwrap();
        let asked = Path::new("/nowhere");
        assert_eq!(choose_below(root.path(), Some(asked)), Directory::At(asked.to_owned()));
    }

    #[test]
    fn our_own_directory_goes_before_fail2bans() {
        let root = TempDir::new().unwrap();
        assert_eq!(choose_below(root.path(), None), Directory::BuiltIn);
        for dir in ["etc/fail2ban", "etc/rban"] {
            let dir = root.path().join(dir);
            fs::create_dir_all(&dir).unwrap();
            assert_eq!(choose_below(root.path(), None), Directory::At(dir));
        }
    }
}
