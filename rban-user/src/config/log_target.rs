//! `logtarget` (spec, jail 14.1): `NAME[option=value, …]`.

use super::args::{self, NotASpec};
use crate::log::{NotATarget, Target};

/// A `logtarget` that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotALogTarget {
    /// It is not `NAME[option=value, …]`.
    #[error(transparent)]
    Shape(#[from] NotASpec),
    /// No line can be written so.
    #[error(transparent)]
    Target(#[from] NotATarget),
}

/// What a `logtarget` means; the socket is `syslogsocket`.
///
/// # Errors
/// Where it means nothing.
pub(crate) fn log_target(text: &str, syslog_socket: &str) -> Result<Target, NotALogTarget> {
    let spec = args::parse(text.trim())?;
    Ok(Target::new(&spec.name, &spec.options, syslog_socket)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_may_have_options() {
        let json = [("format".to_owned(), "json".to_owned())];
        assert_eq!(
            log_target("/var/log/a.log[format=json]", "auto"),
            Ok(Target::new("/var/log/a.log", &json, "auto").unwrap())
        );
        assert_eq!(log_target("STDERR", "auto"), Ok(Target::new("STDERR", &[], "auto").unwrap()));
    }

    #[test]
    fn what_is_none_is_refused() {
        assert_eq!(log_target("/tmp/g[x", "auto"), Err(NotALogTarget::Shape(NotASpec::Shape)));
        assert!(matches!(
            log_target("STDERR[format=\"%(x)s\"]", "auto"),
            Err(NotALogTarget::Target(_))
        ));
    }
}
