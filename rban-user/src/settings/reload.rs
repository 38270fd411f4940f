//! Streams of commands: what a start and a reload send (spec, jail 13).
//!
//! All of a stream or nothing: it changes a copy, and only once every command is obeyed and every jail makes sense does
//! the copy count.

use std::collections::BTreeSet;

use super::command::{Asked, Command, Reload, Which};
use super::diff::diff;
use super::jail::{Entry, Reply};
use super::words::{Words, refused, wrong};
use super::{Change, Exists, Settings, server};
use crate::control::value::{Class, Exception, Value};
use crate::event::JailName;

/// A stream has no more commands.
const COMMANDS_MAX: usize = 1_000_000;

/// Something that the log is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// That stops nothing.
    Warning(String),
    /// That an admin should put right.
    Error(String),
    /// That a client asked for what makes no sense, and was told how things are in place of an error.
    Refused(String),
}

/// What a stream comes to. Nothing has changed before the caller puts `settings` into the place of those before.
#[derive(Debug)]
pub struct Reloaded {
    /// All that is set then.
    pub settings: Settings,
    /// How that differs.
    pub changes: Vec<Change>,
    /// The jails that the reload was about: their bans end first if `--unban` asks for that.
    pub meant: Vec<JailName>,
    /// What the log is told.
    pub notes: Vec<Note>,
}

impl Settings {
    /// What a `server-stream` comes to.
    ///
    /// # Errors
    /// The first command that cannot be obeyed, or what is wrong with a jail.
    pub fn stream(
        &self,
        commands: &[Vec<Value>],
        exists: Exists<'_>,
    ) -> Result<Reloaded, Exception> {
        let draft = Draft::new(self.clone(), BTreeSet::new());
        draft.finish(self, commands, Vec::new(), exists)
    }

    /// What a `reload` comes to. Jails that it is about and does not tell of are gone then.
    ///
    /// # Errors
    /// As [`stream`](Self::stream), and a jail that is not there, or that the files describe wrongly.
    pub fn reload(&self, reload: &Reload, exists: Exists<'_>) -> Result<Reloaded, Exception> {
        let meant: Vec<JailName> = match &reload.which {
            Which::All => self.jails.keys().cloned().collect(),
            Which::One(jail) => match self.jails.get_key_value(jail.as_str()) {
                Some((name, _)) => vec![name.clone()],
                None if reload.if_exists => Vec::new(),
                None => return Err(Exception::new(Class::UnknownJail, jail.as_str())),
            },
        };
        let mut settings = self.clone();
        let mut waiting = BTreeSet::new();
        for name in &meant {
            waiting.insert(name.clone());
            if reload.restart {
                settings.jails.remove(name);
            } else if let Some(entry) = settings.jails.get_mut(name) {
                entry.text.forget_lists();
            }
        }
        let mut reloaded =
            Draft::new(settings, waiting).finish(self, &reload.commands, meant, exists)?;
        if reload.restart {
            reloaded.restart();
        }
        Ok(reloaded)
    }
}

impl Reloaded {
    /// The jails that are meant end and begin anew, whatever has changed about them.
    fn restart(&mut self) {
        let meant = &self.meant;
        let gone = |name: &JailName| !self.settings.jails.contains_key(name);
        self.changes.retain(|change| match change {
            Change::Jail(name, _) => !meant.contains(name) || gone(name),
            Change::Server(_) => true,
        });
        let again = meant.iter().filter(|name| !gone(name));
        self.changes.extend(again.map(|name| Change::Jail(name.clone(), super::What::Restarted)));
    }
}

/// Settings that a stream is changing.
struct Draft {
    settings: Settings,
    /// Jails that were there before and were not told of yet.
    waiting: BTreeSet<JailName>,
    /// Jails whose texts changed.
    touched: BTreeSet<JailName>,
    notes: Vec<Note>,
}

impl Draft {
    fn new(settings: Settings, waiting: BTreeSet<JailName>) -> Self {
        Self { settings, waiting, touched: BTreeSet::new(), notes: Vec::new() }
    }

    fn finish(
        mut self,
        old: &Settings,
        commands: &[Vec<Value>],
        meant: Vec<JailName>,
        exists: Exists<'_>,
    ) -> Result<Reloaded, Exception> {
        if commands.len() > COMMANDS_MAX {
            return Err(wrong(format!("more than {COMMANDS_MAX} commands; send fewer at a time")));
        }
        for command in commands {
            self.obey(command, exists)?;
        }
        if let Some(reason) = self.why_one_ends() {
            return Err(refused(format!("{reason}; the former configuration stays in force")));
        }
        for name in &self.waiting {
            self.settings.jails.remove(name);
        }
        for name in self.touched {
            let Some(entry) = self.settings.jails.get_mut(&name) else { continue };
            let services = &self.settings.services;
            let before = old.jails.get(&name).map(|entry| &entry.spec);
            let built = entry.rebuild(services).and_then(|notes| {
                entry.check(before)?;
                Ok(notes)
            });
            self.notes.extend(built.map_err(|error| within_jail(&name, error))?);
        }
        let changes = diff(old, &self.settings);
        Ok(Reloaded { settings: self.settings, changes, meant, notes: self.notes })
    }

    /// Why a jail is not told of any more, where that is for a mistake: it would end, and nobody wants that.
    fn why_one_ends(&self) -> Option<&str> {
        let mut mistakes = self.notes.iter().filter_map(|note| match note {
            Note::Error(text) => Some(text.as_str()),
            Note::Warning(_) | Note::Refused(_) => None,
        });
        let names: Vec<String> = self.waiting.iter().map(|name| format!("'{name}'")).collect();
        mistakes.find(|text| names.iter().any(|name| text.contains(name)))
    }

    fn obey(&mut self, command: &[Value], exists: Exists<'_>) -> Result<(), Exception> {
        let mut words = Words(command);
        match Asked::of(&words.text()?, words)? {
            Asked::Answer(_) => {}
            Asked::Command(Command::ConfigError(text)) => self.notes.push(Note::Error(text)),
            Asked::SetServer(part, words) => {
                let jails = match self.settings.jails.is_empty() {
                    true => server::Jails::None,
                    false => server::Jails::Some,
                };
                self.settings.server.set(part, words, jails)?;
            }
            Asked::Add(jail, backend) => self.add(&jail, &backend)?,
            Asked::Edit(jail, edit) => {
                let entry = self.entry(&jail)?;
                let reply = entry.edit(&edit, exists).map_err(|it| within_jail(&jail, it))?;
                if let Reply::Noted(_, note) = reply {
                    self.notes.push(note);
                }
            }
            _ => return Err(refused("Invalid command in a stream")),
        }
        Ok(())
    }

    /// The jail, which the stream must have told of.
    fn entry(&mut self, jail: &str) -> Result<&mut Entry, Exception> {
        let unknown = || Exception::new(Class::UnknownJail, jail);
        let entry = self.settings.jails.get_mut(jail).ok_or_else(unknown)?;
        self.touched.insert(entry.spec.name.clone());
        Ok(entry)
    }

    fn add(&mut self, jail: &str, backend: &str) -> Result<(), Exception> {
        let waits = self.waiting.remove(jail);
        match self.settings.jails.get_mut(jail) {
            Some(entry) if waits && entry.text.backend == backend => {
                entry.idle = false;
                self.touched.insert(entry.spec.name.clone());
                return Ok(());
            }
            Some(_) if waits => drop(self.settings.jails.remove(jail)),
            Some(_) => return Err(Exception::new(Class::DuplicateJail, jail)),
            None => {}
        }
        let (entry, notes) = self.settings.added(jail, backend)?;
        self.notes.extend(notes);
        let name = entry.spec.name.clone();
        self.touched.insert(name.clone());
        self.settings.jails.insert(name, entry);
        Ok(())
    }
}

fn within_jail(jail: &str, mut error: Exception) -> Exception {
    if let Some(Value::Text(text)) = error.args.first_mut() {
        *text = format!("{text} (jail {jail})");
    }
    error
}
