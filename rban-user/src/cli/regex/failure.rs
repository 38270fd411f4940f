//! A failure, ready to be shown.

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::net::IpAddr;

use crate::addr::Offender;
use crate::clock::WallTime;
use crate::detect::{Found, Value, Who};
use crate::event::Line;

/// One failure of one offender; or a line that is none, if those are asked for.
pub(super) struct Failure<'a> {
    pub(super) id: Id<'a>,
    /// The address, where `id` is something else.
    pub(super) beside: Option<Offender>,
    pub(super) time: Option<WallTime>,
    pub(super) matches: &'a [Line],
    /// `None`: it is none.
    pub(super) found: Option<&'a Found<'a>>,
}

/// Who failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Id<'a> {
    Offender(Offender),
    Name(&'a str),
    Text(&'a str),
}

impl Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offender(offender) => offender.fmt(f),
            Self::Name(text) | Self::Text(text) => f.write_str(text),
        }
    }
}

impl<'a> Id<'a> {
    /// As [`Display`] has it; faster for what most are.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Offender(offender) => match offender.as_addr() {
                Some(IpAddr::V4(addr)) => {
                    let mut text = itoa::Buffer::new();
                    for (place, octet) in addr.octets().into_iter().enumerate() {
                        let between: &[u8] = if place == 0 { b"" } else { b"." };
                        out.write_all(between)?;
                        out.write_all(text.format(octet).as_bytes())?;
                    }
                    Ok(())
                }
                _ => write!(out, "{offender}"),
            },
            Self::Name(text) | Self::Text(text) => out.write_all(text.as_bytes()),
        }
    }

    pub(super) fn of(who: &'a Who) -> Self {
        match who {
            Who::Offender(offender) => Self::Offender(*offender),
            Who::Name(name) => Self::Name(name),
            Who::Text(text) => Self::Text(text),
        }
    }
}

impl<'a> Failure<'a> {
    /// A line that is no failure.
    pub(super) fn none(line: &'a [Line]) -> Self {
        Self { id: Id::Text(""), beside: None, time: None, matches: line, found: None }
    }

    /// The address that failed, if one did.
    pub(super) fn address(&self) -> Option<Offender> {
        self.beside.or(match self.id {
            Id::Offender(offender) => Some(offender),
            _ => None,
        })
    }

    /// The address beside the id, else the id.
    pub(super) fn ip(&self) -> Id<'a> {
        self.beside.map_or(self.id, Id::Offender)
    }

    /// The address's family.
    pub(super) fn family(&self) -> Option<&'static str> {
        self.address().map(|it| if it.as_net().addr().is_ipv4() { "inet4" } else { "inet6" })
    }

    /// What was captured under this name.
    pub(super) fn capture(&self, name: &str) -> Option<&'a Value> {
        self.found?.capture(name)
    }
}
