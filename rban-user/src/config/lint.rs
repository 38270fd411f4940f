//! What fail2ban never tells: options that nothing reads, patterns that clients can abuse, entries that cover nobody.

use super::error::{Quoted, Text};
use super::jail::JailText;
use super::nearest::nearest;
use super::options;
use super::problem::{Problem, Wrong};
use super::spec::JailSpec;
use crate::detect;

/// Variables of the stock configuration, which jails set whether or not their actions use them.
const VARIABLES: [&str; 14] = [
    "action_",
    "action_abuseipdb",
    "action_blocklist_de",
    "action_mw",
    "action_mwl",
    "action_xarf",
    "banaction",
    "banaction_allports",
    "chain",
    "destemail",
    "mode",
    "port",
    "protocol",
    "sender",
];

/// Options in a jail's section that mean nothing: mostly slips of the pen.
pub(super) fn unread(jail: &JailText) -> Vec<Problem> {
    let known = options::JAIL.iter().map(|it| it.name).chain(VARIABLES).chain(options::OWN);
    let known: Vec<&str> = known.collect();
    let problem = |(option, text): &(String, Text)| {
        let instead = match nearest(option, &known) {
            Some(meant) => format!("write {meant} if that is meant"),
            None => "remove it, or use it as %(name)s".to_owned(),
        };
        Problem { quoted: Quoted::of(option, text), wrong: Wrong::Unread { instead } }
    };
    let is_read = |option: &str| VARIABLES.contains(&option) || options::OWN.contains(&option);
    let meant = |(option, _): &&(String, Text)| !is_read(option);
    jail.unread.iter().filter(meant).map(problem).collect()
}

/// Patterns that do not compile, which fail the jail; and those that had better be written otherwise.
pub(super) fn patterns(jail: &JailText, spec: &JailSpec) -> (Vec<Problem>, Vec<Problem>) {
    let remarks = detect::examine(&spec.filter.patterns).into_iter();
    let (unusable, unwise): (Vec<_>, Vec<_>) =
        remarks.partition(|it| matches!(it.wrong, detect::Wrong::Unusable(_)));
    let problem = |remark: detect::Remark| {
        let place = jail.of_jail_or_filter(remark.option).and_then(|it| it.text.place.clone());
        Problem {
            quoted: Quoted::new(place, remark.option, &remark.pattern),
            wrong: Wrong::Stage(remark.wrong.to_string()),
        }
    };
    (unusable.into_iter().map(problem).collect(), unwise.into_iter().map(problem).collect())
}
