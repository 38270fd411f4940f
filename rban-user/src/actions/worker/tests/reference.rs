//! The same actions, run by us and by the fail2ban that is installed: they leave the same behind.

use std::process::Command;

use super::*;

const CLIENT: &str = "/usr/bin/fail2ban-client";

/// A conditional action; its ban of 192.0.2.2 fails once, and then its check does.
const C: &[(&str, &str)] = &[
    ("actionstart", "echo C start <family> <x> >>OUT"),
    ("actionstop", "echo C stop <family> >>OUT"),
    ("actionflush", "echo C flush <family> >>OUT"),
    (
        "actioncheck",
        "echo C check <family> >>OUT; test -e OUT.checked || { touch OUT.checked; false; }",
    ),
    ("actionrepair", "echo C repair <family> >>OUT"),
    (
        "actionban",
        "echo \"C ban <ip> <family> <fid> <bancount> <restored> <failures> <ip-rev> [<matches>] [<F-NONE>]\" >>OUT
         test <ip> != 192.0.2.2 || test -e OUT.banned || { touch OUT.banned; false; }",
    ),
    ("actionunban", "echo C unban <ip> <x> >>OUT"),
    ("x", "v4"),
    ("x?family=inet6", "v6"),
];

/// One that always fails.
const D: &[(&str, &str)] = &[
    ("actionstart", "echo D start <family> >>OUT; false"),
    ("actionstop", "echo D stop <family> >>OUT"),
    ("actionban", "echo D ban <ip> >>OUT; false"),
    ("actionunban", "echo D unban <ip> >>OUT"),
];

/// One that is alike for all families, and lifts its bans one by one.
const E: &[(&str, &str)] = &[
    ("actionstart", "echo E start >>OUT"),
    ("actionstop", "echo E stop >>OUT"),
    ("actionban", "echo E ban '<ip>' <bantime> <name> <actname> >>OUT"),
    ("actionunban", "echo E unban '<ip>' >>OUT"),
];

/// One that starts on demand, but never succeeds in it.
const F: &[(&str, &str)] = &[
    ("actionstart_on_demand", "true"),
    ("actionstart", "echo F start <family> >>OUT; false"),
    ("actionstop", "echo F stop >>OUT"),
    ("actionban", "echo F ban >>OUT"),
    ("actionunban", "echo F unban >>OUT"),
];

type Actions = [(&'static str, &'static [(&'static str, &'static str)])];

const ACTIONS: &Actions = &[("C", C), ("D", D), ("E", E), ("F", F)];

/// The last of them lets fail2ban 1.0.2 know again that there is something to lift: a repair had it forget that.
const BANS: [&str; 4] = ["192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3"];
const UNBANS: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

/// One that shows who came and what was logged of it.
const SHOWING: &Actions =
    &[("S", &[("actionban", "printf '%s|' \"<matches>\" \"<F-USER>\" <ip> >>OUT; echo >>OUT")])];

/// Names of users that a shell must not see as more than names.
const USERS: [&str; 16] = [
    "a b",
    "'",
    "\"",
    "`id`",
    "$(id)",
    "a;b",
    "\\",
    "${IFS}",
    "<ip>",
    "*",
    "!x",
    "#",
    "-n",
    "é",
    "$f2bV_matches",
    "&",
];

/// Somebody who runs a server.
struct Server<'a>(&'a Path);

impl<'a> Server<'a> {
    /// With a jail that has these actions.
    fn start(directory: &'a Path, actions: &Actions, out: &str) -> Self {
        let at = |name: &str| directory.join(name);
        for name in ["action.d", "filter.d"] {
            fs::create_dir(at(name)).unwrap();
        }
        for (name, options) in actions {
            fs::write(at(&format!("action.d/{name}.conf")), file(options, out)).unwrap();
        }
        let filter = "[Definition]\nfailregex = ^\\s*fail <ADDR> <F-USER>.*</F-USER>$\n";
        fs::write(at("filter.d/f.conf"), filter).unwrap();
        fs::write(at("in.log"), "").unwrap();
        let shown = directory.display();
        let names: Vec<_> = actions.iter().map(|(name, _)| *name).collect();
        let jail = format!(
            "[j]\nenabled = true\nfilter = f\nbackend = polling\nbantime = 600\nmaxretry = 1\n\
             logpath = {shown}/in.log\naction = {}\n",
            names.join("\n ")
        );
        fs::write(at("jail.conf"), jail).unwrap();
        let server = format!(
            "[Definition]\nloglevel = ERROR\nlogtarget = {shown}/log\nsyslogsocket = auto\nsocket = {shown}/sock\n\
             pidfile = {shown}/pid\ndbfile = :memory:\ndbpurgeage = 1d\nallowipv6 = yes\n"
        );
        fs::write(at("fail2ban.conf"), server).unwrap();
        let server = Self(directory);
        server.tell(&["start"]);
        server
    }

    fn tell(&self, words: &[&str]) {
        let done = Command::new(CLIENT).arg("-c").arg(self.0).args(words).output();
        let done = done.unwrap_or_else(|_| panic!("no {CLIENT}; install the package fail2ban"));
        assert!(done.status.success(), "{words:?}: {done:?}");
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // Fails where it has been stopped.
        drop(Command::new(CLIENT).arg("-c").arg(self.0).arg("stop").output());
    }
}

/// An action's file.
fn file(options: &[(&str, &str)], out: &str) -> String {
    let line = |(name, text): &(&str, &str)| {
        let text = text.replace("OUT", out).replace('%', "%%").replace('\n', "\n ");
        format!("{name} = {text}\n")
    };
    let (commands, others): (Vec<_>, Vec<_>) =
        options.iter().partition(|(name, _)| name.starts_with("action"));
    let mut text: String = "[Definition]\n".to_owned();
    text.extend(commands.into_iter().map(line));
    for (name, value) in others {
        let (name, condition) = name.split_once('?').unwrap_or((name, ""));
        let section = ["Init", condition].join(if condition.is_empty() { "" } else { "?" });
        text += &format!("[{section}]\n{name} = {value}\n");
    }
    text
}

/// Does the same with ours.
async fn ours(actions: &Actions, out: &str, tasks: Vec<Task>) {
    let spec = |(name, options): &(&str, &[(&str, &str)])| {
        let options = options.iter().map(|(name, text)| (*name, text.replace("OUT", out)));
        let own = [("name", "j".to_owned()), ("actname", (*name).to_owned())];
        let options: Vec<_> = options.chain(own).collect();
        let options: Vec<_> = options.iter().map(|(name, text)| (*name, &**text)).collect();
        super::spec(name, &options)
    };
    let specs: Vec<_> = actions.iter().map(spec).collect();
    work(&specs, &Known::default(), tasks).await;
}

fn lines(path: &str) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_installed_fail2ban_runs_the_same_commands() {
    let directory = TempDir::new().unwrap();
    let [theirs, our] =
        ["theirs", "ours"].map(|name| directory.path().join(name).display().to_string());
    let server = Server::start(directory.path(), ACTIONS, &theirs);
    BANS.iter().for_each(|id| server.tell(&["set", "j", "banip", id]));
    UNBANS.iter().for_each(|id| server.tell(&["set", "j", "unbanip", id]));
    server.tell(&["stop"]);
    let tickets = |ids: &[&str]| ids.iter().map(|id| Arc::new(ticket(id))).collect::<Vec<_>>();
    let mut tasks = vec![Task::Start];
    tasks.extend(tickets(&BANS).into_iter().map(Task::Ban));
    tasks.extend(tickets(&UNBANS).into_iter().map(Task::Unban));
    tasks.push(Task::Stop(tickets(&BANS[2..])));
    ours(ACTIONS, &our, tasks).await;
    assert_eq!(lines(&our), lines(&theirs));
}

#[tokio::test]
async fn the_installed_fail2ban_shows_the_same_hostile_text() {
    let directory = TempDir::new().unwrap();
    let [theirs, our] =
        ["theirs", "ours"].map(|name| directory.path().join(name).display().to_string());
    let server = Server::start(directory.path(), SHOWING, &theirs);
    let now = Command::new("date").arg("+%F %T").output().unwrap().stdout;
    let now = String::from_utf8(now).unwrap();
    let failures = USERS.iter().enumerate().map(|(at, user)| {
        let ip = format!("192.0.2.{}", at + 1);
        (ip.clone(), *user, format!("{} fail {ip} {user}", now.trim()))
    });
    let failures: Vec<_> = failures.collect();
    let log: String = failures.iter().map(|(_, _, line)| format!("{line}\n")).collect();
    fs::write(directory.path().join("in.log"), log).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while lines(&theirs).len() < USERS.len() {
        assert!(Instant::now() < deadline, "it bans {:?} only", lines(&theirs));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.tell(&["stop"]);
    let ban = |(ip, user, line): (String, &str, String)| {
        let captures = vec![("user".into(), user.to_owned())];
        Task::Ban(Arc::new(Ticket { matches: vec![line.into()], captures, ..ticket(&ip) }))
    };
    ours(SHOWING, &our, failures.into_iter().map(ban).collect()).await;
    assert_eq!(lines(&our), lines(&theirs));
}
