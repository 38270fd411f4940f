//! Of bans and what is done about them.

use std::fmt::{self, Display};

use jiff::tz::TimeZone;

use super::{SaidId, in_jail, moment};
use crate::clock::WallTime;
use crate::log::duration::Readable;
use crate::said::{Level, Said};

const ACTIONS: &str = "actions";
const OBSERVER: &str = "observer";

fn notice(jail: &str, what: fmt::Arguments<'_>) -> Said {
    in_jail(ACTIONS, Level::Notice, jail, what)
}

/// A ban begins. fail2ban's filter `recidive` counts these.
pub(crate) fn ban(jail: &str, id: &dyn Display) -> Said {
    notice(jail, format_args!("Ban {}", SaidId(id)))
}

/// A ban of before the start goes on.
pub(crate) fn restore_ban(jail: &str, id: &dyn Display) -> Said {
    notice(jail, format_args!("Restore Ban {}", SaidId(id)))
}

/// A ban ended, or was lifted.
pub(crate) fn unban(jail: &str, id: &dyn Display) -> Said {
    notice(jail, format_args!("Unban {}", SaidId(id)))
}

/// A ban is taken back as its jail stops; it is restored when the jail starts again.
pub(crate) fn repeal_ban(jail: &str, id: &dyn Display) -> Said {
    notice(jail, format_args!("Repeal Ban {}", SaidId(id)))
}

/// A banned id fails again: the later after its ban, the more it says that the ban does not work, and the higher the
/// level.
pub(crate) fn already_banned(jail: &str, id: &dyn Display, level: Level) -> Said {
    in_jail(ACTIONS, level, jail, format_args!("{} already banned", SaidId(id)))
}

/// A ban would have ended already.
pub(crate) fn expired(jail: &str, id: &dyn Display) -> Said {
    in_jail(ACTIONS, Level::Info, jail, format_args!("Ignore {}, expired bantime", SaidId(id)))
}

/// Somebody asked to unban who is not banned.
pub(crate) fn not_banned(id: &dyn Display) -> Said {
    Said::new(ACTIONS, Level::Msg, format!("{} is not banned", SaidId(id)))
}

/// `bantime` is set, in seconds.
pub(crate) fn bantime(secs: &dyn Display) -> Said {
    Said::new(ACTIONS, Level::Info, format!("  banTime: {secs}"))
}

/// A known offender failed, and needs fewer failures than others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bad {
    /// When.
    pub(crate) at: WallTime,
    /// How often it was banned before.
    pub(crate) count: u32,
    /// As how many failures this one counts.
    pub(crate) weight: Weight,
    pub(crate) leads_to: LeadsTo,
}

/// As how many failures one counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Weight {
    /// As reckoned: told with a decimal.
    Reckoned(f64),
    /// `maxretry`, which is less: told as it is.
    Capped(u32),
}

/// What a known offender's failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeadsTo {
    Nothing,
    Ban,
}

/// A known offender failed.
pub(crate) fn found_bad(jail: &str, id: &dyn Display, bad: &Bad, zone: &TimeZone) -> Said {
    let (at, count) = (moment(bad.at, zone), bad.count);
    let weight = match bad.weight {
        Weight::Reckoned(weight) => format!("{weight:?}"),
        Weight::Capped(weight) => weight.to_string(),
    };
    let ban = if bad.leads_to == LeadsTo::Ban { ", Ban" } else { "" };
    in_jail(
        OBSERVER,
        Level::Info,
        jail,
        format_args!("Found {}, bad - {at}, {count} # -> {weight}{ban}", SaidId(id)),
    )
}

/// A known offender's ban will be longer.
pub(crate) fn is_bad(
    jail: &str,
    id: &dyn Display,
    count: u32,
    last: WallTime,
    from_secs: f64,
    to_secs: f64,
    zone: &TimeZone,
) -> Said {
    let (last, from, to) = (moment(last, zone), Readable(from_secs), Readable(to_secs));
    in_jail(
        OBSERVER,
        Level::Info,
        jail,
        format_args!("IP {} is bad: {count} # last {last} - incr {from} to {to}", SaidId(id)),
    )
}

/// A ban is longer, its n-th. Neither seconds nor an end: it is for ever.
pub(crate) fn increase_ban(
    jail: &str,
    id: &dyn Display,
    nth: u32,
    longer: Option<(f64, WallTime)>,
    zone: &TimeZone,
) -> Said {
    let (duration, end) = match longer {
        Some((secs, until)) => (Readable(secs).to_string(), moment(until, zone)),
        None => ("permanent".to_owned(), "infinite".to_owned()),
    };
    let what = format_args!("Increase Ban {} ({nth} # {duration} -> {end})", SaidId(id));
    in_jail(OBSERVER, Level::Notice, jail, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: WallTime = WallTime::from_secs(1_795_245_803);

    #[track_caller]
    fn check(said: &Said, logger: &str, level: Level, text: &str) {
        assert_eq!((said.logger, said.level, said.text.as_str()), (logger, level, text));
    }

    #[test]
    fn growing_bans_as_the_specification_has_them() {
        let id = &"192.0.2.1";
        let said = increase_ban("j", id, 2, Some((12.0, AT)), &TimeZone::UTC);
        let text = "[j] Increase Ban 192.0.2.1 (2 # 12s -> 2026-11-21 07:23:23)";
        check(&said, "observer", Level::Notice, text);
        let said = increase_ban("j", id, 2, None, &TimeZone::UTC);
        let text = "[j] Increase Ban 192.0.2.1 (2 # permanent -> infinite)";
        check(&said, "observer", Level::Notice, text);
        let said = is_bad("j", id, 1, AT, 6.0, 12.0, &TimeZone::UTC);
        let text = "[j] IP 192.0.2.1 is bad: 1 # last 2026-11-21 07:23:23 - incr 6s to 12s";
        check(&said, "observer", Level::Info, text);
    }

    #[test]
    fn a_weight_has_a_decimal_unless_it_is_maxretry() {
        let said = |weight, leads_to| {
            let bad = Bad { at: AT, count: 1, weight, leads_to };
            found_bad("j", &"192.0.2.1", &bad, &TimeZone::UTC)
        };
        let text = "[j] Found 192.0.2.1, bad - 2026-11-21 07:23:23, 1 # -> 2.0, Ban";
        check(&said(Weight::Reckoned(2.0), LeadsTo::Ban), "observer", Level::Info, text);
        let text = "[j] Found 192.0.2.1, bad - 2026-11-21 07:23:23, 1 # -> 3";
        check(&said(Weight::Capped(3), LeadsTo::Nothing), "observer", Level::Info, text);
    }
}
