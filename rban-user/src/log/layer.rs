//! What the program says by `tracing`, in the same log.
//!
//! A line's text is the message with its fields behind it, in brackets: `[sshd] a line matches and has no date; set a
//! datepattern (line="…")`. A jail stands in front, as in fail2ban's own lines. Fields hold what clients sent, so no
//! line ends in one: filters like fail2ban's `recidive` look at the ends of lines.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::Log;
use crate::said::{Level, Said};

/// Gives events to the log.
#[derive(Clone, Debug)]
pub(crate) struct LogLayer(pub(crate) Log);

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let level = level(metadata);
        if !self.0.wants(level) {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        self.0.say(Said::new(logger(metadata.target()), level, text.shown()));
    }
}

/// None is a notice: those are fail2ban's own lines, of bans above all.
fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::TraceDebug,
    }
}

/// Which of fail2ban's loggers says what this module says.
fn logger(module: &str) -> &'static str {
    let Some(own) = module.strip_prefix("rban::") else { return "rban" };
    let own = own.strip_prefix("daemon::").unwrap_or(own);
    match own.split("::").next().unwrap_or(own) {
        "source" | "detect" | "detector" | "ignore" => "filter",
        "resolve" | "names" => "ipdns",
        "jail" => "jail",
        "enforce" | "enforcer" | "actions" => "actions",
        "shell" => "utils",
        "store" => "database",
        "control" => "transmitter",
        "daemon" => "server",
        "config" => "configreader",
        _ => "rban",
    }
}

/// An event, taken apart.
#[derive(Default)]
struct Text {
    jail: Option<String>,
    message: String,
    fields: String,
}

impl Text {
    fn shown(self) -> String {
        let mut text = String::new();
        if let Some(jail) = self.jail {
            text = format!("[{jail}] ");
        }
        text.push_str(&self.message);
        if !self.fields.is_empty() {
            write!(text, " ({})", self.fields).expect("memory takes all");
        }
        text
    }

    fn add(&mut self, name: &str, value: fmt::Arguments<'_>) {
        let separator = if self.fields.is_empty() { "" } else { ", " };
        write!(self.fields, "{separator}{name}={value}").expect("memory takes all");
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "jail" => self.jail = Some(value.to_owned()),
            "message" => self.message.push_str(value),
            name => self.add(name, format_args!("{value:?}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "jail" => self.jail = Some(format!("{value:?}")),
            "message" => write!(self.message, "{value:?}").expect("memory takes all"),
            name => self.add(name, format_args!("{value:?}")),
        }
    }
}
