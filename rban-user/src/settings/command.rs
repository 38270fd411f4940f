//! What a command asks for, as far as its words tell (spec, client 4).

use std::time::Duration;

use super::server::Part;
use super::words::{Words, list, refused, text, wrong};
use super::{ALL, actions, jail, shown};
use crate::config::value;
use crate::control::value::{Exception, Value};

/// What `version` answers.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One `banip`, `unbanip` or `unban` names no more; a longer list is sent in parts.
const IDS_MAX: usize = 100_000;

/// A client may have the server wait no longer.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// A command that is about what runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `stop`: end the server.
    Quit,
    /// `status`: how many jails there are, and which.
    Status,
    /// `status --all`: and how they are.
    StatusAll(Flavor),
    /// `status J`.
    StatusOf(String, Flavor),
    /// `stats`, `statistic`, `statistics`: every jail in numbers.
    Stats,
    /// `banned`: who is banned, by jail.
    Banned,
    /// `banned IP…`: for each of these, by which jails.
    BannedBy(Vec<String>),
    /// `unban --all`: end all bans, and forget them.
    UnbanAll,
    /// `unban IP…`: end these bans in all jails.
    Unban(Vec<String>),
    /// `flushlogs`: open the log anew.
    Flushlogs,
    /// `config-error TEXT`: tell the log.
    ConfigError(String),
    /// `sleep SECONDS`: answer `None` that much later.
    Sleep(Duration),
    /// `set J banip ID…`: ban these by hand.
    Ban {
        /// The jail.
        jail: String,
        /// Addresses, prefixes, or any other text.
        ids: Vec<String>,
    },
    /// `set J unbanip ID…`: end these bans.
    UnbanIn {
        /// The jail.
        jail: String,
        /// As for [`Ban`](Self::Ban); a prefix or a name means all within.
        ids: Vec<String>,
        /// What to make of those that are not banned.
        absent: Absent,
    },
    /// `set J attempt IP [line…]`: count a failure.
    Attempt {
        /// The jail.
        jail: String,
        /// Who failed.
        id: String,
        /// The lines that tell.
        lines: Vec<String>,
    },
    /// `get J banned`: who is banned, in the order of banning.
    BannedIn(String),
    /// `get J banned ID…`: whether these are; one answer for one, a list for several.
    IsBanned {
        /// The jail.
        jail: String,
        /// Who.
        ids: Vec<String>,
    },
    /// `get J banip`: who is banned, in the order of ends.
    Banip(String, Banip),
    /// `set J action A METHOD [JSON]`: have an action do something now.
    Act {
        /// The jail.
        jail: String,
        /// The action.
        action: String,
        /// `start`, `stop`, `ban`, `unban`, `flush` and the like.
        method: String,
        /// What it is given: a JSON object.
        args: Option<String>,
    },
    /// `reload`: [`Settings::reload`](super::Settings::reload) tells what changes.
    Reload(Reload),
    /// `server-stream`: [`Settings::stream`](super::Settings::stream) tells what changes.
    Stream(Vec<Vec<Value>>),
    /// `rban JSON`: a request of rban's own.
    Rban(String),
}

/// How a status is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// With the list of who is banned.
    Basic,
    /// Without.
    Short,
    /// With the networks and countries of who is banned.
    Cymru,
    /// In numbers only.
    Stats,
    /// Something else was asked for: as [`Basic`](Self::Basic), and the log is warned.
    Unknown,
}

impl Flavor {
    fn of(word: Option<&str>) -> Self {
        match word {
            None | Some("basic") => Self::Basic,
            Some("short") => Self::Short,
            Some("cymru") => Self::Cymru,
            Some("stats") => Self::Stats,
            Some(_) => Self::Unknown,
        }
    }
}

/// What to make of somebody who is to be let go and is not banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Nothing.
    Fine,
    /// An error that names them.
    Reported,
}

/// How bans are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Banip {
    /// A list of ids.
    List,
    /// A text, this between the ids.
    Joined(String),
    /// Each with its start, its length and its end.
    WithTime,
}

/// What is to be read again.
#[derive(Clone, Debug, PartialEq)]
pub struct Reload {
    /// Which jails.
    pub which: Which,
    /// `--unban`: whether their bans end first.
    pub unban: bool,
    /// `--restart`: whether they are stopped first.
    pub restart: bool,
    /// `--if-exists`: whether a jail that is not there is left alone.
    pub if_exists: bool,
    /// What they are to be.
    pub commands: Vec<Vec<Value>>,
}

/// Which jails are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// This one.
    One(String),
}

impl Command {
    /// The jail that has to be there for it.
    pub(super) fn jail(&self) -> Option<&str> {
        match self {
            Self::StatusOf(jail, _)
            | Self::Ban { jail, .. }
            | Self::UnbanIn { jail, .. }
            | Self::Attempt { jail, .. }
            | Self::BannedIn(jail)
            | Self::IsBanned { jail, .. }
            | Self::Banip(jail, _)
            | Self::Act { jail, .. } => Some(jail),
            _ => None,
        }
    }
}

/// What the words of a command come to.
pub(super) enum Asked<'a> {
    /// Always the same answer.
    Answer(Value),
    Command(Command),
    GetServer(Part),
    SetServer(Part, Words<'a>),
    Get(String, String, Words<'a>),
    Edit(String, Edit<'a>),
    Add(String, String),
    Remove(String),
    RemoveAll,
}

/// What is to be changed of a jail.
pub(super) enum Edit<'a> {
    /// `set J KEY …`
    Set(String, Words<'a>),
    /// `multi-set J KEY …`
    SetMany(String, Words<'a>),
    /// `start J`
    Start,
}

impl<'a> Asked<'a> {
    /// The words behind the first.
    pub(super) fn of(verb: &str, mut words: Words<'a>) -> Result<Self, Exception> {
        Ok(match verb {
            "set" => Self::set(words)?,
            "multi-set" => {
                let (jail, key) = (words.text()?, words.text()?);
                Self::Edit(jail, Edit::SetMany(key, words))
            }
            "get" => Self::get(words)?,
            "add" => {
                let name = words.text()?;
                let backend = words.more()?.unwrap_or_else(|| "auto".to_owned());
                Self::Add(name, backend)
            }
            "start" => Self::Edit(words.text()?, Edit::Start),
            "stop" => match words.more()?.as_deref() {
                None => Self::Command(Command::Quit),
                Some(ALL) => Self::RemoveAll,
                Some(jail) => Self::Remove(jail.to_owned()),
            },
            "ping" => Self::Answer(Value::Text("pong".to_owned())),
            "version" => Self::Answer(Value::Text(VERSION.to_owned())),
            "server-status" => Self::Answer(Value::Text("Server ready".to_owned())),
            "echo" => Self::Answer(Value::List(words.0.to_vec())),
            _ => Self::Command(of_what_runs(verb, words)?),
        })
    }

    fn set(mut words: Words<'a>) -> Result<Self, Exception> {
        let first = words.text()?;
        if let Some(part) = Part::named(&first) {
            return Ok(Self::SetServer(part, words));
        }
        let (jail, key) = (first, words.text()?);
        Ok(match key.as_str() {
            "banip" => Self::Command(Command::Ban { jail, ids: ids(words)? }),
            "unbanip" => {
                let mut ids = ids(words)?;
                let flag = ids.iter().position(|word| word == "--report-absent");
                let absent = match flag {
                    Some(at) => {
                        ids.remove(at);
                        Absent::Reported
                    }
                    None => Absent::Fine,
                };
                Self::Command(Command::UnbanIn { jail, ids, absent })
            }
            "attempt" => {
                let id = words.text()?;
                Self::Command(Command::Attempt { jail, id, lines: words.rest()? })
            }
            "action" => match method(jail.clone(), words)? {
                Some(command) => Self::Command(command),
                None => Self::Edit(jail, Edit::Set(key, words)),
            },
            _ => {
                jail::check_key(&key)?;
                Self::Edit(jail, Edit::Set(key, words))
            }
        })
    }

    fn get(mut words: Words<'a>) -> Result<Self, Exception> {
        let first = words.text()?;
        if let Some(part) = Part::named(&first).filter(|part| *part != Part::Allowipv6) {
            return Ok(Self::GetServer(part));
        }
        let (jail, key) = (first, words.text()?);
        Ok(match key.as_str() {
            "banned" if words.0.is_empty() => Self::Command(Command::BannedIn(jail)),
            "banned" => Self::Command(Command::IsBanned { jail, ids: ids(words)? }),
            "banip" => {
                let how = match words.more()? {
                    None => Banip::List,
                    Some(word) if word == "--with-time" => Banip::WithTime,
                    Some(between) => Banip::Joined(between),
                };
                Self::Command(Command::Banip(jail, how))
            }
            _ => {
                shown::check_key(&key)?;
                Self::Get(jail, key, words)
            }
        })
    }
}

fn method(jail: String, mut words: Words<'_>) -> Result<Option<Command>, Exception> {
    let (action, method) = (words.text()?, words.text()?);
    if !actions::METHODS.contains(&method.as_str()) {
        return Ok(None);
    }
    Ok(Some(Command::Act { jail, action, method, args: words.more()? }))
}

fn of_what_runs(verb: &str, mut words: Words<'_>) -> Result<Command, Exception> {
    Ok(match verb {
        "status" => match words.more()?.as_deref() {
            None => Command::Status,
            Some(ALL) => Command::StatusAll(Flavor::of(words.more()?.as_deref())),
            Some(jail) => Command::StatusOf(jail.into(), Flavor::of(words.more()?.as_deref())),
        },
        "stats" | "statistic" | "statistics" => Command::Stats,
        "banned" if words.0.is_empty() => Command::Banned,
        "banned" => Command::BannedBy(ids(words)?),
        "unban" => match ids(words)?.as_slice() {
            [] => return Err(refused("Invalid command")),
            [all] if all == ALL => Command::UnbanAll,
            ids => Command::Unban(ids.to_vec()),
        },
        "flushlogs" => Command::Flushlogs,
        "config-error" => Command::ConfigError(words.text()?),
        "sleep" => {
            let span = value::span(&words.text()?).map_err(|error| wrong(error.to_string()))?;
            Command::Sleep(span.min(SLEEP_MAX))
        }
        "reload" => Command::Reload(reload(words)?),
        "server-stream" => Command::Stream(commands(words.list()?)?),
        // As long as a message may be: it names thousands of addresses.
        "rban" => Command::Rban(words.whole()?),
        _ => return Err(refused("Invalid command")),
    })
}

fn reload(mut words: Words<'_>) -> Result<Reload, Exception> {
    let which = match words.text()?.as_str() {
        ALL => Which::All,
        jail => Which::One(jail.to_owned()),
    };
    let options: Vec<String> = words.list()?.iter().map(text).collect::<Result<_, _>>()?;
    let has = |option: &str| options.iter().any(|it| it == option);
    let commands = commands(words.list()?)?;
    let (unban, restart, if_exists) = (has("--unban"), has("--restart"), has("--if-exists"));
    Ok(Reload { which, unban, restart, if_exists, commands })
}

fn commands(values: &[Value]) -> Result<Vec<Vec<Value>>, Exception> {
    values.iter().map(|command| list(command).map(<[Value]>::to_vec)).collect()
}

fn ids(words: Words<'_>) -> Result<Vec<String>, Exception> {
    if words.0.len() > IDS_MAX {
        let found = words.0.len();
        return Err(wrong(format!(
            "{found} at a time; write at most {IDS_MAX}, and the rest again"
        )));
    }
    words.rest()
}
