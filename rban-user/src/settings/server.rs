//! What is set of the server as a whole (spec, client 4.2).

use std::time::Duration;

use super::words::{Words, integer, refused, text, wrong};
use crate::config::{self, ServerText, is_level};
use crate::control::value::{Class, Exception, Value};

/// What is set of the server as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// How much is logged: one of fail2ban's words in capitals, or a number.
    pub loglevel: String,
    /// Where to.
    pub logtarget: String,
    /// Where the system's log listens; `auto` = where it usually does.
    pub syslogsocket: String,
    /// Whether there are IPv6 addresses: `auto`, `yes`, `no`.
    pub allowipv6: String,
    /// Where bans are kept; `None` = nowhere.
    pub dbfile: Option<String>,
    /// So many lines of each ban are kept.
    pub dbmaxmatches: usize,
    /// Bans that ended longer ago are forgotten.
    pub dbpurgeage: Duration,
    /// KiB of a thread's stack, for who asks: nothing here depends on it.
    pub stacksize: i64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            loglevel: "INFO".to_owned(),
            logtarget: "STDERR".to_owned(),
            syslogsocket: "auto".to_owned(),
            allowipv6: "auto".to_owned(),
            dbfile: None,
            dbmaxmatches: 10,
            dbpurgeage: Duration::from_secs(86_400),
            stacksize: 0,
        }
    }
}

/// A setting of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// How much is logged.
    Loglevel,
    /// Where to.
    Logtarget,
    /// Where the system's log listens.
    Syslogsocket,
    /// Whether there are IPv6 addresses.
    Allowipv6,
    /// Where bans are kept.
    Dbfile,
    /// How many lines of each.
    Dbmaxmatches,
    /// How long.
    Dbpurgeage,
    /// The stack of threads.
    Thread,
}

impl Part {
    /// All, in the order in which fail2ban sends them.
    pub(super) const ALL: [Self; 8] = [
        Self::Thread,
        Self::Syslogsocket,
        Self::Loglevel,
        Self::Logtarget,
        Self::Allowipv6,
        Self::Dbfile,
        Self::Dbmaxmatches,
        Self::Dbpurgeage,
    ];

    /// Its name in commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Loglevel => "loglevel",
            Self::Logtarget => "logtarget",
            Self::Syslogsocket => "syslogsocket",
            Self::Allowipv6 => "allowipv6",
            Self::Dbfile => "dbfile",
            Self::Dbmaxmatches => "dbmaxmatches",
            Self::Dbpurgeage => "dbpurgeage",
            Self::Thread => "thread",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// Whether there are jails: while there are, bans stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jails {
    None,
    Some,
}

impl Server {
    /// What `fail2ban.conf` says; what makes no sense is as [`Default`] has it, and told of.
    #[must_use]
    pub fn of(written: &ServerText) -> (Self, Vec<Exception>) {
        let (mut server, mut wrong) = (Self::default(), Vec::new());
        for part in Part::ALL {
            let value = match (part, written.value(part.name())) {
                (Part::Thread, _) | (_, None) | (_, Some(config::Value::Nothing)) => continue,
                (_, Some(config::Value::Flag(flag))) => Value::Bool(flag),
                (_, Some(config::Value::Int(number))) => Value::Int(number),
                (_, Some(config::Value::Text(text))) => Value::Text(text),
            };
            let set = server.set(part, Words(&[value]), Jails::None);
            wrong.extend(set.err());
        }
        if let Some(config::Value::Int(kib)) = written.stacksize.as_ref().map(|it| &it.value) {
            server.stacksize = *kib;
        }
        (server, wrong)
    }

    /// What a client is told.
    pub(super) fn get(&self, part: Part) -> Value {
        let has_store = self.dbfile.is_some();
        match part {
            Part::Loglevel => Value::Text(self.loglevel.clone()),
            Part::Logtarget => Value::Text(self.logtarget.clone()),
            Part::Syslogsocket => Value::Text(self.syslogsocket.clone()),
            Part::Allowipv6 => Value::Text(self.allowipv6.clone()),
            Part::Dbfile => self.dbfile.clone().map_or(Value::None, Value::Text),
            Part::Dbmaxmatches | Part::Dbpurgeage if !has_store => Value::None,
            Part::Dbmaxmatches => Value::Int(self.dbmaxmatches as i64),
            Part::Dbpurgeage => seconds(self.dbpurgeage),
            Part::Thread => {
                Value::Dict(vec![(Value::Text("stacksize".into()), Value::Int(self.stacksize))])
            }
        }
    }

    /// Sets one, and says what a client is told.
    pub(super) fn set(
        &mut self,
        part: Part,
        mut words: Words<'_>,
        jails: Jails,
    ) -> Result<Value, Exception> {
        let value = words.next()?;
        match part {
            Part::Loglevel => self.loglevel = level(&text(value)?)?,
            Part::Logtarget => self.logtarget = text(value)?,
            Part::Syslogsocket => self.syslogsocket = text(value)?,
            Part::Allowipv6 => {
                self.allowipv6 = text(value)?;
                return Ok(value.clone());
            }
            Part::Dbfile => self.set_dbfile(value, jails)?,
            // A client sends it where no file says how many; then it stays as it is.
            Part::Dbmaxmatches if *value == Value::None => {}
            Part::Dbmaxmatches => {
                const MATCHES_MAX: i64 = 10_000;
                let matches = integer(value)?;
                if !(0..=MATCHES_MAX).contains(&matches) {
                    return Err(wrong(format!(
                        "dbmaxmatches = {matches}: write a number from 0 to {MATCHES_MAX}"
                    )));
                }
                self.dbmaxmatches = matches as usize;
            }
            Part::Dbpurgeage => {
                let age = config::value::span(&text(value)?);
                self.dbpurgeage = age.map_err(|error| wrong(format!("dbpurgeage = {error}")))?;
            }
            Part::Thread => {
                self.set_thread(value)?;
                return Ok(Value::None);
            }
        }
        Ok(self.get(part))
    }

    fn set_dbfile(&mut self, value: &Value, jails: Jails) -> Result<(), Exception> {
        let file = match value {
            Value::None => None,
            value => Some(text(value)?).filter(|file| !file.eq_ignore_ascii_case("none")),
        };
        if file != self.dbfile && jails == Jails::Some {
            return Err(refused("Cannot change database when there are jails present"));
        }
        self.dbfile = file;
        Ok(())
    }

    fn set_thread(&mut self, value: &Value) -> Result<(), Exception> {
        let Value::Dict(options) = value else {
            return Err(wrong("thread: not a dictionary; write {'stacksize': KIB}"));
        };
        for (name, value) in options {
            let name = text(name)?;
            if name != "stacksize" {
                let args = vec![Value::Text(format!("unknown option '{name}'"))];
                return Err(Exception { class: Class::Key, args });
            }
            self.stacksize = integer(value)?;
        }
        Ok(())
    }
}

fn level(text: &str) -> Result<String, Exception> {
    let level = text.to_uppercase();
    if is_level(&level) { Ok(level) } else { Err(wrong(format!("Invalid log level '{text}'"))) }
}

/// A span as a client is told it: seconds.
pub(super) fn seconds(span: Duration) -> Value {
    match (span.subsec_nanos(), i64::try_from(span.as_secs())) {
        (0, Ok(secs)) => Value::Int(secs),
        _ => Value::Float(span.as_secs_f64()),
    }
}
