//! Text becomes the stages' Specs.
//!
//! The language is fail2ban's (spec, config): [`read`] gives what a directory says as text, [`load`] what it means. What
//! is wrong is told with its place and what to write; a jail that is wrong does not take the others down. What this host
//! has no configuration for is as we ship it: the files under `config/` are compiled in.

mod action;
mod alone;
mod args;
mod definition;
mod directory;
mod edit;
mod error;
mod files;
mod filter;
mod finding;
#[cfg(any(test, feature = "hostile"))]
pub mod hostile;
mod ini;
mod interpolate;
mod jail;
mod layer;
mod lint;
mod load;
mod log_target;
mod lookup;
mod nearest;
mod options;
mod ordered;
mod problem;
mod rban_conf;
mod read;
mod server;
mod services;
mod shipped;
mod spec;
mod stream;
mod substitute;
mod takeover;
pub mod value;
mod view;
mod words;

pub use action::{ActionText, Does};
pub use alone::filter_alone;
pub use args::{NotASpec, Spec};
pub use directory::Directory;
pub(crate) use edit::{Origin as ActionOrigin, cache_key};
pub use error::{Error as TextError, Place, Quoted, Text};
pub use files::{Disk, Embedded, FILE_MAX_BYTES, Files, Found};
pub use filter::{FilterText, LogType};
pub use finding::{Finding, What};
pub use jail::{Consequence, JailError, JailText, LogText};
pub use load::{Config, FailedJail, Overrides, Unusable, Warning, examine, load, read, settings};
#[expect(unused_imports, reason = "wired in by the daemon")]
pub(crate) use log_target::{NotALogTarget, log_target};
pub use lookup::{Named, Origin, lookup};
pub use options::{Setting, Value};
pub(crate) use options::{integer, is_true};
pub use problem::{Problem, Wrong};
pub use rban_conf::{Enforce, Settings};
pub use read::{Read, read_from};
pub use server::ServerText;
pub(crate) use server::is_level;
pub(crate) use services::Services;
pub use spec::{ActionSpec, JailSpec};
pub(crate) use spec::{Built, Logs, build};
pub use stream::{Stream, stream, stream_for_rban};
pub use takeover::{Takeover, Why};
pub use view::view;
pub(crate) use words::split as shell_words;
