//! The packaged configuration: the commands that fail2ban's client sends make the jails that files make.

use rban_tests::stock::{Stock, jails};

use super::*;
use crate::config::{self, Directory};

/// What files make of every jail with these options, and what a stream makes of nothing.
fn both(
    options: &str,
    stream: fn(&config::Read) -> Result<config::Stream, config::TextError>,
) -> (Settings, Settings, Vec<Vec<Value>>) {
    let all: String = jails()
        .unwrap()
        .iter()
        .map(|jail| format!("[{jail}]\nenabled = true\n{options}\n"))
        .collect();
    let stock = Stock::with(&all).unwrap();
    let directory = Directory::At(stock.dir().to_owned());
    let services = std::fs::read_to_string("/etc/services").unwrap_or_default();
    let loaded = config::load(&directory, &config::Overrides::default()).unwrap();
    let (loaded, wrong) = Settings::of_config(&loaded, &services);
    assert_eq!(wrong, []);

    let read = config::read(&directory).unwrap();
    let commands = stream(&read).unwrap().commands;
    let commands: Vec<Vec<Value>> = commands.iter().map(words).collect();
    let streamed = Settings::new(&services).stream(&commands, &|_| true).unwrap().settings;
    (loaded, streamed, commands)
}

#[track_caller]
fn check(options: &str) {
    let (loaded, streamed, commands) = both(options, config::stream_for_rban);
    assert!(loaded.jails.len() > 40, "only {} jails", loaded.jails.len());
    for (name, entry) in loaded.jails() {
        assert_eq!(*streamed.spec(name).unwrap(), entry.spec, "{name}");
    }
    assert_eq!(streamed.server, loaded.server);
    let (which, unban, restart, if_exists) = (Which::All, false, false, false);
    let reload = Reload { which, unban, restart, if_exists, commands };
    assert_eq!(loaded.reload(&reload, &|_| true).unwrap().changes, []);
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

#[test]
fn and_for_all_ports() {
    check("backend = polling\nlogpath = /dev/null\nbanaction = %(banaction_allports)s");
}

/// Other clients send what fail2ban's does, from which the kernel's part is guessed.
#[test]
fn what_the_kernel_takes_over_is_told_from_fail2bans_commands_as_well() {
    let (loaded, streamed, _) = both("backend = polling\nlogpath = /dev/null", config::stream);
    let scopes = |settings: &Settings| {
        let scope = |action: &config::ActionSpec| {
            let takeover = action.takeover.as_ref().map(|it| it.scope.to_string());
            (action.name.clone(), takeover)
        };
        let of_jail = |(name, entry): (&JailName, &Entry)| {
            (name.clone(), entry.spec.actions.iter().map(scope).collect::<Vec<_>>())
        };
        settings.jails().map(of_jail).collect::<Vec<_>>()
    };
    assert_eq!(scopes(&streamed), scopes(&loaded));
}
