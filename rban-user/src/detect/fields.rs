//! What a match captured, by name.

use compact_str::CompactString;

/// What was captured under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One text.
    Text(CompactString),
    /// Several: a tuple (`<F-TUPLE_X>`), or the users of a session.
    Many(Vec<CompactString>),
}

impl Value {
    /// Whether there is anything in it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Many(texts) => texts.is_empty(),
        }
    }

    /// The text, or the first of several.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Many(texts) => texts.first().map_or("", CompactString::as_str),
        }
    }
}

/// A name that a filter captures under, as a number of that filter's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name(u16);

macro_rules! known {
    ($($number:literal $name:ident $text:literal),* $(,)?) => {
        impl Name {
            $(pub(super) const $name: Self = Self($number);)*
        }
        const KNOWN: &[&str] = &[$($text),*];
    };
}

known! {
    0 IP4 "ip4", 1 IP6 "ip6", 2 DNS "dns", 3 CIDR "cidr", 4 FID "fid", 5 MLFID "mlfid", 6 NOFAIL "nofail",
    7 MLFFORGET "mlfforget", 8 MLFGAINED "mlfgained", 9 CONTENT "content", 10 USER "user", 11 USERS "users",
}

/// The names of one filter.
#[derive(Clone, Debug)]
pub(super) struct Names(Vec<String>);

impl Default for Names {
    fn default() -> Self {
        Self(KNOWN.iter().map(|name| (*name).to_owned()).collect())
    }
}

impl Names {
    /// The number of this name, new or not.
    pub(super) fn intern(&mut self, name: &str) -> Name {
        let at = self.0.iter().position(|it| it == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        Name(u16::try_from(at).expect("patterns have fewer groups than that"))
    }

    /// The name itself.
    pub(super) fn text(&self, name: Name) -> &str {
        &self.0[usize::from(name.0)]
    }
}

/// Values by name, in the order in which they were first set. Few: a list is faster than a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    values: Vec<(Name, Value)>,
    /// One bit for each name that may be among them.
    names: u64,
}

impl Name {
    /// Names beyond the first 63 share a bit.
    fn bit(self) -> u64 {
        1 << self.0.min(63)
    }
}

impl Fields {
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.names = 0;
    }

    fn place(&self, name: Name) -> Option<usize> {
        if self.names & name.bit() == 0 {
            return None;
        }
        self.values.iter().position(|(it, _)| *it == name)
    }

    pub(super) fn find(&self, name: Name) -> Option<&Value> {
        self.place(name).map(|place| &self.values[place].1)
    }

    /// The text under a name, if there is any and it is not empty.
    pub(super) fn text(&self, name: Name) -> Option<&str> {
        self.find(name).map(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn set(&mut self, name: Name, value: Value) {
        match self.place(name) {
            Some(place) => self.values[place].1 = value,
            None => {
                self.names |= name.bit();
                self.values.push((name, value));
            }
        }
    }

    pub(super) fn remove(&mut self, name: Name) -> Option<Value> {
        let place = self.place(name)?;
        let (_, value) = self.values.remove(place);
        if name.0 < 63 {
            self.names &= !name.bit();
        }
        Some(value)
    }

    /// Takes over all of `other`'s values.
    pub(super) fn overlay(&mut self, other: &Self) {
        for (name, value) in &other.values {
            self.set(*name, value.clone());
        }
    }

    /// The same, leaving `other` empty.
    pub(super) fn take_over(&mut self, other: &mut Self) {
        other.names = 0;
        for (name, value) in other.values.drain(..) {
            self.set(name, value);
        }
    }

    /// Sets a value before all others, unless it is there.
    pub(super) fn set_first(&mut self, name: Name, value: Value) {
        match self.place(name) {
            Some(place) => self.values[place].1 = value,
            None => {
                self.names |= name.bit();
                self.values.insert(0, (name, value));
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Name, Value)> {
        self.values.iter()
    }
}
