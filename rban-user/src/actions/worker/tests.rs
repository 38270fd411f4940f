//! Real shells, and what they left behind.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use bytes::Bytes;
use tempfile::TempDir;

mod reference;

use super::*;

/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who knows what a test needs.
#[derive(Clone, Default)]
struct Known {
    said: Arc<Mutex<Vec<Said>>>,
    host: Option<&'static str>,
    record: Option<Record>,
}

impl World for Known {
    async fn host_name(&self, _: IpAddr) -> Option<String> {
        self.host.map(str::to_owned)
    }

    async fn record(&self, _: &str, jails: Jails) -> Option<Record> {
        self.record.clone().filter(|_| jails == Jails::All)
    }

    async fn counters(&self) -> Counters {
        Counters { banned: 1, banned_total: 2, found: 3, found_total: 4 }
    }

    fn now(&self) -> WallTime {
        WallTime::from_secs(1_795_284_000)
    }

    fn say(&self, said: Said) {
        self.said.lock().unwrap().push(said);
    }
}

impl Known {
    fn texts(&self, level: Level) -> Vec<String> {
        let said = self.said.lock().unwrap();
        said.iter().filter(|it| it.level == level).map(|it| it.text.clone()).collect()
    }
}

fn setup(jail: &str) -> Setup {
    Setup {
        jail: jail.into(),
        bantime: Some(Duration::from_secs(600)),
        families: Families::Both,
        own_names: OwnNames { full: "host.example.org".into(), short: "host".into() },
        turns: Arc::new(Semaphore::new(1)),
    }
}

fn spec(name: &str, options: &[(&str, &str)]) -> Spec {
    let options = options.iter().map(|(name, text)| (name.to_string(), text.to_string()));
    Spec { name: name.into(), timeout: Duration::from_secs(5), options: options.collect() }
}

fn ticket(id: &str) -> Ticket {
    let empty = Ticket::empty(WallTime::from_secs(1_795_284_000), Some(Duration::from_secs(600)));
    Ticket { id: id.into(), ip: id.parse().ok(), bancount: 1, ..empty }
}

/// Does these tasks to their end.
async fn work(specs: &[Spec], world: &Known, tasks: Vec<Task>) {
    let (handle, worker) = Worker::new(setup("j"), specs, world.clone());
    tasks.into_iter().for_each(|task| handle.tell(task));
    drop(handle);
    tokio::time::timeout(PATIENCE, worker.run()).await.expect("it ends");
}

/// What a ban's command writes to `$OUT`, which stands for a file in it.
async fn written(world: &Known, command: &str, ticket: Ticket) -> String {
    let directory = TempDir::new().unwrap();
    let out = directory.path().join("out");
    let command = command.replace("$OUT", out.to_str().unwrap());
    let specs = [spec("A", &[("actionban", &command), ("name", "sshd")])];
    work(&specs, world, vec![Task::Ban(Arc::new(ticket))]).await;
    String::from_utf8_lossy(&fs::read(out).unwrap_or_default()).into_owned()
}

#[tokio::test]
async fn tags_become_what_they_stand_for() {
    let lines = vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    let record = Some(Record { matches: lines, failures: 7 });
    let world = Known { host: Some("mail.example.org"), record, ..Known::default() };
    let ticket = Ticket {
        failures: 3,
        captures: vec![("user".into(), "alice".to_owned())],
        ..ticket("192.0.2.1")
    };
    let all = "printf '%s|' <ip> <family> <ip-rev> <ip-host> <fid> <failures> <time> <bantime> <bancount> \
               <restored> <ipfailures> <ipjailfailures> <F-USER> \"<F-NONE>\" <F-ID> <jail.name> <jail.found_total> \
               <name> <timeout> <fq-hostname> <sh-hostname> \"<ipmatches>\" \"<unknown>\" >$OUT";
    assert_eq!(
        written(&world, all, ticket).await,
        "192.0.2.1|inet4|1.2.0.192.|mail.example.org|192.0.2.1|3|1795284000.0|600|1|0|7|3|alice||j|4|sshd|60|\
         host.example.org|host|one\ntwo|<unknown>|"
    );
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let nasty = [
        "'",
        "\"",
        "`id`",
        "$(id)",
        "a;b",
        "a\nb",
        "\\",
        "${IFS}",
        "\\$0",
        "<ip>",
        "a b",
        "*",
        "!x",
        "#",
        "-n",
        "é",
        "$f2bV_matches",
        "a\rb",
    ];
    for text in nasty {
        let ticket = Ticket {
            matches: vec![Bytes::from_static(text.as_bytes())],
            captures: vec![("user".into(), format!("u{text}"))],
            ..ticket("192.0.2.1")
        };
        let command = "printf '%s|' \"<matches>\" \"<F-USER>\" >$OUT";
        let out = written(&Known::default(), command, ticket).await;
        assert_eq!(out, format!("{text}|u{text}|"));
    }
}

#[tokio::test]
async fn a_text_for_an_id_stays_text() {
    let id = "x'; exit 1; $(id)";
    let command = "printf '%s|' \"<ip>\" <family> \"<fid>\" >$OUT";
    let out = written(&Known::default(), command, ticket(id)).await;
    assert_eq!(out, format!("{id}|None|{id}|"));
}

#[tokio::test]
async fn very_long_text_loses_its_beginning_and_nul_bytes() {
    let long = Bytes::from(["x".repeat(200_000), "\0end".to_owned()].concat());
    let ticket = Ticket { matches: vec![long], ..ticket("192.0.2.1") };
    let out = written(&Known::default(), "printf '%s' \"<matches>\" >$OUT", ticket).await;
    assert!(out.ends_with("xend") && out.len() > 90_000, "{}", out.len());
}

#[tokio::test]
async fn ten_hostile_values_and_more_find_their_variables() {
    let captures = (0..13).map(|at| (format!("c{at}").into(), format!("'{at}'"))).collect();
    let tags: String = (0..13).map(|at| format!(" \"<F-C{at}>\"")).collect();
    let ticket = Ticket { captures, ..ticket("192.0.2.1") };
    let out = written(&Known::default(), &format!("printf '%s,' {tags} >$OUT"), ticket).await;
    assert_eq!(out, (0..13).map(|at| format!("'{at}',")).collect::<String>());
}

#[tokio::test]
async fn a_failing_command_is_told_of_line_by_line() {
    let world = Known::default();
    let specs = [spec("D", &[("actionstart", "echo so; echo s\\'e >&2; exit 3")])];
    work(&specs, &world, vec![Task::Start]).await;
    let said = world.texts(Level::Error);
    let id = said[0].split(' ').next().unwrap().to_owned();
    assert!(u64::from_str_radix(&id, 16).is_ok());
    assert_eq!(
        said,
        [
            format!("{id} -- exec: echo so; echo s\\'e >&2; exit 3"),
            format!("{id} -- stdout: 'so'"),
            format!("{id} -- stderr: \"s'e\""),
            format!("{id} -- returned 3"),
            "Failed to start jail 'j' action 'D': Error starting action Jail('j')/D: 'Script error'".to_owned(),
        ]
    );
}

#[tokio::test]
async fn ends_of_all_kinds_have_names() {
    for (command, expected) in [
        ("kill -9 $$", "killed with SIGKILL (return code: -9)"),
        ("exit 143", "killed with SIGTERM (return code: 143)"),
        ("no-such-command-anywhere", "returned 127"),
        ("sleep 30", "timed out after 0.2 seconds."),
    ] {
        let world = Known::default();
        let mut spec = spec("D", &[("actionstart", command)]);
        spec.timeout = Duration::from_millis(200);
        work(&[spec], &world, vec![Task::Start]).await;
        let said = world.texts(Level::Error);
        assert!(said.iter().any(|text| text.ends_with(expected)), "{said:?}");
        let hint = world.texts(Level::Info).iter().any(|text| text.starts_with("HINT on 127"));
        assert_eq!(hint, command.starts_with("no-"));
    }
}

/// An action that writes down what it does.
fn writing(name: &str, out: &Path) -> Spec {
    let echo = |what: &str| format!("echo {name} {what} >>{}", out.display());
    let commands = [
        ("actionstart", "start"),
        ("actionstop", "stop"),
        ("actionban", "ban '<ip>'"),
        ("actionunban", "unban '<ip>'"),
        ("actionreload", "reload"),
    ];
    let commands = commands.map(|(command, what)| (command, echo(what)));
    spec(name, &commands.each_ref().map(|(command, text)| (*command, text.as_str())))
}

#[tokio::test]
async fn a_revision_stops_what_goes_starts_what_comes_and_reloads_the_rest() {
    let directory = TempDir::new().unwrap();
    let out = directory.path().join("out");
    let [a, b, c] = ["A", "B", "C"].map(|name| writing(name, &out));
    let ban = Arc::new(ticket("192.0.2.1"));
    let bans = || vec![ban.clone()];
    let revise = |specs: &[&Spec], how| Task::Revise {
        specs: specs.iter().map(|spec| (*spec).clone()).collect(),
        bans: bans(),
        how,
    };
    let tasks = vec![
        Task::Start,
        Task::Ban(ban.clone()),
        revise(&[&b, &c], Revision::Reload),
        revise(&[&b], Revision::Set),
        Task::Stop(bans()),
    ];
    work(&[a.clone(), b.clone()], &Known::default(), tasks).await;
    let lines = fs::read_to_string(out).unwrap();
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(
        lines,
        [
            "A start",
            "B start",
            "A ban 192.0.2.1",
            "B ban 192.0.2.1",
            "A unban 192.0.2.1",
            "A stop",
            "B reload",
            "C start",
            "C stop",
            "B unban 192.0.2.1",
            "B stop",
        ]
    );
}

#[tokio::test]
async fn a_ban_that_a_repair_may_have_undone_is_made_again() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (out, fails) = (path("out"), path("fails"));
    let echo = |what: &str| format!("echo {what} >>{out}");
    let options = [
        ("actionstart", echo("start")),
        ("actionban", echo("ban '<ip>'")),
        ("actioncheck", format!("! rm {fails}")),
        ("actionrepair", echo("repair")),
    ];
    let spec = spec("A", &options.each_ref().map(|(name, text)| (*name, text.as_str())));
    fs::write(&fails, "").unwrap();
    let world = Known::default();
    let ban = Arc::new(ticket("192.0.2.1"));
    let again = || Task::Again(ban.clone());
    work(&[spec], &world, vec![Task::Start, Task::Ban(ban.clone()), again(), again()]).await;
    assert_eq!(fs::read_to_string(out).unwrap(), "start\nban 192.0.2.1\nrepair\nban 192.0.2.1\n");
    assert_eq!(world.texts(Level::Notice), ["[j] Reban 192.0.2.1, action 'A'"]);
}

#[tokio::test]
async fn nobody_waits_for_a_command_that_hangs() {
    let hanging = spec("H", &[("actionban", "sleep 30")]);
    let (handle, worker) = Worker::new(setup("j"), &[hanging], Known::default());
    let worker = tokio::spawn(worker.run());
    let began = Instant::now();
    for at in 0..10_000 {
        handle.tell(Task::Ban(Arc::new(ticket(&format!("user{at}")))));
        if at % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(handle.waiting() <= super::super::queue::WAITING_MAX);
    worker.abort();
}
