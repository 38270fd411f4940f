//! What a command may be told of a ban.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::addr::Offender;
use crate::clock::WallTime;
use crate::event::{JailName, Line};
use crate::said::Quoted;

use super::tags::Family;

/// A ban, as its jail's actions are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Who is banned, as fail2ban prints it.
    pub id: Arc<str>,
    /// Whose packets these are; the id itself, if that is an address, or what was captured beside it.
    pub ip: Option<Offender>,
    /// The time of the failure that led to it.
    pub time: WallTime,
    /// For how long; `None` = for ever.
    pub bantime: Option<Duration>,
    /// How many failures led to it.
    pub failures: u32,
    /// How often it is banned, this time included.
    pub bancount: u32,
    /// The lines that led to it, oldest first.
    pub matches: Vec<Line>,
    /// What the filter captured beside, by name in lower case.
    pub captures: Vec<(Arc<str>, String)>,
    /// Whether it comes from an earlier run.
    pub is_restored: bool,
}

/// What is remembered of an offender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The last lines, oldest first.
    pub matches: Vec<Line>,
    /// How many failures there were.
    pub failures: u64,
}

/// What a jail has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Who is banned now.
    pub banned: u64,
    /// Bans since the start.
    pub banned_total: u64,
    /// Who has failed of late.
    pub found: u64,
    /// Failures since the start.
    pub found_total: u64,
}

/// What had to be asked for; only what some tag needs is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) host: Option<String>,
    pub(super) of_all_jails: Option<Record>,
    pub(super) of_this_jail: Option<Record>,
    pub(super) counters: Counters,
}

/// All that tags of a ban may stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) jail: &'a JailName,
    pub(super) ticket: &'a Ticket,
    pub(super) found: &'a Found,
}

impl Ticket {
    /// What stands in for a ban where an action starts, stops, is flushed or reloaded.
    pub(super) fn empty(time: WallTime, bantime: Option<Duration>) -> Self {
        Self {
            id: "".into(),
            ip: None,
            time,
            bantime,
            failures: 0,
            bancount: 0,
            matches: Vec::new(),
            captures: Vec::new(),
            is_restored: false,
        }
    }

    /// Of which family it is.
    pub(super) fn family(&self) -> Family {
        match self.ip.map(|ip| ip.as_net().addr()) {
            Some(IpAddr::V4(_)) => Family::Inet4,
            Some(IpAddr::V6(_)) => Family::Inet6,
            None => Family::Raw,
        }
    }

    /// The address or prefix, or else the id.
    pub(super) fn address(&self) -> Cow<'_, str> {
        self.ip.map_or(Cow::Borrowed(&*self.id), |ip| Cow::Owned(ip.to_string()))
    }

    fn seconds(&self) -> i64 {
        self.bantime.map_or(-1, |span| i64::try_from(span.as_secs()).unwrap_or(i64::MAX))
    }

    /// As fail2ban prints it in an error.
    pub(super) fn info(&self) -> String {
        format!(
            "ActionInfo({{'ip': {}, 'family': {}, 'fid': {}, 'failures': {}, 'time': {}, 'bantime': {}, 'bancount': {}, \
             'restored': {}}})",
            Quoted(&self.address()),
            match self.family() {
                Family::Raw => "None".to_owned(),
                family => format!("'{family}'"),
            },
            Quoted(&self.id),
            self.failures,
            epoch(self.time),
            self.seconds(),
            self.bancount,
            u8::from(self.is_restored),
        )
    }
}

impl Facts<'_> {
    /// What a tag stands for; `None` = it is none of a ban's.
    pub(super) fn value(&self, tag: &str, family: Family) -> Option<Cow<'_, [u8]>> {
        let Self { jail, ticket, found } = self;
        let text = |text: String| Some(Cow::Owned(text.into_bytes()));
        let all = found.of_all_jails.as_ref();
        let here = found.of_this_jail.as_ref();
        let lines =
            |record: Option<&Record>| joined(record.map_or(&ticket.matches, |it| &it.matches));
        let failures = |record: Option<&Record>| match record {
            Some(record) => record.failures.to_string(),
            None => ticket.failures.to_string(),
        };
        let counters = &found.counters;
        match tag {
            "ip" => text(ticket.address().into_owned()),
            "family" => text(family.to_string()),
            "ip-rev" => text(ticket.ip.map(reversed).unwrap_or_default()),
            "ip-host" => text(found.host.clone().unwrap_or_else(|| "None".to_owned())),
            "fid" => Some(Cow::Borrowed(ticket.id.as_bytes())),
            "failures" => text(ticket.failures.to_string()),
            "time" => text(epoch(ticket.time)),
            "bantime" => text(ticket.seconds().to_string()),
            "bancount" => text(ticket.bancount.to_string()),
            "restored" => text(u8::from(ticket.is_restored).to_string()),
            "matches" => Some(Cow::Owned(joined(&ticket.matches))),
            "ipmatches" => Some(Cow::Owned(lines(all))),
            "ipjailmatches" => Some(Cow::Owned(lines(here))),
            "ipfailures" => text(failures(all)),
            "ipjailfailures" => text(failures(here)),
            "jail.name" => Some(Cow::Borrowed(jail.as_bytes())),
            "jail.banned" => text(counters.banned.to_string()),
            "jail.banned_total" => text(counters.banned_total.to_string()),
            "jail.found" => text(counters.found.to_string()),
            "jail.found_total" => text(counters.found_total.to_string()),
            "raw-ticket" => text(self.raw()),
            _ => self.capture(tag.strip_prefix("F-")?),
        }
    }

    /// What the filter captured by this name, which is written in capitals; nothing, if it did not.
    fn capture(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let is_of_name = |char: char| {
            char.is_ascii_uppercase() || char.is_ascii_digit() || matches!(char, '_' | '-')
        };
        if name.is_empty() || !name.chars().all(is_of_name) {
            return None;
        }
        let name = match name {
            "ID" => "fid".to_owned(),
            "PORT" => "fport".to_owned(),
            _ => name.to_lowercase(),
        };
        let captured = self.ticket.captures.iter().find(|(it, _)| **it == *name);
        Some(Cow::Borrowed(captured.map_or("", |(_, value)| value).as_bytes()))
    }

    fn raw(&self) -> String {
        let Ticket { id, time, failures, bancount, matches, .. } = self.ticket;
        let matches: Vec<_> =
            matches.iter().map(|line| Quoted(&String::from_utf8_lossy(line)).to_string()).collect();
        format!(
            "BanTicket: ip={id} time={} bantime={} bancount={bancount} #attempts={failures} matches=[{}]",
            epoch(*time),
            self.ticket.seconds(),
            matches.join(", "),
        )
    }
}

fn joined(lines: &[Line]) -> Vec<u8> {
    lines.join(&b'\n')
}

/// Seconds since 1970, with a fraction even where that is zero, as Python prints them.
fn epoch(time: WallTime) -> String {
    let micros = time.as_micros();
    let fraction = format!("{:06}", micros.rem_euclid(1_000_000));
    let fraction = fraction.trim_end_matches('0');
    format!("{}.{}", micros.div_euclid(1_000_000), if fraction.is_empty() { "0" } else { fraction })
}

/// The address as its name in the DNS begins: `1.2.0.192.`, or 32 hexadecimal digits.
fn reversed(ip: Offender) -> String {
    match ip.as_net().addr() {
        IpAddr::V4(v4) => v4.octets().iter().rev().map(|octet| format!("{octet}.")).collect(),
        IpAddr::V6(v6) => {
            let octets = v6.octets();
            let octets = octets.iter().rev();
            octets.map(|octet| format!("{:x}.{:x}.", octet & 15, octet >> 4)).collect()
        }
    }
}
