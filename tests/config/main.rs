//! The configuration language: `rban config dump --format fail2ban` beside `fail2ban-client -d`, command by command.
//!
//! Compared are the stock configuration in many settings, read where Debian's package put it, and the small
//! directories below `config-cases`. A case is copied over `config-cases/base` into a directory of its own, where every
//! `@DIR@` in its files becomes that directory's path; so log files may lie in the case. Both programs run there. The
//! number that a case's name begins with is the section of our specification that it is about; the comment at its top
//! says what it shows.
//!
//! What fail2ban does is right, unless `differences` says that the specified release does otherwise.

mod cases;
mod differences;
mod outcome;
mod stock;

use std::sync::Mutex;
use std::thread;

/// Does this for every item, on as many threads as there are CPUs; returns what went wrong.
fn each<T: Sync>(items: &[T], check: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    let queue = Mutex::new(items.iter());
    let wrong = Mutex::new(Vec::new());
    let next = || queue.lock().expect("nobody panics while asking").next();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(item) = next() {
                    let found = check(item);
                    wrong.lock().expect("nobody panics while telling").extend(found);
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().expect("nobody panics while telling");
    wrong.sort_unstable();
    wrong
}

/// Fails with all that went wrong.
#[track_caller]
fn conclude(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} disagree:\n\n{}", wrong.len(), wrong.join("\n\n"));
}
