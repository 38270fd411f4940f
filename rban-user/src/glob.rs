//! Files by pattern, as Python's `glob` finds them: `*`, `?`, `[…]`, none of which stands for a leading dot or a
//! slash; in the order of the directory.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A glob finds no more.
const FOUND_MAX: usize = 10_000;
/// So much of a directory is looked at.
const ENTRIES_MAX: usize = 1_000_000;

/// Whether it stands for more than the path that it is.
pub(crate) fn has_wildcards(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// What a pattern finds, links that lead nowhere too. Its slashes and dots stay as they are written.
pub(crate) fn find(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![OsString::new()];
    let mut rest = pattern;
    while !rest.is_empty() && !found.is_empty() {
        let (part, after) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let name = after.trim_start_matches('/');
        let slashes = &after[..after.len() - name.len()];
        rest = name;
        found = step(&found, part, slashes);
    }
    found.into_iter().filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

/// What fits one part of the pattern, with the slashes behind it: then it has to be a directory.
fn step(dirs: &[OsString], part: &str, slashes: &str) -> Vec<OsString> {
    let mut found = Vec::new();
    let mut add = |dir: &OsStr, name: &OsStr| {
        let mut path = dir.to_owned();
        path.push(name);
        let fits = match slashes {
            "" => Path::new(&path).symlink_metadata().is_ok(),
            // The slash that a path begins with has nothing before it.
            _ => path.is_empty() || Path::new(&path).is_dir(),
        };
        path.push(slashes);
        if fits && found.len() < FOUND_MAX {
            found.push(path);
        }
    };
    for dir in dirs {
        if !has_wildcards(part) {
            add(dir, part.as_ref());
            continue;
        }
        let listed = if dir.is_empty() { Path::new(".") } else { Path::new(dir) };
        let Ok(entries) = listed.read_dir() else { continue };
        for name in entries.flatten().take(ENTRIES_MAX).map(|entry| entry.file_name()) {
            let text = name.to_string_lossy();
            if (!text.starts_with('.') || part.starts_with('.')) && matches(part, &text) {
                add(dir, &name);
            }
        }
    }
    found
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    /// A directory with some files; what the pattern finds below it, sorted.
    #[track_caller]
    fn check(pattern: &str, expected: &[&str]) {
        let dir = TempDir::new().unwrap();
        let root = dir.path().to_str().unwrap();
        fs::create_dir_all(dir.path().join("sub/deep")).unwrap();
        for name in ["a.log", "b.log", ".hidden.log", "[x].log", "sub/c.log", "sub/deep/d.log"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        symlink("/nowhere/at/all", dir.path().join("gone.log")).unwrap();
        let found = find(&format!("{root}/{pattern}"));
        let shown =
            |found: PathBuf| found.to_str().unwrap().strip_prefix(root).unwrap()[1..].to_owned();
        let mut found: Vec<String> = found.into_iter().map(shown).collect();
        found.sort();
        assert_eq!(found, expected, "{pattern}");
    }

    #[test]
    fn names_without_signs_are_themselves() {
        check("a.log", &["a.log"]);
        check("none", &[]);
        check("gone.log", &["gone.log"]);
        check("sub/../a.log", &["sub/../a.log"]);
        check("sub//./c.log", &["sub//./c.log"]);
        check("a.log/", &[]);
        check("sub/", &["sub/"]);
    }

    #[test]
    fn signs_stand_for_characters_but_no_leading_dot_or_slash() {
        check("*.log", &["[x].log", "a.log", "b.log", "gone.log"]);
        check(".*.log", &[".hidden.log"]);
        check("?.log", &["a.log", "b.log"]);
        check("[a-c].log", &["a.log", "b.log"]);
        check("[!a].log", &["b.log"]);
        check("[]a].log", &["a.log"]);
        check("[[]x].log", &["[x].log"]);
        check("[a.log", &[]);
        check("*/*.log", &["sub/c.log"]);
        check("*/*/d.*", &["sub/deep/d.log"]);
        check("s*b/", &["sub/"]);
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(1_000) + "b";
        assert!(!matches(&pattern, &"a".repeat(10_000)));
        assert!(matches(&"*a".repeat(1_000), &"a".repeat(1_000)));
    }

    #[test]
    fn the_empty_pattern_finds_nothing() {
        assert!(find("").is_empty());
        assert_eq!(find("/").len(), 1);
    }
}
