//! What filters and actions have in common: `[Definition]` and `[Init]`, the arguments that a jail gives, the jail's
//! own options, and `<tag>`s between all of them (spec, config 6 and 7).

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::error::{Error, Text};
use super::ini::DEFAULT;
use super::interpolate::{Budget, Scope, Vars, lower_case};
use super::layer::Layered;
use super::options::Known;
use super::ordered::Ordered;
use super::substitute::{self, Lookup};

/// Where a filter or an action keeps its options.
pub(super) const DEFINITION: &str = "Definition";
/// Where it keeps the defaults of its arguments.
const INIT: &str = "Init";
/// What options are called that tell what is known of others.
pub(super) const KNOWN: &str = "known/";

/// Options that are given with a name: `[mode=aggressive]`.
pub(super) type Args = Ordered<Text>;

/// Which options of `[Definition]` are wanted beside the recognised ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    Wanted,
    Unwanted,
}

/// Options with their tags.
pub(super) struct Unresolved {
    options: Ordered<Text>,
    /// What was given when they were read.
    args: Vars,
}

/// A filter or an action as one jail has it.
pub(super) struct Definition<'a> {
    config: Rc<Layered>,
    /// What is given to it; once it has been read also what else `[Init]` sets, and all of that as `known/…`.
    args: Args,
    recognised: &'static [Known],
    /// Tags that are left to the server even where the configuration could tell.
    ignored: &'static [&'static str],
    /// What tags were found to stand for. A filter is read twice; what was found first holds, as in fail2ban.
    found: RefCell<HashMap<String, Option<String>>>,
    budget: &'a Budget,
}

impl<'a> Definition<'a> {
    pub(super) fn new(
        config: Rc<Layered>,
        args: Args,
        recognised: &'static [Known],
        ignored: &'static [&'static str],
        budget: &'a Budget,
    ) -> Self {
        Self { config, args, recognised, ignored, found: RefCell::default(), budget }
    }

    /// Whether there is a `[Definition]`.
    pub(super) fn is_defined(&self) -> bool {
        self.config.section(DEFINITION).is_some()
    }

    pub(super) fn args(&self) -> &Args {
        &self.args
    }

    /// The options for a jail with these: what the file says first, then the arguments. What the jail sets is not read
    /// from the file.
    pub(super) fn read(&mut self, jail: &Vars, others: Others) -> Result<Unresolved, Error> {
        let args = self.args.iter();
        let args = args.map(|(name, text)| (lower_case(name).into_owned(), Some(text.clone())));
        let args: Vars = args.collect();
        let mut options = self.of_file([&args, jail], others)?;
        self.add_init(jail)?;
        for (name, text) in self.args.iter() {
            options.set(name.clone(), text.clone());
        }
        Ok(Unresolved { options, args })
    }

    /// The same with all tags replaced. Fail2ban does that once it has read everything.
    pub(super) fn resolve(
        &self,
        Unresolved { mut options, args }: Unresolved,
        jail: &Vars,
    ) -> Result<Ordered<Text>, Error> {
        let vars = [&args, jail];
        let tags = Tags {
            definition: self,
            scope: Scope::new(&self.config, DEFINITION, self.budget).with_vars(vars),
            conditional: options.iter().filter_map(|(name, _)| base(name)).collect(),
        };
        substitute::substitute(&mut options, &tags, self.budget)?;
        Ok(options)
    }

    fn of_file(&self, vars: [&Vars; 2], others: Others) -> Result<Ordered<Text>, Error> {
        let mut options = Ordered::default();
        let Some(section) = self.config.section(DEFINITION) else { return Ok(options) };
        let bare = || Scope::new(&self.config, DEFINITION, self.budget);
        let scope = bare().with_vars(vars);
        let recognised = self.recognised.iter().map(|known| known.name);
        let is_var = |name: &str| vars.iter().any(|vars| vars.contains_key(name));
        for name in recognised.filter(|name| !is_var(name)) {
            if let Some(text) = scope.get(name)? {
                options.set(name, text);
            }
        }
        if others == Others::Wanted {
            for (name, _) in section.options.iter() {
                if !options.contains(name)
                    && let Some(text) = bare().get(name)?
                {
                    options.set(name.clone(), text);
                }
            }
        }
        Ok(options)
    }

    /// Adds to the arguments what `[Init]` sets and they do not.
    fn add_init(&mut self, jail: &Vars) -> Result<(), Error> {
        let config = self.config.clone();
        let scope = Scope::new(&config, INIT, self.budget);
        let Some(section) = scope.section() else { return Ok(()) };
        let before = self.args.len();
        let is_given = |args: &Args, name: &str| args.position(name).is_some_and(|at| at < before);
        for (name, _) in section.options.iter() {
            let Some(text) = scope.get(name)? else { continue };
            self.args.set(format!("{KNOWN}{name}"), text.clone());
            if is_given(&self.args, name) {
                continue;
            }
            // A variant for some condition goes by what is given for all.
            let of_all = name.split_once('?').and_then(|(base, _)| {
                let arg = self.args.get(base).filter(|_| is_given(&self.args, base));
                arg.or_else(|| jail.get(base).and_then(Option::as_ref))
            });
            self.args.set(name.clone(), of_all.cloned().unwrap_or(text));
        }
        Ok(())
    }
}

/// The option that this one is a variant of for some condition.
fn base(name: &str) -> Option<String> {
    let (base, _) = name.split_once('?')?;
    (!base.is_empty() && !base.starts_with(KNOWN)).then(|| base.to_owned())
}

/// What tags stand for that are no options.
struct Tags<'a> {
    definition: &'a Definition<'a>,
    scope: Scope<'a>,
    /// Options that have a variant for some condition.
    conditional: HashSet<String>,
}

impl Lookup for Tags<'_> {
    fn ignores(&self, name: &str) -> bool {
        self.definition.ignored.contains(&name) || self.conditional.contains(name)
    }

    fn fallback(&self, tag: &str) -> Result<Option<String>, Error> {
        if let Some(found) = self.definition.found.borrow().get(tag) {
            return Ok(found.clone());
        }
        let found = self.find(tag)?.map(|text| text.value);
        self.definition.found.borrow_mut().insert(tag.to_owned(), found.clone());
        Ok(found)
    }
}

impl Tags<'_> {
    fn find(&self, tag: &str) -> Result<Option<Text>, Error> {
        let defined = |name: &str| match self.scope.section() {
            Some(_) => self.scope.get(&lower_case(name)),
            None => Ok(None),
        };
        let Some((section, option)) = tag.split_once('/') else { return defined(tag) };
        let (config, option) = (&*self.definition.config, lower_case(option));
        let found = match section {
            "known" if self.definition.is_defined() => self.scope.get_known(&option)?,
            "default" | DEFAULT => {
                Scope::new(config, DEFAULT, self.definition.budget).get(&option)?
            }
            _ if config.section(section).is_some() => {
                Scope::new(config, section, self.definition.budget).get(&option)?
            }
            _ => None,
        };
        match found {
            Some(text) => Ok(Some(text)),
            None => defined(tag),
        }
    }
}
