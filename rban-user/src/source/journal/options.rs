//! What `backend = systemd[…]` and `journalmatch` ask of `journalctl`.

use super::Error;

/// Journals of this machine only; what fail2ban opens unless told otherwise.
pub(super) const LOCAL_ONLY: u32 = 1;
const RUNTIME_ONLY: u32 = 2;
const SYSTEM: u32 = 4;
const CURRENT_USER: u32 = 8;

/// Where volatile journals are.
const RUNTIME: &str = "/run/log/journal";

/// Arguments that say which journals are read, of `[name=value, …]`.
pub(super) fn of_backend(options: &str, default_flags: u32) -> Result<Vec<String>, Error> {
    let (mut arguments, mut flags) = (Vec::new(), default_flags);
    for (name, value) in pairs(options)? {
        match name.as_str() {
            "journalpath" => arguments.push(format!("--directory={value}")),
            "journalfiles" => {
                let globs = value.split(',').map(str::trim).filter(|glob| !glob.is_empty());
                arguments.extend(globs.map(|glob| format!("--file={glob}")));
            }
            "namespace" => arguments.push(format!("--namespace={value}")),
            "journalflags" => {
                flags = value.parse().map_err(|_| Error::Flags { found: value.clone() })?;
            }
            // Journals that were rotated are always among those that journalctl reads.
            "rotated" => {}
            _ => return Err(Error::Option { found: name }),
        }
    }
    arguments.extend(of_flags(flags, &arguments));
    Ok(arguments)
}

fn of_flags(flags: u32, places: &[String]) -> Vec<String> {
    let mut arguments = Vec::new();
    let says = |flag| flags & flag != 0;
    if says(SYSTEM) {
        arguments.push("--system".to_owned());
    }
    if says(CURRENT_USER) {
        arguments.push("--user".to_owned());
    }
    // Only one of them may say where the journals are.
    if places.is_empty() {
        if says(RUNTIME_ONLY) {
            arguments.push(format!("--directory={RUNTIME}"));
        }
        if !says(LOCAL_ONLY) {
            arguments.push("--merge".to_owned());
        }
    }
    arguments
}

/// `[name=value, name="value, value"]`, or several such lists.
fn pairs(options: &str) -> Result<Vec<(String, String)>, Error> {
    let wrong = || Error::Options { found: options.to_owned() };
    let (mut pairs, mut rest) = (Vec::new(), options.trim());
    while !rest.is_empty() {
        rest = rest.trim_start_matches(['[', ']', ',', ' ', '\t', '\n']);
        let Some((name, after)) = rest.split_once('=') else {
            return if rest.is_empty() { Ok(pairs) } else { Err(wrong()) };
        };
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, left) = match quote {
            Some(quote) => after[1..].split_once(quote).ok_or_else(wrong)?,
            None => after.split_at(after.find([',', ']']).unwrap_or(after.len())),
        };
        pairs.push((name.trim().to_owned(), value.trim().to_owned()));
        rest = left;
    }
    Ok(pairs)
}

/// Arguments that say which entries are read: those that satisfy one of the lists. Terms of the same field are
/// alternatives, those of different fields all have to be satisfied, and a `+` parts alternatives.
pub(super) fn of_matches(matches: &[Vec<String>]) -> Result<Vec<String>, Error> {
    let mut arguments = Vec::new();
    let alternatives = matches.iter().flat_map(|list| list.split(|term| term == "+"));
    for alternative in alternatives.filter(|alternative| !alternative.is_empty()) {
        if !arguments.is_empty() {
            arguments.push("+".to_owned());
        }
        for term in alternative {
            let field = term.split_once('=').map_or("", |(field, _)| field);
            let fits =
                |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            if field.is_empty() || !field.bytes().all(fits) {
                return Err(Error::Match { found: term.clone() });
            }
            arguments.push(term.clone());
        }
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(options: &str, expected: &[&str]) {
        assert_eq!(of_backend(options, LOCAL_ONLY).unwrap(), expected, "{options}");
    }

    #[test]
    fn options_say_which_journals_are_read() {
        check("", &[]);
        check("[journalpath=/var/log/journal]", &["--directory=/var/log/journal"]);
        check(
            r#"[journalfiles="/a/*.journal, /b/x.journal", rotated=on]"#,
            &["--file=/a/*.journal", "--file=/b/x.journal"],
        );
        check("[namespace='web'][rotated=on]", &["--namespace=web"]);
        check("[journalflags=0]", &["--merge"]);
        check("[journalflags=5]", &["--system"]);
        check("[journalflags=3]", &["--directory=/run/log/journal"]);
        check("[journalflags=9, journalpath=/j]", &["--directory=/j", "--user"]);
    }

    #[test]
    fn what_is_wrong_in_them_is_named() {
        let error = |options| of_backend(options, LOCAL_ONLY).unwrap_err().to_string();
        assert!(error("[journalpaths=/x]").starts_with("journalpaths: "));
        assert!(error("[journalflags=all]").starts_with("journalflags = all: "));
        assert!(error("[journalpath]").starts_with("systemd[journalpath]: "));
        assert!(error("[journalpath='x]").starts_with("systemd[journalpath='x]: "));
    }

    #[test]
    fn lists_are_alternatives() {
        let list = |terms: &str| terms.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let matches = [list("_SYSTEMD_UNIT=a.service _COMM=a + X=b"), list("+ X=c")];
        let expected = list("_SYSTEMD_UNIT=a.service _COMM=a + X=b + X=c");
        assert_eq!(of_matches(&matches).unwrap(), expected);
        assert_eq!(of_matches(&[]).unwrap(), Vec::<String>::new());
        for wrong in ["ssh", "--file=/etc/shadow", "=x", "/usr/sbin/sshd", "-F=x"] {
            let error = of_matches(&[vec![wrong.to_owned()]]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("journalmatch = {wrong}: ")), "{error}");
        }
    }
}
