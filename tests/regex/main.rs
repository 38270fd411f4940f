//! `rban regex` beside Debian's `fail2ban-regex`: the same report, the same lines, the same numbers.
//!
//! The logs and the filters are the package's own, read where it put them. What the package's release does otherwise
//! than the one that we follow is listed in `differences`.

mod differences;
mod formats;
mod json;
mod options;
mod program;
mod summary;

use std::sync::Mutex;
use std::thread;

/// Does this for every item, on as many threads as there are CPUs; fails with all that went wrong.
#[track_caller]
fn each<T: Sync>(items: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) {
    assert!(!items.is_empty(), "nothing to compare");
    let queue = Mutex::new(items.iter());
    let wrong = Mutex::new(Vec::new());
    let next = || queue.lock().expect("nobody panics while asking").next();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(item) = next() {
                    let found = check(item).err();
                    wrong.lock().expect("nobody panics while telling").extend(found);
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().expect("nobody panics while telling");
    wrong.sort_unstable();
    assert!(wrong.is_empty(), "{} disagree:\n\n{}", wrong.len(), wrong.join("\n\n"));
}
