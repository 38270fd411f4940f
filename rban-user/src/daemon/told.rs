//! What the log hears of a jail's settings as they are set, in fail2ban's lines (spec, jail 15).

use std::fmt::Display;
use std::time::Duration;

use crate::config::JailSpec;
use crate::jail::Increment;
use crate::log::lines;
use crate::said::{Quoted, Said};
use crate::source::Backend;

/// How a jail's lines come to it; it stays so as long as the jail runs.
pub(super) fn backend(spec: &JailSpec) -> [Said; 2] {
    let (uses, initiated) = match &spec.source.backend {
        Backend::Auto | Backend::Pyinotify => ("pyinotify", "pyinotify"),
        Backend::Polling => ("poller", "polling"),
        Backend::Systemd(_) => ("systemd", "systemd"),
    };
    let options = match &spec.source.backend {
        Backend::Systemd(options) => options.as_str(),
        Backend::Auto | Backend::Pyinotify | Backend::Polling => "",
    };
    let options = if options.is_empty() { "{}" } else { options };
    [lines::jail_uses(&spec.name, uses, &options), lines::initiated_backend(initiated)]
}

/// What is set of a jail.
pub(super) fn settings(spec: &JailSpec) -> Vec<Said> {
    let maxlines = u32::try_from(spec.filter.patterns.maxlines.get()).unwrap_or(u32::MAX);
    let policy = &spec.policy;
    let mut said = vec![
        lines::maxlines(maxlines),
        lines::maxretry(policy.maxretry.get()),
        lines::findtime(&policy.findtime.as_secs()),
        lines::bantime(&secs(policy.bantime)),
        lines::encoding(&spec.source.encoding.to_string()),
    ];
    if let Some(increment) = &policy.increment {
        said.extend(growth(increment));
    }
    said
}

/// Options of growing ban times, those that are set.
fn growth(increment: &Increment) -> Vec<Said> {
    let mut said = vec![lines::set_bantime_option("increment", &"True")];
    let mut set = |option, value: &dyn Display| said.push(lines::set_bantime_option(option, value));
    if let Some(most) = increment.maxtime {
        set("maxtime", &most.as_secs());
    }
    if let Some(spread) = increment.rndtime {
        set("rndtime", &spread.as_secs());
    }
    if let Some(formula) = &increment.formula {
        set("formula", &Quoted(&formula.to_string()));
    }
    if increment.overalljails {
        set("overalljails", &"True");
    }
    said
}

/// As fail2ban counts ban times: -1 is for ever.
fn secs(bantime: Option<Duration>) -> i64 {
    bantime.map_or(-1, |bantime| i64::try_from(bantime.as_secs()).unwrap_or(i64::MAX))
}
