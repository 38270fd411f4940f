//! Who is banned, and that somebody shall be, or no longer (spec, client 4.2 and 4.5, jail 6).

use std::collections::HashSet;

use jiff::tz::TimeZone;

use super::{Control, refused};
use crate::addr::Offender;
use crate::clock::WallTime;
use crate::control::value::{Answer, Class, Exception, Value};
use crate::daemon::memory;
use crate::daemon::wiring::{Order, ToEnforcer, ToJail};
use crate::event::{Ban, Id, Line};
use crate::log::lines;
use crate::settings::{Absent, Banip};
use crate::store::Write;

/// The end of a ban that has none, which is told as the last second of all.
const NEVER: WallTime = WallTime::from_micros(i64::MAX);

impl Control {
    /// `set J banip ID…`
    pub(super) async fn ban_in(&self, jail: &str, ids: &[String]) -> Answer {
        let ids = parsed(ids);
        Ok(count(self.ask_running(jail, |reply| ToJail::Ban(ids, reply)).await?))
    }

    /// `set J unbanip ID…`
    pub(super) async fn unban_in(&self, jail: &str, ids: &[String], absent: Absent) -> Answer {
        if ids.is_empty() && absent == Absent::Fine {
            return Err(Exception::new(Class::Index, "list index out of range"));
        }
        let asked = parsed(ids);
        let ended = self.ask_running(jail, |reply| ToJail::Unban(asked, reply)).await?;
        let missing = ids.iter().zip(&ended).filter(|(_, ended)| **ended == 0);
        let missing: Vec<Value> = missing.map(|(id, _)| Value::Text(id.clone())).collect();
        if absent == Absent::Reported && !missing.is_empty() {
            let text = format!("not banned: {}", super::python::list(&missing));
            return Err(Exception::new(Class::Value, text));
        }
        Ok(count(ended.iter().sum()))
    }

    /// `unban IP…`: in all jails, and where no jail banned.
    pub(super) async fn unban(&self, ids: &[String]) -> Answer {
        let asked = parsed(ids);
        let mut ended = vec![0; asked.len()];
        for jail in self.names() {
            let asked = asked.clone();
            let of_jail = self.ask(&jail, |reply| ToJail::Unban(asked, reply)).await;
            for (ended, more) in ended.iter_mut().zip(of_jail.unwrap_or_default()) {
                *ended += more;
            }
        }
        let nets: Vec<Offender> = asked.iter().filter_map(Id::net).collect();
        let lifted = self.lift(|reply| ToEnforcer::Lift(nets, reply)).await?;
        self.remember(lifted.iter().map(memory::not_by_hand).collect()).await;
        // The enforcer has heard of the jails' by now; what it still had was banned by hand, or by an earlier run.
        let of_jails = asked.iter().zip(&ended).filter(|(_, ended)| **ended > 0);
        let of_jails: HashSet<Offender> = of_jails.filter_map(|(id, _)| id.net()).collect();
        let by_hand = lifted.iter().filter(|net| !of_jails.contains(*net)).count();
        Ok(count(ended.iter().sum::<usize>() + by_hand))
    }

    /// `unban --all`
    pub(super) async fn unban_all(&self) -> Answer {
        let mut ended = 0;
        for jail in self.names() {
            ended += self.ask(&jail, ToJail::UnbanAll).await.unwrap_or_default();
        }
        let lifted = self.lift(|reply| ToEnforcer::LiftAll(Some(reply))).await?;
        self.remember(vec![Write::ForgetJail(None)]).await;
        Ok(count(ended + lifted.len()))
    }

    async fn lift(
        &self,
        question: impl FnOnce(Lifting) -> ToEnforcer,
    ) -> Result<Vec<Offender>, Exception> {
        let lifted = self.ask_enforcer(question).await;
        lifted.and_then(|lifted| lifted).map_err(refused)
    }

    /// `set J attempt IP [line…]`
    pub(super) async fn attempt(&self, jail: &str, id: &str, lines: Vec<String>) -> Answer {
        let lines = lines.into_iter().map(Line::from).collect();
        let attempt = |reply| ToJail::Attempt(id.into(), lines, reply);
        Ok(Value::Int(self.ask_running(jail, attempt).await?.into()))
    }

    /// `banned`
    pub(super) async fn banned(&self) -> Value {
        let mut jails = Vec::new();
        for jail in self.names() {
            let name = Value::Text(jail.to_string());
            jails.push(Value::Dict(vec![(name, self.banned_in(&jail).await)]));
        }
        Value::List(jails)
    }

    /// `banned IP…`
    pub(super) async fn banned_by(&self, ids: &[String]) -> Value {
        let mut jails_of = vec![Vec::new(); ids.len()];
        for jail in self.names() {
            let are_banned = self.are_banned(&jail, ids).await;
            for (jails, is_banned) in jails_of.iter_mut().zip(are_banned) {
                if is_banned {
                    jails.push(Value::Text(jail.to_string()));
                }
            }
        }
        Value::List(jails_of.into_iter().map(Value::List).collect())
    }

    /// `get J banned`
    pub(super) async fn banned_in(&self, jail: &str) -> Value {
        ids(&self.bans(jail, Order::Begun).await)
    }

    /// `get J banned ID…`
    pub(super) async fn is_banned(&self, jail: &str, ids: &[String]) -> Value {
        let are_banned = self.are_banned(jail, ids).await;
        let mut answers: Vec<Value> =
            are_banned.into_iter().map(|it| Value::Int(it.into())).collect();
        if answers.len() == 1 { answers.remove(0) } else { Value::List(answers) }
    }

    async fn are_banned(&self, jail: &str, ids: &[String]) -> Vec<bool> {
        let asked = parsed(ids);
        let answer = self.ask(jail, |reply| ToJail::AreBanned(asked, reply)).await;
        answer.unwrap_or_else(|| vec![false; ids.len()])
    }

    /// `get J banip`; the client puts the separator between.
    pub(super) async fn banip(&self, jail: &str, how: &Banip) -> Value {
        let bans = self.bans(jail, Order::Ending).await;
        match how {
            Banip::List | Banip::Joined(_) => ids(&bans),
            Banip::WithTime => {
                let zone = TimeZone::system();
                Value::List(bans.iter().map(|ban| Value::Text(with_time(ban, &zone))).collect())
            }
        }
    }

    /// Those of a jail that does not run are none.
    pub(super) async fn bans(&self, jail: &str, order: Order) -> Vec<Ban> {
        self.ask(jail, |reply| ToJail::Bans(order, reply)).await.unwrap_or_default()
    }
}

/// Where the enforcer says what it lifted.
type Lifting = tokio::sync::oneshot::Sender<Result<Vec<Offender>, String>>;

fn parsed(ids: &[String]) -> Vec<Id> {
    ids.iter().map(|id| Id::from(id.as_str())).collect()
}

/// Bans as a list of who they are of.
pub(super) fn ids(bans: &[Ban]) -> Value {
    Value::List(bans.iter().map(|ban| Value::Text(ban.id.to_string())).collect())
}

fn count(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn with_time(ban: &Ban, zone: &TimeZone) -> String {
    let secs = match ban.until {
        Some(until) => until.since(ban.since).as_secs().to_string(),
        None => "-1".to_owned(),
    };
    let since = lines::moment(ban.since, zone);
    let until = lines::moment(ban.until.unwrap_or(NEVER), zone);
    format!("{} \t{since} + {secs} = {until}", ban.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(until: Option<WallTime>, expected: &str) {
        let since = WallTime::from_secs(1_795_245_877);
        let ban = Ban::by_hand(None, "192.0.2.5".into(), since, until);
        assert_eq!(with_time(&ban, &TimeZone::UTC), expected);
    }

    #[test]
    fn bans_are_told_with_their_times() {
        let until = WallTime::from_secs(1_795_249_477);
        check(Some(until), "192.0.2.5 \t2026-11-21 07:24:37 + 3600 = 2026-11-21 08:24:37");
        check(None, "192.0.2.5 \t2026-11-21 07:24:37 + -1 = 9999-12-31 23:59:59");
    }
}
