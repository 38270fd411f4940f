//! Whole directories: the worked example, how jails are built, what is wrong with them, and hostile ones.

mod hostile;
mod jails;

use std::io;

use super::*;
use crate::config::files::{FILE_MAX_BYTES, Found};
use crate::config::{Consequence, JailError, Setting, Text, Value, stream};

/// Files in memory, under `/etc`; logs are those whose path contains `LOG`.
#[derive(Default)]
struct Example(Vec<(PathBuf, Vec<u8>)>);

impl Example {
    /// Files in one text, each under a line `=== path`.
    fn new(text: &str) -> Self {
        let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("=== ") {
                files.push((Path::new("/etc").join(path), Vec::new()));
            } else if let Some((_, text)) = files.last_mut() {
                text.extend(line.bytes().chain([b'\n']));
            }
        }
        Self(files)
    }

    fn read(&self) -> Read {
        read_from(Path::new("/etc/"), self).unwrap()
    }
}

impl Files for Example {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        match self.0.iter().find(|(name, _)| name == path) {
            Some((_, text)) if text == b"unreadable\n" => {
                Err(io::ErrorKind::PermissionDenied.into())
            }
            Some((_, text)) => Ok(Some(text.clone())),
            None => Ok(None),
        }
    }

    fn is_dir(&self, path: &Path) -> bool {
        path == Path::new("/etc")
    }

    fn list(&self, dir: &Path) -> Vec<PathBuf> {
        let names = self.0.iter().map(|(name, _)| name.clone()).rev();
        names.filter(|name| name.parent() == Some(dir)).collect()
    }

    fn logs(&self, glob: &str) -> Vec<Found> {
        let found = Found { path: glob.into(), dangling: glob.contains("DANGLING") };
        if glob.contains("LOG") { vec![found] } else { Vec::new() }
    }
}

/// What every example has besides.
const BASE: &str = "=== fail2ban.conf
[Definition]
loglevel = INFO
=== filter.d/f.conf
[Definition]
failregex = ^f <HOST>$
=== action.d/a.conf
[Definition]
actionban = ban <ip>
";

fn example(text: &str) -> Example {
    Example::new(&format!("{BASE}{text}"))
}

/// The commands that begin like this, joined by line feeds; JSON with simple quotes.
fn commands(read: &Read, beginning: &str) -> String {
    let commands = stream(read).unwrap().commands;
    let shown = commands.iter().map(|command| command.to_string().replace('"', "'"));
    shown.filter(|command| command.starts_with(beginning)).collect::<Vec<_>>().join("\n")
}

/// What the commands that begin like this are.
#[track_caller]
fn check(text: &str, beginning: &str, expected: &str) {
    assert_eq!(commands(&example(text).read(), beginning), expected, "{text}");
}

/// What the jail `j` says in `ignorecommand`.
#[track_caller]
fn check_value(text: &str, expected: &str) {
    let text = format!("{text}\n=== jail.local\n[j]\nenabled = true\n");
    check(
        &text,
        "['set','j','ignorecommand'",
        &format!("['set','j','ignorecommand','{expected}']"),
    );
}

/// The jail `j` fails with this message, and fail2ban does so.
#[track_caller]
fn fails(text: &str, message: &str, in_fail2ban: &Consequence) {
    let read = example(text).read();
    let jail = read.jails.iter().find(|jail| jail.name == "j").unwrap();
    let JailError { error, in_fail2ban: found } = jail.outcome.as_ref().unwrap_err();
    assert!(error.to_string().contains(message), "{error} does not say {message:?}");
    assert_eq!(found, in_fail2ban);
    assert_eq!(stream(&read).is_err(), *found == Consequence::Fatal);
}

/// Something is found that says this.
#[track_caller]
fn finds(text: &str, message: &str) {
    let found: Vec<String> =
        example(text).read().findings.iter().map(ToString::to_string).collect();
    assert!(found.iter().any(|it| it.contains(message)), "{found:#?} do not say {message:?}");
}

#[test]
fn the_worked_example_of_the_specification() {
    let read = Example::new(include_str!("../../../testdata/config/worked.conf")).read();
    assert!(read.jails.iter().all(|jail| jail.outcome.is_ok()));
    let expected = include_str!("../../../testdata/config/worked.expected");
    let commands = stream(&read).unwrap().commands;
    let commands: Vec<String> = commands.iter().map(ToString::to_string).collect();
    assert_eq!(commands, expected.lines().collect::<Vec<_>>());
}

#[test]
fn layers_come_in_order() {
    let set = |file: &str, value: &str| format!("=== {file}\n[j]\nignorecommand = {value}\n");
    let mut files =
        "=== jail.conf\n[j]\nenabled = true\nfilter = f\nignorecommand = conf\n".to_owned();
    for (file, value) in [
        ("jail.d/10.conf", "10"),
        ("jail.d/9.conf", "9"),
        ("jail.local", "local"),
        ("jail.d/1.local", "1l"),
        ("jail.d/a.local", "al"),
    ] {
        files.push_str(&set(file, value));
        check(
            &files,
            "['set','j'",
            &format!(
                "['set','j','addfailregex','^f <HOST>$']\n['set','j','ignorecommand','{value}']"
            ),
        );
    }
    for file in ["jail.d/z.conf.bak", "jail.d/.z.local", "jail.z", "jail.d/z/z.local"] {
        files.push_str(&set(file, "wrong"));
    }
    check(&files, "['set','j','ignorecommand'", "['set','j','ignorecommand','al']");
}

#[test]
fn files_are_included_with_their_local_siblings() {
    check_value(
        "=== jail.conf\n[INCLUDES]\nbefore = one.conf\n  none.conf\nafter = %(dir)s/two.conf\ndir = sub\n[DEFAULT]\nv=jail\na=jail\n[j]\nfilter=f\nignorecommand = %(v)s %(a)s %(b)s %(c)s
=== one.conf\n[INCLUDES]\nafter = one.conf\n jail.conf\n[DEFAULT]\nv = one\nb = one
=== one.local\n[DEFAULT]\nb = one-local
=== none.local\n[DEFAULT]\nc = none-local
=== sub/two.conf\n[DEFAULT]\na = two
=== sub/two.local\n[INCLUDES]\nbefore = three.conf
=== sub/three.conf\n[DEFAULT]\na = three",
        "jail three one-local none-local",
    );
}

#[test]
fn a_file_that_cannot_be_read_counts_for_nothing_and_is_told() {
    let text = "=== jail.conf\n[j]\nfilter = f\nignorecommand = 1\n=== jail.d/x.conf\nunreadable";
    check_value(text, "1");
    finds(text, "/etc/jail.d/x.conf: cannot be read; let this user read it, or remove it");
    let mut bytes = example("=== jail.conf\n[j]\n");
    bytes.0.push(("/etc/jail.local".into(), b"[j]\n# \xff\n".to_vec()));
    let found = bytes.read().findings.pop().unwrap().to_string();
    assert_eq!(found, "/etc/jail.local:2: a byte that is no UTF-8; save the file as UTF-8");
}

#[test]
fn what_cannot_be_read_as_jails_is_told_all_at_once() {
    let text = "=== jail.conf\nx = 1\n=== jail.local\n[j]\nnonsense\n[j]\n";
    let errors = read_from(Path::new("/etc"), &example(text)).unwrap_err();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 3, "{errors:#?}");
    assert!(errors[0].starts_with("/etc/jail.conf:1: x = 1: stands before any section"));
    let missing = read_from(Path::new("/gone"), &example("")).unwrap_err();
    assert!(missing[0].to_string().starts_with("/gone: no such directory; name one"));
}

#[test]
fn without_jail_files_there_are_no_jails() {
    let read = example("").read();
    assert!(read.jails.is_empty());
    assert!(stream(&read).unwrap().starts);
    finds("", "found no accessible config files for 'jail' under /etc");
}

#[test]
fn the_server_has_defaults() {
    let general = "['set','syslogsocket','auto']
['set','loglevel','INFO']
['set','logtarget','/var/log/fail2ban.log']
['set','allowipv6','auto']
['set','dbfile','/var/lib/fail2ban/fail2ban.sqlite3']
['set','dbpurgeage','1d']";
    check("=== jail.conf\n", "['set'", general);
    finds("=== jail.conf\n", "fail2ban.conf: allowipv6 is not set; auto is taken");
    let text = "=== fail2ban.local\n[Thread]\nstacksize = 32\n[DEFAULT]\ndbmaxmatches = 7\n";
    check(text, "['set','thread'", "['set','thread',{'stacksize':32}]");
    check(text, "['set','dbmax", "['set','dbmaxmatches',7]");
    let text = "=== fail2ban.local\n[Definition]\ndbmaxmatches = many\n";
    check(text, "['set','dbmax", "['set','dbmaxmatches',null]");
    finds(text, "/etc/fail2ban.local:2: dbmaxmatches = many: not an integer; write digits only");
}

#[test]
fn a_server_that_cannot_be_read_is_fatal_to_fail2ban_alone() {
    for (line, message) in [
        ("loglevel = CHATTY", "loglevel = CHATTY: not a log level; write ERROR"),
        ("dbfile = %(x)s", "dbfile = %(x)s: there is no option x"),
        ("nonsense", "nonsense: neither [section] nor option"),
    ] {
        let text = format!(
            "=== fail2ban.local\n[Definition]\n{line}\n=== jail.conf\n[j]\nenabled = true\nfilter = f\n"
        );
        finds(&text, message);
        let read = example(&text).read();
        assert!(stream(&read).is_err() && read.jails[0].outcome.is_ok());
    }
}

#[test]
fn what_nothing_reads_is_told() {
    let read = example(
        "=== jail.conf\n[j]\nenabled = true\nfilter = %(kind)s\nkind = f\nmaxrtry = 3\nport = 1\nmaxretry = 2\naction = a[port=%(port)s]\nused = 1\n[k]\nenabled = true\nfilter = f\nignorecommand = %(j/used)s\n[off]\nx = 1",
    )
    .read();
    let unread = |jail: usize| -> Vec<String> {
        let shown = |(name, text): &(String, Text)| {
            format!("{}: {name} = {}", text.place.as_ref().unwrap(), text.value)
        };
        read.jails[jail].unread.iter().map(shown).collect()
    };
    assert_eq!(unread(0), ["/etc/jail.conf:5: maxrtry = 3"]);
    assert!(unread(1).is_empty());
    assert_eq!(read.jails.len(), 2);
}

#[test]
fn every_option_keeps_its_place() {
    let read = example(
        "=== jail.conf\n[DEFAULT]\nfindtime = 1m\nbantime = %(b)s\nb = 2m\n[j]\nenabled = true\nfilter = f\n=== jail.local\n[j]\n\nmaxretry = 3",
    )
    .read();
    let jail = &read.jails[0];
    let place = |name: &str| jail.setting(name).unwrap().text.place.as_ref().unwrap().to_string();
    assert_eq!(place("findtime"), "/etc/jail.conf:2");
    assert_eq!(place("bantime"), "/etc/jail.conf:3");
    assert_eq!(place("maxretry"), "/etc/jail.local:3");
    assert_eq!(jail.place.to_string(), "/etc/jail.conf:5");
    let regex = &jail.filter.as_ref().unwrap().settings[0];
    assert_eq!(regex.text.place.as_ref().unwrap().to_string(), "/etc/filter.d/f.conf:2");
    let maxretry = jail.setting("maxretry").map(|Setting { value, .. }| value);
    assert_eq!(maxretry, Some(&Value::Int(3)));
}
