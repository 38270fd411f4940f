//! `<tag>` at configuration time (spec, config 6).

use std::collections::HashMap;

use super::error::{Error, Quoted, Text};
use super::interpolate::{Budget, REFERENCE_COST, VALUE_MAX_BYTES};
use super::ordered::Ordered;

/// The same tag is replaced so often in one option.
const REPLACED_MAX: u32 = 25;

/// So often are the options looked through; tags made up of tags need one pass for each level.
const PASSES_MAX: usize = 50;

/// What a tag may stand for besides the options themselves, and which tags are left for later.
pub(super) trait Lookup {
    /// Tags that are left alone, and options that are.
    fn ignores(&self, name: &str) -> bool;

    /// What a tag stands for that is no option.
    fn fallback(&self, tag: &str) -> Result<Option<String>, Error>;
}

/// Replaces the tags in all options, as long as that changes anything.
pub(super) fn substitute(
    options: &mut Ordered<Text>,
    lookup: &dyn Lookup,
    budget: &Budget,
) -> Result<(), Error> {
    let has_tag = |text: &str| next_tag(text, 0).is_some();
    let pending = options.iter().enumerate();
    let pending = pending.filter(|(_, (name, text))| has_tag(&text.value) && !lookup.ignores(name));
    let mut pending: Vec<usize> = pending.map(|(at, _)| at).collect();
    for _ in 0..PASSES_MAX {
        let mut changed = Vec::new();
        for at in pending {
            let (name, text) = options.at(at);
            if let Some(value) = one_pass(name, text, options, lookup, budget)? {
                if has_tag(&value) {
                    changed.push(at);
                }
                let (name, place) = (name.clone(), text.place.clone());
                options.set(name, Text { value, place });
            }
        }
        pending = changed;
    }
    match pending.first().map(|at| options.at(*at)) {
        None => Ok(()),
        Some((name, text)) => {
            let tag = next_tag(&text.value, 0).map(|(start, end)| &text.value[start + 1..end - 1]);
            let tag = tag.unwrap_or_default().to_owned();
            Err(Error::SelfReference { quoted: Quoted::of(name, text), tag })
        }
    }
}

/// An option with its tags replaced from left to right; `None` where nothing was.
fn one_pass(
    name: &str,
    text: &Text,
    options: &Ordered<Text>,
    lookup: &dyn Lookup,
    budget: &Budget,
) -> Result<Option<String>, Error> {
    let quoted = || Quoted::of(name, text);
    let mut value: Option<String> = None;
    let mut replaced: HashMap<String, u32> = HashMap::new();
    let mut from = 0;
    loop {
        let now = value.as_deref().unwrap_or(&text.value);
        let Some((start, end)) = next_tag(now, from) else { return Ok(value) };
        budget.spend(end - from + REFERENCE_COST, quoted)?;
        let tag = &now[start + 1..end - 1];
        if lookup.ignores(tag) {
            from = end;
            continue;
        }
        let times = replaced.get(tag).copied().unwrap_or(0);
        if tag == name || times > REPLACED_MAX {
            return Err(Error::SelfReference { quoted: quoted(), tag: tag.to_owned() });
        }
        let by = match options.get(tag) {
            Some(text) => Some(text.value.clone()),
            None => lookup.fallback(tag)?,
        };
        let Some(by) = by else {
            from = end;
            continue;
        };
        let bracketed = &now[start..end];
        let grows = by.len() > bracketed.len();
        let occurrences = if grows { now.matches(bracketed).count() } else { 0 };
        let grown = now.len() + occurrences * by.len();
        budget.spend(grown, quoted)?;
        if grown > VALUE_MAX_BYTES {
            return Err(Error::TooLong { quoted: quoted(), max: VALUE_MAX_BYTES });
        }
        let new = now.replace(bracketed, &by);
        replaced.insert(tag.to_owned(), times + 1);
        // Text before the tag changes too, if others of its name have come about there.
        from = new.ceil_char_boundary(start);
        value = Some(new);
    }
}

/// The next `<tag>` from here on, brackets included: no blank and no other bracket stands in it.
fn next_tag(text: &str, mut from: usize) -> Option<(usize, usize)> {
    loop {
        let start = from + text[from..].find('<')?;
        let inner = &text[start + 1..];
        let length = inner.find(['<', '>', ' '])?;
        from = start + 1 + length;
        if length > 0 && inner[length..].starts_with('>') {
            return Some((start, from + 1));
        }
    }
}

#[cfg(test)]
mod tests;
