//! The report on each of the package's samples.

use std::ffi::OsStr;

use crate::differences::plain;
use crate::each;
use crate::program::{Samples, fail2ban, rban};

#[test]
fn the_report_is_the_same_on_every_sample() {
    let samples = Samples::new();
    each(&samples.names, |name| {
        let (path, filter) = (samples.path(name), format!("{name}.conf"));
        let args = [OsStr::new("-r"), path.as_os_str(), OsStr::new(&filter)];
        let (theirs, ours) = (fail2ban(args), rban(args));
        let (expected, found) = (plain(&theirs.out), plain(&ours.out));
        if expected == found {
            return Ok(());
        }
        let first = expected.iter().zip(&found).find(|(theirs, ours)| theirs != ours);
        Err(format!("{name}: {} {first:#?}", ours.complaint))
    });
}
