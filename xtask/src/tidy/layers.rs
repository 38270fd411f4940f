//! Who may know whom inside `rban-user`: the rows of the picture in style.md.

use super::tokens::Token;

/// From the top of the picture to its bottom (ARCHITECTURE.md has `glob`, `recent`, `said`, `shell` and `scope` as well). A row may import the rows below it; siblings never import siblings.
const ROWS: [&[&str]; 9] = [
    &["main", "lib"],
    &["cli"],
    &["daemon"],
    &["settings"],
    &["config"],
    &[
        "source", "detect", "jail", "enforce", "actions", "store", "fleet", "control", "metrics",
        "log",
    ],
    &["event"],
    &["recent", "said", "shell"],
    &["addr", "clock", "glob", "scope"],
];

/// Checks a file, named from `rban-user/src`; complaints are `LINE: what`.
pub(super) fn check(file: &str, tokens: &[Token<'_>]) -> Vec<String> {
    let home = module_path(file);
    // main and lib know every row, and lib is also the root that `crate` means.
    let Some(own) = home.first() else { return Vec::new() };
    let Some(own_row) = row(own) else {
        return vec![format!("1: module {own} has no row in style.md; add it there and to xtask")];
    };
    let mut complaints = Vec::new();
    for (other, line) in imports(&home, tokens) {
        let Some(other_row) = row(&other) else { continue };
        if other == *own || other_row > own_row {
            continue;
        }
        complaints.push(match other_row == own_row {
            true => format!("{line}: {own} imports its sibling {other}; move what both want down"),
            false => format!("{line}: {own} imports {other}, which stands above it"),
        });
    }
    complaints
}

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// The module that a file is: `jail/policy.rs` is `[jail, policy]`; the roots of the crates are `[]`.
fn module_path(file: &str) -> Vec<String> {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    match stem {
        "lib" | "main" => Vec::new(),
        _ => stem.split('/').map(str::to_owned).collect(),
    }
}

/// The top-level modules that a file's paths lead to, with their lines.
fn imports(home: &[String], tokens: &[Token<'_>]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut inline = Inline::default();
    for (at, token) in tokens.iter().enumerate() {
        inline.follow(tokens, at);
        let starts_path = at == 0 || tokens[at - 1].text != "::";
        if starts_path && matches!(token.text, "crate" | "super" | "self") {
            let here: Vec<&str> = home
                .iter()
                .map(String::as_str)
                .chain(inline.names.iter().map(|(name, _)| *name))
                .collect();
            follow_path(&here, &tokens[at..], &mut found);
        }
    }
    found
}

/// The `mod name { … }` that enclose a token.
#[derive(Default)]
struct Inline<'a> {
    depth: usize,
    /// Each with the depth of its braces.
    names: Vec<(&'a str, usize)>,
}

impl<'a> Inline<'a> {
    fn follow(&mut self, tokens: &[Token<'a>], at: usize) {
        match tokens[at].text {
            "{" => {
                self.depth += 1;
                if at >= 2 && tokens[at - 2].text == "mod" {
                    self.names.push((tokens[at - 1].text, self.depth));
                }
            }
            "}" => {
                self.names.pop_if(|(_, depth)| *depth == self.depth);
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }
}

/// Resolves the path that starts here as far as its top-level module; a list of paths in braces, each of them.
fn follow_path(here: &[&str], tokens: &[Token<'_>], found: &mut Vec<(String, usize)>) {
    let mut path: Vec<&str> = here.to_vec();
    let mut at = 0;
    loop {
        let Some(token) = tokens.get(at) else { return };
        match token.text {
            "crate" => path.clear(),
            "self" => {}
            "super" => drop(path.pop()),
            // Only at the root do the names that follow differ in their top-level module.
            "{" if path.is_empty() => {
                for start in branches(&tokens[at..]) {
                    follow_path(&[], &tokens[at + start..], found);
                }
                return;
            }
            name if path.is_empty() => {
                found.push((name.to_owned(), token.line));
                return;
            }
            _ => {}
        }
        let leads_on = matches!(token.text, "crate" | "self" | "super");
        if !leads_on || tokens.get(at + 1).is_none_or(|next| next.text != "::") {
            if let Some(top) = path.first()
                && here.first() != Some(top)
            {
                found.push(((*top).to_owned(), token.line));
            }
            return;
        }
        at += 2;
    }
}

/// Where the entries of a brace list start, counted from its opening brace.
fn branches(tokens: &[Token<'_>]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(token.text, "{" | ",") {
            starts.push(at + 1);
        }
    }
    starts.retain(|start| tokens.get(*start).is_some_and(|token| token.text != "}"));
    starts
}

#[cfg(test)]
mod tests {
    use crate::tidy::tokens;

    /// What these lines import from the wrong row, in this file.
    #[track_caller]
    fn check(file: &str, code: &str, wrong: &[&str]) {
        let found = super::check(file, &tokens::of(code));
        assert_eq!(found.len(), wrong.len(), "{found:?}");
        for (found, wrong) in found.iter().zip(wrong) {
            assert!(found.contains(&format!(" {wrong}")), "{found:?} is not about {wrong}");
        }
    }

    #[test]
    fn rows_below_may_be_known() {
        check("jail/mod.rs", "use crate::event::Ban;\nuse crate::addr::Offender;", &[]);
        check("daemon/mod.rs", "use crate::jail::Jail;\nuse crate::config;", &[]);
        check("cli/ban.rs", "use crate::daemon;\nuse crate::control::client;", &[]);
        check("event.rs", "use crate::clock::WallTime;", &[]);
    }

    #[test]
    fn siblings_may_not() {
        check("jail/policy.rs", "use crate::detect::Detector;", &["detect"]);
        check("addr.rs", "use crate::clock::WallTime;", &["clock"]);
        check("enforce/xdp/bans.rs", "fn f() -> crate::store::Store {}", &["store"]);
    }

    #[test]
    fn rows_above_may_not() {
        check("source/file.rs", "use crate::config::Error;", &["config"]);
        check("event.rs", "use crate::jail::Jail;", &["jail"]);
        check("config/mod.rs", "use crate::daemon;", &["daemon"]);
    }

    #[test]
    fn lists_are_looked_into() {
        check(
            "jail/mod.rs",
            "use crate::{event::{Ban, Change}, store, detect::date};",
            &["store", "detect"],
        );
        check("jail/mod.rs", "use crate::jail::{store, detect};", &[]);
        check("jail/mod.rs", "use crate::{self as root};", &[]);
    }

    #[test]
    fn super_leads_to_the_same_place() {
        check("jail/policy.rs", "use super::super::detect;", &["detect"]);
        check("jail/mod.rs", "use super::store;", &["store"]);
        check("jail/policy.rs", "use super::store;", &[]);
        check("jail/mod.rs", "mod tests { use super::store; }\nuse super::store;", &["store"]);
        check("jail/mod.rs", "mod tests { use super::super::store; }", &["store"]);
    }

    #[test]
    fn a_module_may_know_itself_and_the_root_everything() {
        check("jail/policy.rs", "use crate::jail::attempts;", &[]);
        check("main.rs", "use crate::cli;\nuse crate::jail;", &[]);
        check("lib.rs", "pub use crate::jail::Jail;", &[]);
    }

    #[test]
    fn a_module_needs_a_row() {
        check("utils.rs", "", &["utils"]);
    }

    #[test]
    fn an_item_of_the_root_is_no_module() {
        check("jail/mod.rs", "use crate::Result;\nuse crate::*;", &[]);
    }
}
