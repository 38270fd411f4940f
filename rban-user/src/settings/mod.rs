//! What is set, by files and by fail2ban's commands (spec, client 4).
//!
//! In: commands as lists of words. Out: what a client is told, and what has changed, so that the daemon makes what runs
//! match it; or what is to be done, where a command is not about settings. Pure: whether a file is there is asked of the
//! caller, and nothing is done here.
//!
//! A command is obeyed wholly or not at all, and so is a reload.

mod actions;
mod command;
mod diff;
mod jail;
mod patterns;
mod reload;
mod server;
mod shown;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use command::{Absent, Banip, Command, Flavor, Reload, Which};
use command::{Asked, Edit};
pub use diff::{Change, What, diff};
pub use jail::Entry;
use jail::Reply;
pub use reload::{Note, Reloaded};
pub use server::{Part, Server};
use words::{Words, refused, wrong};

use crate::config::{Config, JailSpec, Services};
use crate::control::value::{Class, Exception, Value};
use crate::event::JailName;

/// There are no more jails.
const JAILS_MAX: usize = 1_000;

/// A jail's name is no longer.
const NAME_MAX_BYTES: usize = 255;

/// Not a jail's name, since commands say it for all jails.
const ALL: &str = "--all";

/// Whether a file is there.
pub type Exists<'a> = &'a dyn Fn(&Path) -> bool;

/// All that is set.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Of the server as a whole.
    pub server: Server,
    jails: BTreeMap<JailName, Entry>,
    services: Arc<Services>,
}

/// What comes of a command.
#[derive(Debug)]
pub enum Outcome {
    /// It has been obeyed.
    Done(Done),
    /// It is not about settings.
    Command(Command),
}

/// What came of a command about settings.
#[derive(Debug)]
pub struct Done {
    /// What the client is told.
    pub answer: Value,
    /// What is not as before.
    pub changes: Vec<Change>,
    /// What the log is told.
    pub notes: Vec<Note>,
}

impl Done {
    fn answer(answer: Value) -> Self {
        Self { answer, changes: Vec::new(), notes: Vec::new() }
    }
}

impl Settings {
    /// Nothing set yet. `services` is the text of `/etc/services`.
    #[must_use]
    pub fn new(services: &str) -> Self {
        Self { services: Arc::new(Services::parse(services)), ..Self::default() }
    }

    /// What a directory of configuration says; its jails count as started. What makes no sense of `fail2ban.conf` is
    /// left out, and returned.
    #[must_use]
    pub fn of_config(config: &Config, services: &str) -> (Self, Vec<Exception>) {
        let mut settings = Self::new(services);
        let (server, wrong) = Server::of(&config.server);
        settings.server = server;
        for (spec, text) in config.jails.iter().zip(&config.texts) {
            let entry = Entry::of_config(spec.clone(), text.clone(), &settings.services);
            settings.jails.insert(spec.name.clone(), entry);
        }
        (settings, wrong)
    }

    /// The jails, in the order of their names.
    pub fn jails(&self) -> impl Iterator<Item = (&JailName, &Entry)> {
        self.jails.iter()
    }

    /// A jail's description.
    #[must_use]
    pub fn spec(&self, jail: &str) -> Option<&JailSpec> {
        self.jails.get(jail).map(|entry| &entry.spec)
    }

    /// Obeys a command, or says what is to be done for it.
    ///
    /// # Errors
    /// What the client is told in that case; nothing has changed then.
    pub fn apply(&mut self, command: &[Value], exists: Exists<'_>) -> Result<Outcome, Exception> {
        let mut words = Words(command);
        let done = match Asked::of(&words.text()?, words)? {
            Asked::Answer(answer) => Done::answer(answer),
            Asked::Command(command) => {
                self.allow(&command)?;
                return Ok(Outcome::Command(command));
            }
            Asked::GetServer(part) => Done::answer(self.server.get(part)),
            Asked::SetServer(part, words) => self.set_server(part, words)?,
            Asked::Get(jail, key, words) => Done::answer(self.entry(&jail)?.get(&key, words)?),
            Asked::Edit(jail, edit) => self.edit(&jail, &edit, exists)?,
            Asked::Add(jail, backend) => self.add(&jail, &backend)?,
            Asked::Remove(jail) => self.remove(&jail)?,
            Asked::RemoveAll => self.remove_all(),
        };
        Ok(Outcome::Done(done))
    }

    /// Whether what a command names is there.
    fn allow(&self, command: &Command) -> Result<(), Exception> {
        let Some(jail) = command.jail() else { return Ok(()) };
        let entry = self.entry(jail)?;
        match command {
            Command::Act { action, .. } => actions::known(&entry.text, action).map(drop),
            _ => Ok(()),
        }
    }

    fn entry(&self, jail: &str) -> Result<&Entry, Exception> {
        self.jails.get(jail).ok_or_else(|| Exception::new(Class::UnknownJail, jail))
    }

    fn set_server(&mut self, part: Part, words: Words<'_>) -> Result<Done, Exception> {
        let before = self.server.clone();
        let jails = if self.jails.is_empty() { server::Jails::None } else { server::Jails::Some };
        let answer = self.server.set(part, words, jails)?;
        let is_changed = self.server != before;
        let changes = is_changed.then_some(Change::Server(part)).into_iter().collect();
        Ok(Done { answer, changes, notes: Vec::new() })
    }

    fn edit(&mut self, jail: &str, edit: &Edit<'_>, exists: Exists<'_>) -> Result<Done, Exception> {
        let old = self.entry(jail)?;
        let mut entry = old.clone();
        let reply = entry.edit(edit, exists)?;
        let mut notes = entry.rebuild(&self.services)?;
        entry.check(Some(&old.spec))?;
        let answer = match reply {
            Reply::Value(answer) => answer,
            Reply::Get(key) => entry.get(key, Words(&[]))?,
            Reply::Noted(key, note) => {
                notes.push(note);
                entry.get(key, Words(&[]))?
            }
        };
        let changes = diff::of_jail(old, &entry);
        self.jails.insert(entry.spec.name.clone(), entry);
        Ok(Done { answer, changes, notes })
    }

    fn add(&mut self, jail: &str, backend: &str) -> Result<Done, Exception> {
        if self.jails.contains_key(jail) {
            return Err(Exception::new(Class::DuplicateJail, jail));
        }
        let (entry, notes) = self.added(jail, backend)?;
        let name = entry.spec.name.clone();
        self.jails.insert(name.clone(), entry);
        let (answer, changes) =
            (Value::Text(jail.to_owned()), vec![Change::Jail(name, What::Added)]);
        Ok(Done { answer, changes, notes })
    }

    /// A new jail, which is not among the others yet.
    fn added(&self, jail: &str, backend: &str) -> Result<(Entry, Vec<Note>), Exception> {
        if jail == ALL {
            return Err(refused(format!("Reserved name '{ALL}'")));
        }
        if jail.is_empty() || jail.len() > NAME_MAX_BYTES || jail.contains(char::is_control) {
            return Err(wrong(format!(
                "not a jail's name; write one of 1 to {NAME_MAX_BYTES} bytes on one line"
            )));
        }
        if self.jails.len() >= JAILS_MAX {
            return Err(wrong(format!("there are {JAILS_MAX} jails already; stop one first")));
        }
        Entry::added(jail, backend, &self.services)
    }

    fn remove(&mut self, jail: &str) -> Result<Done, Exception> {
        let name = self.entry(jail)?.spec.name.clone();
        self.jails.remove(jail);
        let changes = vec![Change::Jail(name, What::Removed)];
        Ok(Done { answer: Value::None, changes, notes: Vec::new() })
    }

    fn remove_all(&mut self) -> Done {
        let jails = std::mem::take(&mut self.jails).into_keys();
        let changes = jails.map(|name| Change::Jail(name, What::Removed)).collect();
        Done { answer: Value::None, changes, notes: Vec::new() }
    }
}
