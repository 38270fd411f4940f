//! The log as a whole: what arrives at its targets.

mod beside;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tracing_subscriber::layer::SubscriberExt;

use super::target::Place;
use super::*;

const VERSION: &str = "1.1.1";

/// A log in a folder of its own, and what waits for it.
struct World {
    runtime: Runtime,
    folder: TempDir,
    log: Log,
}

impl World {
    /// Its log goes to the file `log`, by the given layout.
    fn new(format: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = target(&folder.path().join("log"), format);
        let log = Log::start(target, Level::Info.into(), VERSION).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, folder, log }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn say(&self, level: Level, text: &str) {
        self.log.say(Said::new("actions", level, text));
    }

    /// What the file holds once everything is written.
    fn read(&self, name: &str) -> String {
        self.runtime.block_on(self.log.settle()).unwrap();
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn target(path: &Path, format: &str) -> Target {
    let options = [("format".to_owned(), format.to_owned())];
    Target::new(path.to_str().unwrap(), &options, "auto").unwrap()
}

#[test]
fn a_line_is_what_its_format_makes_of_it() {
    let world = World::new("%(levelname)-7s %(message)s");
    world.say(Level::Notice, "[j] Ban 192.0.2.1");
    assert_eq!(world.read("log"), "NOTICE  [j] Ban 192.0.2.1\n");
}

#[test]
fn lines_below_the_threshold_are_not_written() {
    let world = World::new("%(message)s");
    world.say(Level::Debug, "a");
    world.log.set_threshold(Level::Debug.into());
    world.say(Level::Debug, "b");
    world.log.set_threshold("99".parse().unwrap());
    world.say(Level::Critical, "c");
    assert_eq!(world.read("log"), "b\n");
}

#[test]
fn a_log_that_we_make_is_its_owners_alone() {
    let world = World::new("%(message)s");
    let mode = fs::metadata(world.path("log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_that_was_renamed_is_made_anew_by_a_flush() {
    let world = World::new("%(message)s");
    world.say(Level::Info, "a");
    world.read("log");
    fs::rename(world.path("log"), world.path("log.1")).unwrap();
    world.say(Level::Info, "b");
    let flushed = world.runtime.block_on(world.log.flush()).unwrap();
    assert_eq!(flushed.answer(), "rolled over");
    world.say(Level::Info, "c");
    let rollover = format!("rollover performed on {}", world.path("log").display());
    assert_eq!(world.read("log"), format!("{rollover}\nc\n"));
    assert_eq!(world.read("log.1"), "a\nb\n");
}

#[test]
fn a_new_target_begins_with_telling_so() {
    let world = World::new("%(message)s");
    let second = world.path("second");
    let changed = world.log.set_target(target(&second, "%(message)s"));
    world.runtime.block_on(changed).unwrap();
    let second = second.display();
    assert_eq!(
        world.read("second"),
        format!("Start Fail2ban v1.1.1\nChanged logging target to {second} for Fail2ban v1.1.1\n")
    );
}

#[test]
fn a_target_that_cannot_be_opened_leaves_the_former_one() {
    let world = World::new("%(levelname)s %(message)s");
    let absent = world.path("no/such");
    let changed = world.log.set_target(target(&absent, "%(message)s"));
    assert!(world.runtime.block_on(changed).is_err());
    let syslog = Target::new("SYSLOG", &[], absent.to_str().unwrap()).unwrap();
    assert!(world.runtime.block_on(world.log.set_target(syslog)).is_err());
    let (log, absent) = (world.path("log"), absent.display());
    assert_eq!(
        world.read("log"),
        format!(
            "ERROR Unable to log to '{absent}'\nINFO Logging to previous target '{}'\n\
             ERROR Syslog socket file: {absent} does not exists or is not a socket\n",
            log.display()
        )
    );
}

/// A socket as syslog and journald have it, and what comes there.
fn listener(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

fn heard(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 16 * 1024];
    let length = socket.recv(&mut bytes).unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

#[test]
fn syslog_hears_lines_with_their_priority() {
    let world = World::new("%(message)s");
    let (socket, pid) = (world.path("syslog"), std::process::id());
    let syslog = listener(&socket);
    let options = [("facility".to_owned(), "AUTH".to_owned())];
    let target = Target::new("SYSLOG", &options, socket.to_str().unwrap()).unwrap();
    world.runtime.block_on(world.log.set_target(target)).unwrap();
    assert_eq!(heard(&syslog), format!("<38>fail2ban.server[{pid}]: INFO Start Fail2ban v1.1.1\0"));
    assert!(heard(&syslog).contains(&format!(" to SYSLOG ({}) for", socket.display())));
    world.say(Level::Notice, "[j1] Ban 192.0.2.8");
    assert_eq!(heard(&syslog), format!("<37>fail2ban.actions[{pid}]: NOTICE [j1] Ban 192.0.2.8\0"));
}

#[test]
fn syslog_may_be_restarted() {
    let world = World::new("%(message)s");
    let socket = world.path("syslog");
    let syslog = listener(&socket);
    let target = Target::new("SYSLOG", &[], socket.to_str().unwrap()).unwrap();
    world.runtime.block_on(world.log.set_target(target)).unwrap();
    drop(syslog);
    fs::remove_file(&socket).unwrap();
    let syslog = listener(&socket);
    world.say(Level::Notice, "a");
    assert!(heard(&syslog).ends_with("NOTICE a\0"));
}

#[test]
fn the_journal_hears_fields() {
    let world = World::new("%(message)s");
    let socket = world.path("journal");
    let journal = listener(&socket);
    let mut target = Target::new("SYSTEMD-JOURNAL", &[], "auto").unwrap();
    target.place = Place::Journal { socket };
    world.runtime.block_on(world.log.set_target(target)).unwrap();
    for _ in 0..2 {
        heard(&journal); // that the target changed
    }
    world.say(Level::Warning, "[j] a\nPRIORITY=0");
    assert_eq!(
        heard(&journal),
        "SYSLOG_IDENTIFIER=fail2ban\nPRIORITY=4\nLOGGER=fail2ban.actions\nMESSAGE=[j] a\\nPRIORITY=0\n"
    );
}

#[test]
fn a_text_has_an_end() {
    let world = World::new("%(message)s");
    world.say(Level::Info, &"ä".repeat(TEXT_MAX));
    assert_eq!(world.read("log").len(), TEXT_MAX + "…\n".len());
}

#[test]
fn what_finds_no_room_is_counted_and_told_of() {
    let world = World::new("%(message)s");
    let (to_writer, mut inbox) = mpsc::channel(ROOM);
    let stuck = Log { to_writer, shared: world.log.shared.clone() };
    for _ in 0..ROOM {
        stuck.say(Said::new("filter", Level::Info, "found"));
    }
    for _ in 0..ROOM {
        stuck.say(Said::new("actions", Level::Notice, "ban"));
    }
    let mut bans = 0;
    while let Ok(ToWriter::Say(_, said)) = inbox.try_recv() {
        bans += usize::from(said.level == Level::Notice);
    }
    assert!(bans >= ROOM / 2 - 1, "{bans} bans found room");
    let lost = world.log.shared.lost.load(Ordering::Relaxed);
    assert_eq!(lost, ROOM as u64);
    world.say(Level::Info, "a");
    let told = format!("{lost} lines of this log are lost: more were said than its target takes");
    assert_eq!(world.read("log"), format!("{told}\na\n"));
    assert_eq!(world.log.shared.lost.load(Ordering::Relaxed), 0);
}

#[test]
fn a_full_disk_costs_lines_and_says_so() {
    let world = World::new("%(message)s");
    let full = world.log.set_target(target(Path::new("/dev/full"), "%(message)s"));
    world.runtime.block_on(full).unwrap();
    world.say(Level::Info, "a");
    world.runtime.block_on(world.log.settle()).unwrap();
    let back = world.log.set_target(target(&world.path("log"), "%(message)s"));
    world.runtime.block_on(back).unwrap();
    world.say(Level::Info, "b");
    let written = world.read("log");
    assert!(written.contains("lines of this log are lost"), "{written}");
    assert!(written.ends_with("\nb\n"), "{written}");
}

#[test]
fn the_programs_own_events_arrive_too() {
    let world = World::new("%(name)s %(levelname)s %(message)s");
    let subscriber = tracing_subscriber::registry().with(LogLayer(world.log.clone()));
    tracing::subscriber::with_default(subscriber, || {
        tracing::warn!(target: "rban::daemon::detector", jail = "j", line = "a\n] Ban 192.0.2.1", "no date");
        tracing::info!(target: "rban::daemon", "ready");
        tracing::error!(target: "mio", count = 2, error = %"broken", "odd");
        tracing::debug!(target: "rban::daemon", "unheard");
    });
    assert_eq!(
        world.read("log"),
        "fail2ban.filter WARNING [j] no date (line=\"a\\n] Ban 192.0.2.1\")\n\
         fail2ban.server INFO ready\nrban ERROR odd (count=2, error=broken)\n"
    );
}
