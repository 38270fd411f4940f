//! The packaged configuration: the commands that fail2ban's client sends make the jails that files make.

use rban_tests::stock::{Stock, jails};

use super::*;
use crate::config::{self, Directory};

/// Applies a configuration's own stream to nothing, and compares with what was loaded.
#[track_caller]
fn check(options: &str) {
    let all: String = jails()
        .unwrap()
        .iter()
        .map(|jail| format!("[{jail}]\nenabled = true\n{options}\n"))
        .collect();
    let stock = Stock::with(&all).unwrap();
    let directory = Directory::At(stock.dir().to_owned());
    let services = std::fs::read_to_string("/etc/services").unwrap_or_default();
    let loaded = config::load(&directory, &config::Overrides::default()).unwrap();
    let (loaded, _) = Settings::of_config(&loaded, &services);

    let read = config::read(&directory).unwrap();
    let commands = config::stream_for_rban(&read).unwrap().commands;
    let commands: Vec<Vec<Value>> = commands.iter().map(words).collect();
    let streamed = Settings::new(&services).stream(&commands, &|_| true).unwrap().settings;
    assert!(loaded.jails.len() > 40, "only {} jails", loaded.jails.len());
    for (name, entry) in loaded.jails() {
        let streamed = streamed.spec(name).unwrap();
        assert_eq!(*streamed, entry.spec, "{name}");
        assert_eq!(streamed.name, entry.spec.name);
    }
    assert_eq!(streamed.server, loaded.server);
}

#[test]
fn the_stream_makes_the_jails_that_the_files_make() {
    check("backend = polling\nlogpath = /dev/null");
}

#[test]
fn with_mails_and_growing_bans_too() {
    check(
        "backend = polling\nlogpath = /dev/null\naction = %(action_mwl)s\nbantime.increment = true\n\
         bantime.maxtime = 5w\nignoreip = 192.0.2.0/24, 2001:db8::1\nignorecache = key=\"<ip>\"",
    );
}

#[test]
fn and_on_the_journal() {
    check("backend = systemd");
}
