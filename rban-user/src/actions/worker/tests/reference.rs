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

const ACTIONS: [(&str, &[(&str, &str)]); 4] = [("C", C), ("D", D), ("E", E), ("F", F)];

/// The last of them lets fail2ban 1.0.2 know again that there is something to lift: a repair had it forget that.
const BANS: [&str; 4] = ["192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3"];
const UNBANS: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

/// Writes a configuration that has them all, and runs through it.
fn reference(directory: &Path, out: &str) {
    let at = |name: &str| directory.join(name);
    for name in ["action.d", "filter.d"] {
        fs::create_dir(at(name)).unwrap();
    }
    for (name, options) in ACTIONS {
        let line = |(name, text): &(&str, &str)| {
            format!("{name} = {}\n", text.replace("OUT", out).replace('\n', "\n "))
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
        fs::write(at(&format!("action.d/{name}.conf")), text).unwrap();
    }
    fs::write(at("filter.d/f.conf"), "[Definition]\nfailregex = ^fail <ADDR>\n").unwrap();
    fs::write(at("in.log"), "").unwrap();
    let shown = directory.display();
    let jail = format!(
        "[j]\nenabled = true\nfilter = f\nbackend = polling\nbantime = 600\nlogpath = {shown}/in.log\n\
         action = C\n D\n E\n F\n"
    );
    fs::write(at("jail.conf"), jail).unwrap();
    let server = format!(
        "[Definition]\nloglevel = ERROR\nlogtarget = {shown}/log\nsyslogsocket = auto\nsocket = {shown}/sock\n\
         pidfile = {shown}/pid\ndbfile = :memory:\ndbpurgeage = 1d\nallowipv6 = yes\n"
    );
    fs::write(at("fail2ban.conf"), server).unwrap();
    let client = |words: &[&str]| {
        let done = Command::new(CLIENT).arg("-c").arg(directory).args(words).output();
        let done = done.expect("fail2ban is installed");
        assert!(done.status.success(), "{words:?}: {done:?}");
    };
    client(&["start"]);
    BANS.iter().for_each(|id| client(&["set", "j", "banip", id]));
    UNBANS.iter().for_each(|id| client(&["set", "j", "unbanip", id]));
    client(&["stop"]);
}

async fn ours(out: &str) {
    let spec = |(name, options): &(&str, &[(&str, &str)])| {
        let options = options.iter().map(|(name, text)| (*name, text.replace("OUT", out)));
        let own = [("name", "j".to_owned()), ("actname", (*name).to_owned())];
        let options: Vec<_> = options.chain(own).collect();
        let options: Vec<_> = options.iter().map(|(name, text)| (*name, &**text)).collect();
        super::spec(name, &options)
    };
    let specs: Vec<_> = ACTIONS.iter().map(spec).collect();
    let tickets = |ids: &[&str]| ids.iter().map(|id| Arc::new(ticket(id))).collect::<Vec<_>>();
    let mut tasks = vec![Task::Start];
    tasks.extend(tickets(&BANS).into_iter().map(Task::Ban));
    tasks.extend(tickets(&UNBANS).into_iter().map(Task::Unban));
    tasks.push(Task::Stop(tickets(&BANS[2..])));
    work(&specs, &Known::default(), tasks).await;
}

#[tokio::test]
async fn the_installed_fail2ban_runs_the_same_commands() {
    if !Path::new(CLIENT).is_file() {
        panic!("no {CLIENT}; install the package fail2ban");
    }
    let directory = TempDir::new().unwrap();
    let [theirs, our] =
        ["theirs", "ours"].map(|name| directory.path().join(name).display().to_string());
    reference(directory.path(), &theirs);
    ours(&our).await;
    let [theirs, our] = [theirs, our].map(|path| fs::read_to_string(path).unwrap());
    assert_eq!(our.lines().collect::<Vec<_>>(), theirs.lines().collect::<Vec<_>>());
}
