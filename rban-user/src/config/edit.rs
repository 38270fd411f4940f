//! What fail2ban's commands say of a jail, as its text (spec, client 4).
//!
//! A jail that commands make has the same text as one that files make, so one meaning serves both.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::action::{ActionText, Does};
use super::args;
use super::error::{Place, Text};
use super::jail::{JailText, LogText};
use super::options::{self, Setting, Value};

/// Lists that a reload begins anew. Other options stay as they were until they are set again (spec, jail 13).
const FORGOTTEN: [&str; 4] = ["failregex", "ignoreregex", "ignoreip", "journalmatch"];

/// What stands where a file would.
const PLACE: &str = "command";

fn by_command(value: impl Into<String>) -> Text {
    Text { value: value.into(), place: None }
}

impl JailText {
    /// A jail of which only this is said.
    pub(crate) fn by_command(name: &str, backend: &str) -> Self {
        Self {
            name: name.to_owned(),
            place: Place { file: Arc::from(Path::new(PLACE)), line: 0 },
            outcome: Ok(()),
            backend: backend.to_owned(),
            settings: Vec::new(),
            filter: None,
            actions: Vec::new(),
            journalmatch: Vec::new(),
            logs: Vec::new(),
            variables: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// An option's text, empty where nobody set it.
    pub(crate) fn value(&self, option: &str) -> &str {
        self.of_jail_or_filter(option).map_or("", |setting| &setting.text.value)
    }

    /// The lines of an option that is a list.
    pub(crate) fn lines(&self, option: &str) -> Vec<&str> {
        self.value(option).split('\n').filter(|line| !line.is_empty()).collect()
    }

    /// The log files that are there.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.logs.iter().flat_map(|log| &log.files)
    }

    /// Follows one more file, from `head` or `tail`.
    pub(crate) fn add_file(&mut self, path: &str, from: &str) {
        let (glob, from) = (path.to_owned(), from.to_owned());
        self.logs.push(LogText { glob, from, files: vec![path.into()] });
    }

    /// Follows a file no longer. Of a pattern that found it, what else it found stays, and nothing new comes.
    pub(crate) fn remove_file(&mut self, path: &Path) {
        let stay = |log: LogText| -> Vec<LogText> {
            if Path::new(&log.glob) == path {
                return Vec::new();
            }
            if !log.files.iter().any(|file| file == path) {
                return vec![log];
            }
            let others = log.files.iter().filter(|file| *file != path);
            let alone = |file: &PathBuf| LogText {
                glob: file.display().to_string(),
                from: log.from.clone(),
                files: vec![file.clone()],
            };
            others.map(alone).collect()
        };
        self.logs = std::mem::take(&mut self.logs).into_iter().flat_map(stay).collect();
    }

    /// An action by its name.
    pub(crate) fn action(&self, name: &str) -> Option<&ActionText> {
        self.actions.iter().find(|action| action.actname == name)
    }

    /// The same, to be changed.
    pub(crate) fn action_mut(&mut self, name: &str) -> Option<&mut ActionText> {
        self.actions.iter_mut().find(|action| action.actname == name)
    }

    /// As a reload begins: what it will list again is gone.
    pub(crate) fn forget_lists(&mut self) {
        FORGOTTEN.iter().for_each(|option| self.set(option, ""));
        self.journalmatch.clear();
        self.logs.clear();
        self.actions.clear();
    }

    /// What only rban's own commands tell: the actions' files and entries, variables, and logs as they are written.
    pub(crate) fn set_origin(&mut self, origin: Origin) {
        for (name, file, spec) in origin.actions {
            if let Some(action) = self.action_mut(&name) {
                (action.file, action.spec) = (file, by_command(spec));
            }
        }
        let variables = origin.variables.into_iter();
        self.variables = variables.map(|(name, value)| (name, by_command(value))).collect();
        self.logs = origin.logs;
    }
}

/// What [`JailText::set_origin`] takes.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    /// Each action's name, its file and its entry in `action`.
    pub(crate) actions: Vec<(String, String, String)>,
    /// `banaction` and its kin.
    pub(crate) variables: Vec<(String, String)>,
    /// The lines of `logpath`, and what they found.
    pub(crate) logs: Vec<LogText>,
}

impl ActionText {
    /// An action of which only the name is known.
    pub(crate) fn by_command(name: &str) -> Self {
        let (settings, properties) = (Vec::new(), Vec::new());
        Self {
            spec: by_command(""),
            file: name.to_owned(),
            actname: name.to_owned(),
            args: Vec::new(),
            does: Does::Commands { settings, properties, is_defined: true },
        }
    }

    /// A program in Python.
    pub(crate) fn in_python(name: &str, file: &str, args: Vec<(String, String)>) -> Self {
        let path = PathBuf::from(file);
        let file = path.file_name().map_or_else(String::new, |it| it.to_string_lossy().into());
        let actname = name.to_owned();
        Self { spec: by_command(&*file), file, actname, args, does: Does::Python { file: path } }
    }

    /// Sets a command, a flag, or what a tag stands for; `None` where a number was none.
    pub(crate) fn set(&mut self, jail: &str, option: &str, value: Option<&str>) {
        let text = by_command(value.unwrap_or_default());
        let Does::Commands { settings, properties, .. } = &mut self.does else {
            return put(&mut self.args, option, text.value);
        };
        let Some(known) = options::ACTION.iter().find(|known| known.name == option) else {
            put(properties, option, text);
            if option == "name" && self.spec.value.is_empty() {
                self.file = self.guessed_file(jail);
            }
            return;
        };
        let mut setting = Setting::new(*known, text);
        if value.is_none() {
            setting.value = Value::Nothing;
        }
        match settings.iter_mut().find(|it| it.name == option) {
            Some(old) => *old = setting,
            None => settings.push(setting),
        }
    }

    /// What is set: a value as it was sent.
    pub(crate) fn get(&self, option: &str) -> Option<Value> {
        let find = |pairs: &[(String, String)]| {
            pairs.iter().find(|(name, _)| name == option).map(|(_, it)| Value::Text(it.clone()))
        };
        match &self.does {
            Does::Python { .. } => find(&self.args),
            Does::Commands { settings, properties, .. } => {
                let setting = settings.iter().find(|it| it.name == option);
                let property = properties.iter().find(|(name, _)| name == option);
                let text = |(_, text): &(_, Text)| Value::Text(text.value.clone());
                setting.map(|it| it.value.clone()).or_else(|| property.map(text))
            }
        }
    }

    /// The names of all that is set.
    pub(crate) fn names(&self) -> Vec<&str> {
        match &self.does {
            Does::Python { .. } => self.args.iter().map(|(name, _)| name.as_str()).collect(),
            Does::Commands { settings, properties, .. } => {
                let settings = settings.iter().map(|it| it.name.as_str());
                settings.chain(properties.iter().map(|(name, _)| name.as_str())).collect()
            }
        }
    }

    /// Whether it runs commands.
    pub(crate) fn has_commands(&self) -> bool {
        matches!(self.does, Does::Commands { .. })
    }

    /// The file that gave it its name, as far as that tells: fail2ban's commands do not.
    fn guessed_file(&self, jail: &str) -> String {
        let name = match self.get("name") {
            Some(Value::Text(name)) => name,
            _ => return self.actname.clone(),
        };
        let behind = match name.strip_prefix(jail) {
            Some(rest) => rest.to_owned(),
            None => format!("-{name}"),
        };
        self.actname.strip_suffix(&*behind).unwrap_or(&self.actname).to_owned()
    }
}

fn put<T>(pairs: &mut Vec<(String, T)>, name: &str, value: T) {
    match pairs.iter_mut().find(|(it, _)| it == name) {
        Some((_, old)) => *old = value,
        None => pairs.push((name.to_owned(), value)),
    }
}

/// The key of an `ignorecache`.
pub(crate) fn cache_key(ignorecache: &str) -> Option<String> {
    let spec = args::parse(&format!("ignorecache[{ignorecache}]")).ok()?;
    spec.options.into_iter().find(|(name, _)| name == "key").map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(actname: &str, name: &str, file: &str) {
        let mut action = ActionText::by_command(actname);
        action.set("sshd", "name", Some(name));
        assert_eq!(action.file, file);
    }

    #[test]
    fn an_actions_name_tells_its_file() {
        check("nftables", "sshd", "nftables");
        check("iptables-allports-tcp", "sshd-tcp", "iptables-allports");
        check("route-mine", "mine", "route");
        check("mine", "other", "mine");
    }
}
