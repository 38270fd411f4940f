//! Whose failures do not count: `ignoreself`, `ignoreip`, `ignorecommand`, `ignorecache` (spec, filter 8.2).
//!
//! In: a failure, the time, and what others found out: own addresses, whom names belong to, what files say. Out:
//! whether it counts, or what has to be known first. Asks nobody itself.

mod cache;
mod command;
mod entry;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use cache::Cache;
pub use cache::Spec as CacheSpec;
pub(super) use command::Asker;
pub use command::{Command, Template, UnknownYet};
pub use entry::{Entry, Listed, NotAnEntry, entries};
use ipnet::IpNet;

use super::nets::Nets;
use crate::addr::HostName;
use crate::clock::MonoTime;

/// A file is looked at again after this (spec, filter 8.2).
const FILE_GOOD: Duration = Duration::from_secs(1);

/// A name is looked up again after this (spec, filter 8.1).
const NAME_GOOD: Duration = Duration::from_secs(300);

/// What could not be found out is tried again after this (spec, filter 8.2).
const RETRY: Duration = Duration::from_secs(60);

/// What configuration asks to be let off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Whether this host is.
    pub ignoreself: bool,
    /// Who is.
    pub ignoreip: Vec<Entry>,
    /// A command that tells who is: exit code 0 = this one, 1 = not this one.
    pub ignorecommand: Option<Template>,
    /// What is remembered of such decisions.
    pub ignorecache: Option<CacheSpec>,
}

impl Default for Spec {
    fn default() -> Self {
        Self { ignoreself: true, ignoreip: Vec::new(), ignorecommand: None, ignorecache: None }
    }
}

/// Why a failure does not count. Prints as fail2ban's log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It is this host, or a gateway or resolver of it.
    Ignoreself,
    /// The same, though `ignoreself` is off: to ban them would cut the host off.
    Lockout,
    /// An address or prefix of `ignoreip`.
    Ip,
    /// A name of `ignoreip`.
    Dns,
    /// A file of `ignoreip`.
    File(PathBuf),
    /// `ignorecommand`.
    Command,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignoreself => f.write_str("ignoreself rule"),
            Self::Lockout => f.write_str("lockout guard"),
            Self::Ip => f.write_str("ip"),
            Self::Dns => f.write_str("dns"),
            Self::File(path) if path.is_absolute() => write!(f, "file:/{}", path.display()),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Command => f.write_str("command"),
        }
    }
}

/// Whether a failure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It does.
    Counts,
    /// It does not.
    LetOff,
}

/// Whether a failure counts, and by what rule; or what has to be known first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Counts,
    /// By this rule; `None` = by one that was told of before.
    LetOff(Option<Rule>),
    /// Whom a name belongs to, or what a file says, is being found out.
    Waits,
    /// This command tells.
    Asks(Command),
}

/// Something about whom to let off that has to be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which one it is, in its jail.
    pub number: usize,
    /// What it is.
    pub about: About,
}

/// What has to be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The addresses of a host.
    Name(HostName),
    /// Who stands in a file.
    File(PathBuf),
}

/// What was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// These.
    Nets(Vec<IpNet>),
    /// The same as the last time.
    Same,
    /// Nothing: it stays as it was.
    Nothing,
}

/// The rules of one jail, and what is known of whom they mean.
#[derive(Debug)]
pub(super) struct Ignore {
    spec: Spec,
    /// This host and what it cannot do without.
    own: Nets,
    /// The single addresses of `ignoreip`; its other entries are asked after them all.
    singles: HashSet<IpAddr>,
    /// All addresses and prefixes of `ignoreip`.
    listed: Nets,
    others: Vec<Other>,
    /// The number of the first of the others: rules that took the place of earlier ones mistake no late answer to
    /// those for one of theirs.
    first: usize,
    cache: Option<Cache>,
}

#[derive(Debug)]
enum Other {
    /// Prefixes that stand side by side.
    Nets(Nets),
    Fact(Fact),
}

/// What is known of a name or a file.
#[derive(Debug)]
struct Fact {
    about: About,
    nets: Nets,
    /// Whether it is being found out.
    asked: bool,
    /// When it is to be found out again.
    due: MonoTime,
}

impl Ignore {
    pub(super) fn new(spec: Spec) -> Self {
        let (mut singles, mut others, mut nets) = (HashSet::new(), Vec::new(), Vec::new());
        let listed = spec.ignoreip.iter().filter_map(|entry| match entry {
            Entry::Net(net) => Some(net.as_net()),
            _ => None,
        });
        let listed = Nets::new(listed);
        for entry in spec.ignoreip.iter().cloned() {
            let about = match entry {
                Entry::Net(net) => {
                    match net.as_addr() {
                        Some(addr) => drop(singles.insert(addr)),
                        None => nets.push(net.as_net()),
                    }
                    continue;
                }
                Entry::Name(name) => About::Name(name),
                Entry::File(path) => About::File(path),
            };
            others.push(Other::Nets(Nets::new(std::mem::take(&mut nets))));
            let due = MonoTime::from_nanos(0);
            others.push(Other::Fact(Fact { about, nets: Nets::default(), asked: false, due }));
        }
        others.push(Other::Nets(Nets::new(nets)));
        let cache = spec.ignorecache.clone().map(Cache::new);
        Self { spec, own: Nets::default(), singles, listed, others, first: 0, cache }
    }

    /// Obeys another configuration from now on, and keeps what is known that concerns it as well.
    pub(super) fn change(&mut self, spec: Spec) {
        if spec == self.spec {
            return;
        }
        let old = std::mem::replace(self, Self::new(spec));
        self.own = old.own;
        self.first = old.first + old.others.len();
        for other in &mut self.others {
            let Other::Fact(fact) = other else { continue };
            let known = old.others.iter().find_map(|other| match other {
                Other::Fact(known) if known.about == fact.about => Some(known),
                _ => None,
            });
            if let Some(known) = known {
                fact.nets = known.nets.clone();
            }
        }
    }

    /// Whether a ban of this prefix would meet somebody who is let off, as far as that is known.
    pub(super) fn is_touched_by(&self, prefix: IpNet) -> bool {
        let of_fact = |other: &Other| match other {
            Other::Nets(_) => false,
            Other::Fact(fact) => fact.nets.touches(prefix),
        };
        self.own.touches(prefix) || self.listed.touches(prefix) || self.others.iter().any(of_fact)
    }

    /// This host and what it cannot do without, from now on.
    pub(super) fn let_off(&mut self, own: impl IntoIterator<Item = IpNet>) {
        self.own = Nets::new(own);
    }

    /// What is to be found out now, and is not already.
    pub(super) fn questions(&mut self, now: MonoTime) -> Vec<Question> {
        let mut questions = Vec::new();
        for (number, other) in self.others.iter_mut().enumerate() {
            if let Other::Fact(fact) = other
                && !fact.asked
                && fact.due <= now
            {
                fact.asked = true;
                questions.push(Question { number: self.first + number, about: fact.about.clone() });
            }
        }
        questions
    }

    /// What was found out.
    pub(super) fn learn(&mut self, number: usize, found: Found, now: MonoTime) {
        let index = number.checked_sub(self.first);
        let other = index.and_then(|index| self.others.get_mut(index));
        let Some(Other::Fact(fact)) = other else { return };
        let good = match &fact.about {
            About::Name(_) => NAME_GOOD,
            About::File(_) => FILE_GOOD,
        };
        fact.asked = false;
        fact.due = now.saturating_add(if found == Found::Nothing { RETRY } else { good });
        if let Found::Nets(nets) = found {
            fact.nets = Nets::new(nets);
        }
    }

    /// Whether this failure counts.
    pub(super) fn judge(&mut self, asker: &Asker<'_>, now: MonoTime) -> Decision {
        let offender = asker.failure.id.net();
        let key = self.cache.as_ref().map(|cache| cache.key(asker));
        let cached = key.as_ref().and_then(|key| self.cache.as_mut()?.find(key, now));
        let addr = offender.and_then(|offender| offender.as_addr());
        let single = addr.is_some_and(|addr| self.singles.contains(&addr));
        let own = offender.is_some_and(|offender| self.own.covers(&offender));
        let decision = match cached {
            Some(Answer::LetOff) => return Decision::LetOff(None),
            _ if own && self.spec.ignoreself => Decision::LetOff(Some(Rule::Ignoreself)),
            _ if own => Decision::LetOff(Some(Rule::Lockout)),
            Some(Answer::Counts) => return Decision::Counts,
            None if single => return Decision::LetOff(Some(Rule::Ip)),
            None => self.ask_others(asker),
        };
        match &decision {
            Decision::Counts => self.keep(key, Answer::Counts, now),
            Decision::LetOff(_) => self.keep(key, Answer::LetOff, now),
            Decision::Waits | Decision::Asks(_) => {}
        }
        decision
    }

    /// What the command said of this failure.
    pub(super) fn settle(&mut self, asker: &Asker<'_>, answer: Answer, now: MonoTime) -> Decision {
        let key = self.cache.as_ref().map(|cache| cache.key(asker));
        self.keep(key, answer, now);
        match answer {
            Answer::Counts => Decision::Counts,
            Answer::LetOff => Decision::LetOff(Some(Rule::Command)),
        }
    }

    fn ask_others(&self, asker: &Asker<'_>) -> Decision {
        let offender = asker.failure.id.net();
        for other in &self.others {
            let (nets, rule) = match other {
                Other::Nets(nets) => (nets, Rule::Ip),
                Other::Fact(fact) if fact.asked => return Decision::Waits,
                Other::Fact(fact) => match &fact.about {
                    About::Name(_) => (&fact.nets, Rule::Dns),
                    About::File(path) => (&fact.nets, Rule::File(path.clone())),
                },
            };
            if offender.is_some_and(|offender| nets.covers(&offender)) {
                return Decision::LetOff(Some(rule));
            }
        }
        match &self.spec.ignorecommand {
            Some(template) => Decision::Asks(template.command(asker)),
            None => Decision::Counts,
        }
    }

    fn keep(&mut self, key: Option<String>, answer: Answer, now: MonoTime) {
        if let (Some(cache), Some(key)) = (&mut self.cache, key) {
            cache.keep(key, answer, now);
        }
    }
}
