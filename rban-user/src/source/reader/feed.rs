//! Who wants which logs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::super::{Backend, Batch, Begin, Encoding, Position};
use crate::event::JailName;
use crate::glob;

/// Names a feed; whoever adds it chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedId(pub u64);

/// A log that somebody wants to follow, or all that a pattern finds.
#[derive(Debug)]
pub struct Feed {
    /// Its name. Adding one of the same name takes the place of the former.
    pub id: FeedId,
    /// The log. With `*`, `?` or `[…]` in it, and no file of that very name, it stands for all that it finds, those yet
    /// to come as well.
    pub path: PathBuf,
    /// Where logs are begun that are there already and that no position is known of.
    pub begin: Begin,
    /// What bytes of them mean.
    pub encoding: Encoding,
    /// How new lines are noticed.
    pub backend: Backend,
    /// How far a former run has read, by path. Of no account for those that are begun at their end.
    pub positions: HashMap<PathBuf, Position>,
    /// Whose it is. Of a log that another feed of theirs follows already, they are not sent again what is past.
    pub jails: Arc<[JailName]>,
    /// Who takes the lines. Full: their logs wait, and no others.
    pub to: mpsc::Sender<Batch>,
}

impl Feed {
    /// Whether whoever has `other` has this as well.
    pub(super) fn serves_all_of(&self, other: &Self) -> bool {
        self.to.same_channel(&other.to) && other.jails.iter().all(|jail| self.jails.contains(jail))
    }

    /// The pattern, if it is one.
    pub(super) fn pattern(&self) -> Option<&str> {
        let pattern = self.path.to_str().filter(|path| glob::has_wildcards(path))?;
        (!self.path.exists()).then_some(pattern)
    }

    /// The logs that there are now, or that are waited for.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let Some(pattern) = self.pattern() else { return vec![self.path.clone()] };
        let mut found = glob::find(pattern);
        found.retain(|path| path.is_file());
        found.sort_unstable();
        found
    }

    /// Paths in all the directories where a log of this feed may appear.
    pub(super) fn appearances(&self) -> Vec<PathBuf> {
        let Some(pattern) = self.pattern() else { return vec![self.path.clone()] };
        let mut found = Vec::new();
        for part in Path::new(pattern).ancestors() {
            let Some((directory, text)) = part.parent().zip(part.to_str()) else { break };
            if !glob::has_wildcards(text) {
                break;
            }
            let directory = directory.to_string_lossy();
            let directories = match glob::has_wildcards(&directory) {
                true => glob::find(&format!("{directory}/")),
                false => vec![PathBuf::from(&*directory)],
            };
            found.extend(directories.into_iter().map(|directory| directory.join("*")));
        }
        found
    }
}
