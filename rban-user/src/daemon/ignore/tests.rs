//! A jail that bans for one failure, and whom it lets off.

use std::fs;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::mpsc as sync;

use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::daemon::names::Families;
use crate::event::Line;
use crate::jail::{Counted, Spec, Step, ignore};

/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct Test {
    jail: Jail,
    screen: Screen,
    bans: Vec<String>,
}

impl Test {
    fn new(ignore: ignore::Spec) -> Self {
        Self::asking(ignore, |_| Ok(vec!["192.0.2.1".parse().unwrap()]))
    }

    fn asking(
        ignore: ignore::Spec,
        ask: impl Fn(&crate::addr::HostName) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Self {
        let jail = Jail::new(Spec {
            name: "sshd".into(),
            maxretry: 1.try_into().unwrap(),
            findtime: Duration::from_secs(600),
            bantime: None,
            maxmatches: 1,
            increment: None,
            ipv6_prefix: 128,
            neighbours: None,
            ignore,
        });
        let screen = Screen::new("sshd".into(), World::new(Names::asking(Families::Both, ask)));
        Self { jail, screen, bans: Vec::new() }
    }

    fn fail(&mut self, offender: &str, line: &str) {
        let now = Now::read();
        let failure = Failure {
            jail: "sshd".into(),
            id: offender.into(),
            ip: None,
            time: now.wall,
            lines: vec![Line::from(line.to_owned())],
            captures: Vec::new(),
        };
        let judged = self.screen.judge(&mut self.jail, vec![failure], now);
        self.note(judged);
    }

    fn note(&mut self, judged: Vec<Verdict>) {
        self.bans.extend(judged.iter().filter_map(|verdict| match &verdict.outcome {
            Outcome::Counted(Counted { step: Some(Step::Banned { ban, .. }), .. }) => {
                Some(ban.id.to_string())
            }
            _ => None,
        }));
    }

    async fn hear(&mut self) {
        let done =
            timeout(PATIENCE, self.screen.done()).await.expect("nothing was found out").unwrap();
        let judged = self.screen.hear(&mut self.jail, done, Now::read());
        self.note(judged);
    }

    /// Who is banned once everything is judged.
    async fn banned(&mut self) -> Vec<String> {
        while self.screen.waiting() > 0 {
            self.hear().await;
        }
        std::mem::take(&mut self.bans)
    }
}

fn ignoring(ignoreip: &str) -> ignore::Spec {
    ignore::Spec { ignoreip: ignore::entries(ignoreip).0, ..Default::default() }
}

fn commanding(script: &str) -> ignore::Spec {
    ignore::Spec { ignorecommand: Some(script.parse().unwrap()), ..Default::default() }
}

#[tokio::test]
async fn what_needs_no_asking_is_judged_at_once() {
    let mut test = Test::new(ignoring("192.0.2.1"));
    test.fail("192.0.2.1", "");
    test.fail("192.0.2.2", "");
    assert_eq!((test.screen.waiting(), test.bans), (0, vec!["192.0.2.2".to_owned()]));
}

#[tokio::test]
async fn a_failure_waits_for_the_addresses_of_a_name() {
    let mut test = Test::new(ignoring("host.example"));
    for offender in ["192.0.2.1", "192.0.2.2"] {
        test.fail(offender, "");
    }
    assert_eq!(test.bans, Vec::<String>::new());
    assert_eq!(test.banned().await, ["192.0.2.2"]);
    test.fail("192.0.2.1", "");
    test.fail("192.0.2.3", "");
    assert_eq!(test.bans, ["192.0.2.3"], "then it is known");
}

#[tokio::test]
async fn a_failure_waits_no_longer_than_it_should() {
    let (release, held) = sync::sync_channel::<()>(0);
    let held = Mutex::new(held);
    let mut test = Test::asking(ignoring("host.example"), move |_| {
        held.lock().unwrap().recv().unwrap_or_default();
        Ok(vec!["192.0.2.3".parse().unwrap()])
    });
    test.fail("192.0.2.2", "");
    assert_eq!(test.banned().await, ["192.0.2.2"]);
    drop(release);
    test.hear().await;
    test.fail("192.0.2.3", "");
    assert_eq!(test.banned().await, Vec::<String>::new(), "an answer is heard however late");
}

#[tokio::test]
async fn a_file_is_followed_and_its_loss_survived() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ignored");
    fs::write(&path, "192.0.2.1 # me\n").unwrap();
    let mut test = Test::new(ignoring(&format!("file:{}", path.display())));
    let good = Duration::from_millis(1_100);
    test.fail("192.0.2.1", "");
    test.fail("192.0.2.2", "");
    assert_eq!(test.banned().await, ["192.0.2.2"]);
    fs::write(&path, "192.0.2.1\n192.0.2.3\n").unwrap();
    tokio::time::sleep(good).await;
    test.fail("192.0.2.3", "");
    assert_eq!(test.banned().await, Vec::<String>::new());
    fs::remove_file(&path).unwrap();
    tokio::time::sleep(good).await;
    test.fail("192.0.2.3", "");
    test.fail("192.0.2.4", "");
    assert_eq!(test.banned().await, ["192.0.2.4"]);
}

#[tokio::test]
async fn a_command_decides_by_its_exit_code() {
    let mut test =
        Test::new(commanding("case <ip> in *.1) exit 0;; *.2) exit 1;; *) exit 2;; esac"));
    for offender in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        test.fail(offender, "");
    }
    let mut banned = test.banned().await;
    banned.sort_unstable();
    assert_eq!(banned, ["192.0.2.2", "192.0.2.3"]);
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_and_the_failure_counts() {
    let mut test = Test::new(commanding("sleep 60"));
    test.screen.world.command_patience = Duration::from_millis(50);
    test.fail("192.0.2.1", "");
    assert_eq!(test.banned().await, ["192.0.2.1"]);
}

#[tokio::test]
async fn one_that_hangs_keeps_nobody_else_waiting() {
    let directory = TempDir::new().unwrap();
    let gate = directory.path().join("gate");
    let script = format!(
        "case <ip> in *.1) until [ -e {} ]; do sleep 0.01; done;; esac; exit 1",
        gate.display()
    );
    let mut test = Test::new(commanding(&script));
    test.fail("192.0.2.1", "");
    test.fail("192.0.2.2", "");
    while test.bans.is_empty() {
        test.hear().await;
    }
    assert_eq!(test.bans, ["192.0.2.2"]);
    fs::write(gate, "").unwrap();
    assert_eq!(test.banned().await, ["192.0.2.2", "192.0.2.1"]);
}

#[tokio::test]
async fn the_failures_of_an_offender_stay_in_order_and_share_an_answer() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    let mut test = Test::new(commanding(&format!("echo <matches> >> {}; exit 1", log.display())));
    for line in ["a", "b", "b", "b", "c", "b"] {
        test.fail("192.0.2.1", line);
    }
    assert_eq!(test.screen.waiting(), 6);
    test.banned().await;
    assert_eq!(fs::read_to_string(log).unwrap(), "a\nb\nc\nb\n");
}

#[tokio::test]
async fn it_is_full_when_too_many_wait() {
    let mut test = Test::new(commanding("exit 0"));
    for _ in 0..WAITING_MAX {
        assert!(!test.screen.is_full());
        test.fail("192.0.2.1", "");
    }
    assert!(test.screen.is_full());
    assert_eq!(test.banned().await, Vec::<String>::new());
    assert!(!test.screen.is_full());
}
