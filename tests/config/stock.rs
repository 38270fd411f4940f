//! The stock configuration, in many settings.
//!
//! Whoever compares a stream that is fatal compares nothing, so here there must always be one.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rban_tests::stock::{DIR, Stock, files, jails};

use crate::differences::adjusted;
use crate::outcome::{Outcome, disagreement, of_fail2ban, of_rban};
use crate::{conclude, each};

/// Stock filters that have modes, and all their modes.
const MODES: [(&str, &[&str]); 10] = [
    ("apache-auth", &["normal", "aggressive"]),
    ("dovecot", &["normal", "aggressive"]),
    ("exim", &["normal", "more", "aggressive"]),
    ("freeswitch", &["extra", "normal", "ddos"]),
    ("nginx-http-auth", &["normal", "auth", "fallback", "aggressive"]),
    (
        "postfix",
        &["more", "normal", "auth", "auth2", "rbl", "ddos", "extra", "aggressive", "errors"],
    ),
    ("sendmail-reject", &["normal", "extra", "aggressive"]),
    ("sshd", &["normal", "ddos", "extra", "aggressive"]),
    ("traefik-auth", &["normal", "ddos", "aggressive"]),
    ("froxlor-auth", &["normal"]),
];

/// Options of stock filters that select among alternatives, as modes do.
const OPTIONS: [&str; 15] = [
    "sshd[publickey=nofail]",
    "sshd[publickey=invalid]",
    "sshd[publickey=any]",
    "sshd[publickey=ignore, mode=aggressive]",
    "apache-auth[logging=logfile]",
    "apache-auth[logging=syslog]",
    "apache-auth[logging=all, mode=aggressive]",
    "froxlor-auth[type=1]",
    "froxlor-auth[type=2]",
    "guacamole[logging=catalina]",
    "guacamole[logging=webapp]",
    "apache-badbots[badbotscustom=\"one|two\"]",
    "exim-spam[honeypot=trap@example.com]",
    "recidive[_jailname=other]",
    "traefik-auth[req-method=\"GET|POST\"]",
];

/// Every report that the stock `jail.conf` has a word for, and what these ask for.
const REPORTS: &str = "cfemail = admin@example.com
cfapikey = cf
blocklist_de_apikey = bl
action = %(action_xarf)s
         %(action_cf_mwl)s
         %(action_abuseipdb)s
         %(action_blocklist_de)s";

/// A file that is included only, and lacks what its includer defines.
const NO_FILTER: &str = "selinux-common";

/// What [`all_jails_at_once`] gives every jail, and what that is called.
const SETTINGS: [(&str, &str); 7] = [
    ("as they are", ""),
    ("on the journal", "backend = systemd"),
    ("polling, on one log", "backend = polling\nlogpath = /dev/null"),
    ("aggressive, for all ports", "mode = aggressive\nbanaction = %(banaction_allports)s"),
    ("with mails and lines", "action = %(action_mwl)s"),
    ("with reports", REPORTS),
    ("with their own regexes too", "failregex = %(known/failregex)s\n  ^own <HOST>$"),
];

/// What differences may be about: these settings, and every jail alone.
pub(crate) fn cases() -> Result<Vec<String>> {
    let settings = SETTINGS.map(|(what, _)| what.to_owned());
    Ok(settings.into_iter().chain(jails()?).map(|name| case(&name)).collect())
}

fn case(name: &str) -> String {
    format!("stock: {name}")
}

/// Compares what the two make of the stock files with these jails; in words where they differ.
fn compare(what: &str, text: &str) -> Option<String> {
    let compared = Stock::with(text).and_then(|stock| compare_in(stock.dir(), what));
    let wrong = compared.unwrap_or_else(|error| Some(format!("{error:#}")))?;
    Some(format!("{what}: {wrong}"))
}

fn compare_in(dir: &Path, what: &str) -> Result<Option<String>> {
    let expected = of_fail2ban(dir)?;
    ensure!(expected != Outcome::Fatal, "fail2ban finds it fatal, so nothing is compared");
    match adjusted(&case(what), &expected) {
        Ok(expected) => Ok(disagreement(&expected, &of_rban(dir)?)),
        Err(stale) => Ok(Some(stale)),
    }
}

/// The jails of the stock `jail.conf`, each with these options.
fn all_jails(options: &str) -> Result<String> {
    Ok(jails()?.iter().map(|jail| format!("[{jail}]\nenabled = true\n{options}\n")).collect())
}

#[test]
fn the_machines_own_configuration() -> Result<()> {
    conclude(&Vec::from_iter(compare_in(DIR.as_ref(), "the machine's own")?));
    Ok(())
}

#[test]
fn every_jail_alone() -> Result<()> {
    let jails = jails()?;
    ensure!(jails.len() > 50, "only {} stock jails", jails.len());
    conclude(&each(&jails, |jail| compare(jail, &format!("[{jail}]\nenabled = true\n"))));
    Ok(())
}

#[test]
fn all_jails_at_once() -> Result<()> {
    let wrong = each(&SETTINGS, |(what, options)| {
        all_jails(options)
            .map_or_else(|error| Some(format!("{error:#}")), |text| compare(what, &text))
    });
    conclude(&wrong);
    Ok(())
}

#[test]
fn every_mode_of_every_filter_that_has_modes() {
    let mut text = String::new();
    for (filter, modes) in MODES {
        for mode in modes {
            jail(
                &mut text,
                &format!("{filter}-{mode}"),
                &format!("filter = {filter}[mode={mode}]"),
            );
        }
    }
    for (index, filter) in OPTIONS.iter().enumerate() {
        jail(&mut text, &format!("option-{index}"), &format!("filter = {filter}"));
    }
    conclude(&Vec::from_iter(compare("modes", &text)));
}

#[test]
fn every_mode_set_by_its_jail() -> Result<()> {
    let jails = jails()?;
    let mut text = String::new();
    for (filter, modes) in MODES {
        ensure!(jails.iter().any(|jail| jail == filter), "no stock jail {filter}");
        for mode in modes {
            writeln!(text, "{filter} {mode}").context("writing to a string")?;
        }
    }
    let settings: Vec<_> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    conclude(&each(&settings, |(jail, mode)| {
        compare(&format!("{jail}, {mode}"), &format!("[{jail}]\nenabled = true\nmode = {mode}\n"))
    }));
    Ok(())
}

#[test]
fn every_filter_with_every_kind_of_log() -> Result<()> {
    let mut filters = files("filter.d", ".conf")?;
    filters.retain(|filter| filter != NO_FILTER);
    let wrong = each(&["file", "short", "journal", "rfc5424"], |logtype| {
        let mut text = String::new();
        for filter in &filters {
            jail(&mut text, filter, &format!("filter = {filter}[logtype={logtype}]"));
        }
        compare(logtype, &text)
    });
    conclude(&wrong);
    Ok(())
}

#[test]
fn every_action_with_and_without_arguments() -> Result<()> {
    let mut text = String::new();
    for action in files("action.d", ".conf")? {
        let arguments =
            "name=%(__name__)s, port=\"22,80\", protocol=\"tcp,udp\", chain=\"<known/chain>\"";
        jail(&mut text, &format!("{action}-plain"), &format!("filter =\naction = {action}"));
        jail(&mut text, &action, &format!("filter =\naction = {action}[{arguments}]"));
    }
    jail(&mut text, "python", "filter =\naction = smtp.py[host=\"localhost:25\", dest=root]");
    conclude(&Vec::from_iter(compare("actions", &text)));
    Ok(())
}

/// An enabled jail of the given options and a log.
fn jail(text: &mut String, name: &str, options: &str) {
    // Cannot fail: it is a string.
    let _ = write!(text, "[{name}]\nenabled = true\nlogpath = /dev/null\n{options}\n");
}
