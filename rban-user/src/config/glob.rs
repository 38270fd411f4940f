//! Files by pattern, as Python's `glob` finds them: `*`, `?`, `[…]`, none of which stands for a leading dot or a
//! slash; in the order of the directory.

use std::path::{Path, PathBuf};

use super::files::Found;

/// A glob finds no more.
const FOUND_MAX: usize = 100_000;

/// What a pattern finds.
pub(super) fn find(pattern: &str) -> Vec<Found> {
    let (root, rest) = match pattern.strip_prefix('/') {
        Some(rest) => (PathBuf::from("/"), rest),
        None => (PathBuf::new(), pattern),
    };
    let mut found = vec![root];
    let mut parts = rest.split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let mut next = Vec::new();
        for dir in &found {
            step(dir, part, &mut next);
        }
        if parts.peek().is_some() {
            next.retain(|path| path.is_dir());
        }
        found = next;
    }
    if pattern.ends_with('/') {
        found.retain(|path| path.is_dir());
    }
    let of = |path: PathBuf| Found { dangling: !path.exists(), path };
    found.into_iter().filter(|path| !path.as_os_str().is_empty()).map(of).collect()
}

/// Adds what stands in a directory and fits one part of the pattern.
fn step(dir: &Path, part: &str, into: &mut Vec<PathBuf>) {
    if !part.contains(['*', '?', '[']) {
        let path = dir.join(part);
        if path.symlink_metadata().is_ok() {
            into.push(path);
        }
        return;
    }
    let listed = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let Ok(entries) = listed.read_dir() else { return };
    for entry in entries.flatten() {
        if into.len() >= FOUND_MAX {
            return;
        }
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if (!name.starts_with('.') || part.starts_with('.')) && matches(part, &name) {
            into.push(dir.join(entry.file_name()));
        }
    }
}

/// Whether a pattern without slashes stands for this name. Takes time in proportion to both lengths.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern = items(pattern);
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some(Item::Many) => {
                star = Some((at + 1, in_name));
                at += 1;
            }
            Some(item) if item.is(name[in_name]) => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                (at, in_name) = (after, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|item| *item == Item::Many)
}

/// One thing in a pattern.
#[derive(Debug, PartialEq, Eq)]
enum Item {
    Many,
    Any,
    One(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Item {
    fn is(&self, c: char) -> bool {
        match self {
            Self::Many => false,
            Self::Any => true,
            Self::One(one) => *one == c,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

fn items(pattern: &str) -> Vec<Item> {
    let chars: Vec<char> = pattern.chars().collect();
    let (mut items, mut at) = (Vec::new(), 0);
    while let Some(c) = chars.get(at) {
        at += 1;
        items.push(match c {
            '*' => Item::Many,
            '?' => Item::Any,
            '[' => match set(&chars[at..]) {
                Some((set, length)) => {
                    at += length;
                    set
                }
                None => Item::One('['),
            },
            c => Item::One(*c),
        });
    }
    items
}

/// The set that stands behind a `[`, and how long it is; `None` if nothing closes it.
fn set(chars: &[char]) -> Option<(Item, usize)> {
    let negated = chars.first() == Some(&'!');
    let from = usize::from(negated);
    // A bracket that comes first stands for itself.
    let close = from + 1 + chars.get(from + 1..)?.iter().position(|c| *c == ']')?;
    let (mut ranges, mut inner) = (Vec::new(), &chars[from..close]);
    loop {
        inner = match inner {
            [low, '-', high, rest @ ..] => {
                ranges.push((*low, *high));
                rest
            }
            [one, rest @ ..] => {
                ranges.push((*one, *one));
                rest
            }
            [] => break,
        };
    }
    Some((Item::Set { negated, ranges }, close + 1))
}
