//! What filters and actions have in common: `[Definition]` and `[Init]`, the arguments that a jail gives, the jail's
//! own options, and `<tag>`s between all of them (spec, config 6 and 7).

use std::collections::HashSet;

use super::error::{Error, Text};
use super::ini::DEFAULT;
use super::interpolate::{Budget, Scope, Vars, lower_case};
use super::layer::{Layered, Section};
use super::options::Known;
use super::ordered::Ordered;
use super::substitute::{self, Lookup};

/// Where a filter or an action keeps its options.
pub(super) const DEFINITION: &str = "Definition";
/// Where it keeps the defaults of its arguments.
const INIT: &str = "Init";

/// Options that are given with a name: `[mode=aggressive]`.
pub(super) type Args = Ordered<Text>;

/// Which options of `[Definition]` are wanted.
pub(super) enum Wanted {
    All,
    Recognised(&'static [Known]),
}

/// A filter or an action, resolved for one jail.
pub(super) struct Resolved {
    /// Options and arguments, their tags replaced: what the file says of the wanted ones first.
    pub(super) options: Ordered<Text>,
    /// The arguments, then what else `[Init]` sets; their tags not replaced.
    pub(super) args: Args,
    /// Whether there is a `[Definition]`.
    pub(super) is_defined: bool,
}

/// The tags that are left to the server even where the configuration could tell.
pub(super) type Ignored = &'static [&'static str];

/// A jail's options, as its filter and actions may refer to them.
#[derive(Clone, Copy)]
pub(super) struct OfJail<'a> {
    /// By `%(name)s`. What is among them is not read from the file.
    pub(super) vars: &'a Vars,
    /// By `<name>`.
    pub(super) tags: &'a Vars,
}

/// Resolves a filter or an action for a jail.
pub(super) fn resolve(
    config: &Layered,
    mut args: Args,
    jail: OfJail<'_>,
    wanted: &Wanted,
    ignored: Ignored,
    budget: &Budget,
) -> Result<Resolved, Error> {
    let vars = with_args(jail.vars, &args);
    let tag_vars = with_args(jail.tags, &args);
    let scope = Scope::new(config, DEFINITION, budget).with_vars(&vars);
    let mut options = Ordered::default();
    for name in scope.section().map(|it| names(config, it, wanted)).unwrap_or_default() {
        if jail.vars.contains_key(name) || args.contains(name) {
            continue;
        }
        if let Some(text) = scope.get(name)? {
            options.set(name, text);
        }
    }
    let known = init(config, &mut args, jail.vars, budget)?;
    for (name, text) in args.iter() {
        options.set(name.clone(), text.clone());
    }
    for (name, text) in known.iter() {
        options.set(name.clone(), text.clone());
    }
    let conditional = |name: &str| {
        let base = name.split_once('?').map(|(base, _)| base.to_owned());
        base.filter(|base| !base.is_empty())
    };
    let conditional: HashSet<String> =
        options.iter().filter_map(|(name, _)| conditional(name)).collect();
    let scope = scope.with_vars(&tag_vars);
    let lookup = Tags { config, scope: &scope, ignored, conditional, budget };
    substitute::substitute(&mut options, &lookup, budget)?;
    Ok(Resolved { options, args, is_defined: scope.section().is_some() })
}

/// A jail's options with the arguments before them.
fn with_args(jail: &Vars, args: &Args) -> Vars {
    let mut vars = jail.clone();
    for (name, text) in args.iter() {
        vars.insert(lower_case(name).into_owned(), text.clone());
    }
    vars
}

fn names<'a>(config: &'a Layered, section: &'a Section, wanted: &'a Wanted) -> Vec<&'a str> {
    match wanted {
        Wanted::Recognised(known) => known.iter().map(|known| known.name).collect(),
        Wanted::All => {
            let own = section.options.iter();
            let defaults = config.defaults.iter();
            let defaults = defaults.filter(|(name, _)| !section.options.contains(name));
            own.chain(defaults).map(|(name, _)| &**name).collect()
        }
    }
}

/// Adds to the arguments what `[Init]` sets and they do not; returns its values as `known/…`.
fn init(
    config: &Layered,
    args: &mut Args,
    jail: &Vars,
    budget: &Budget,
) -> Result<Ordered<Text>, Error> {
    let mut known = Ordered::default();
    let scope = Scope::new(config, INIT, budget);
    let Some(section) = scope.section() else { return Ok(known) };
    let given_args = args.clone();
    for (name, _) in section.options.iter() {
        let Some(text) = scope.get(name)? else { continue };
        known.set(format!("known/{name}"), text.clone());
        if args.contains(name) {
            continue;
        }
        let base = name.split_once('?').map(|(base, _)| base);
        let given = base.and_then(|base| given_args.get(base).or_else(|| jail.get(base)));
        let text = given.cloned().unwrap_or(text);
        args.set(name.clone(), text);
    }
    Ok(known)
}

/// What tags stand for that are no options.
struct Tags<'a> {
    config: &'a Layered,
    scope: &'a Scope<'a>,
    ignored: Ignored,
    /// Options that have a variant for some condition.
    conditional: HashSet<String>,
    budget: &'a Budget,
}

impl Lookup for Tags<'_> {
    fn ignores(&self, name: &str) -> bool {
        self.ignored.contains(&name) || self.conditional.contains(name)
    }

    fn fallback(&self, tag: &str) -> Option<String> {
        self.find(tag).ok().flatten().map(|text| text.value)
    }
}

impl Tags<'_> {
    fn find(&self, tag: &str) -> Result<Option<Text>, Error> {
        let Some((section, option)) = tag.split_once('/') else {
            return self.scope.get(&lower_case(tag));
        };
        let option = lower_case(option);
        let found = match section {
            "known" => self.scope.get_known(&option)?,
            "default" => Scope::new(self.config, DEFAULT, self.budget).get(&option)?,
            _ => match self.config.section(section) {
                Some(_) => Scope::new(self.config, section, self.budget).get(&option)?,
                None => None,
            },
        };
        match found {
            Some(text) => Ok(Some(text)),
            None => self.scope.get(&lower_case(tag)),
        }
    }
}
