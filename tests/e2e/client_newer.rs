//! What the specified release answers and the packaged one does not know.

use anyhow::{Result, ensure};

use crate::client_world::{JAILS, Servers};

const STATUS: &str = "Status
|- Number of jail:\t2
|- Jail list:\tdoor, gate
`- Status for the jails:
   |- Jail: door
   |  |- Filter
   |  |  |- Currently failed:\t0
   |  |  |- Total failed:\t3
   |  |  `- File list:\tLOGS/door.log
   |  `- Actions
   |     |- Currently banned:\t2
   |     |- Total banned:\t2
   |     `- Banned IP list:\t192.0.2.50 192.0.2.60
   `- Jail: gate
      |- Filter
      |  |- Currently failed:\t1
      |  |- Total failed:\t2
      |  `- File list:\tLOGS/gate.log LOGS/gate2.log
      `- Actions
         |- Currently banned:\t0
         |- Total banned:\t0
         `- Banned IP list:\t
";

const STATS: &str = "          ║          ║ Filter    ║ Actions \u{20}
 Jail     ║ Backend  ╟───────────╫───────────
          ║          ║ cur │ tot ║ cur │ tot
══════════╬══════════╬═══════════╬═══════════
 door     ║ polling  ║   0 │   3 ║   2 │   2
 gate     ║ polling  ║   1 │   2 ║   0 │   0
══════════╩══════════╩═══════════╩═══════════
";

#[test]
fn all_jails_at_once() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.write("door.log", &["knock from 192.0.2.50"; 3], "door", 3)?;
    servers.write("gate.log", &["root refused at 192.0.2.51"; 2], "gate", 2)?;
    servers.ask("set door banip 192.0.2.60")?;
    servers.wait_for("status door", "Currently banned:\t2\n")?;
    let short = STATUS.lines().filter(|line| !line.contains("Banned IP list"));
    let short: String = short.map(|line| format!("{line}\n")).collect();
    let short = short.replace("|- Total banned", "`- Total banned");
    for (words, expected) in [
        ("status --all", STATUS),
        ("status --all basic", STATUS),
        ("status --all short", &short),
        ("stats", STATS),
        ("statistics", STATS),
        ("status --all stats", STATS),
        (
            "statistic",
            "{'door': ['polling', (0, 3), (2, 2)], 'gate': ['polling', (1, 2), (0, 0)]}\n",
        ),
        ("add --all", "Reserved name '--all'\n"),
    ] {
        let said = servers.ask_one(2, words)?;
        ensure!(said.stdout == expected, "{words}:\n{}\n{}", said.stdout, said.stderr);
    }
    // fail2ban's own client prints what it knows no words for as it comes.
    let said = servers.ask_one(1, "stats")?.stdout;
    ensure!(said.contains("'door': ['polling', (0, 3), (2, 2)]"), "{said}");
    Ok(())
}

#[test]
fn a_jail_of_the_journal() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    for (words, expected) in [
        ("add journal systemd", "Added jail journal\n"),
        ("get journal journalmatch", "No journal match filter set\n"),
        (
            "set journal addjournalmatch _SYSTEMD_UNIT=a.service",
            "Current match filter:\n_SYSTEMD_UNIT=a.service\n",
        ),
        (
            "set journal addjournalmatch _COMM=b _UID=0",
            "Current match filter:\n_SYSTEMD_UNIT=a.service + _COMM=b _UID=0\n",
        ),
        ("get journal datepattern", "Current date pattern set to: Not set/required\n"),
        ("set journal addfailregex '^ knock from <ADDR>$'", ""),
        (
            "set journal deljournalmatch _SYSTEMD_UNIT=a.service",
            "Current match filter:\n_COMM=b _UID=0\n",
        ),
        ("set journal deljournalmatch _COMM=c", "Match _COMM=c not found\n"),
        ("status journal short", "Journal matches:\t_COMM=b _UID=0\n"),
        (
            "set journal banip 192.0.2.60",
            "jail 'journal' does not run; write `start journal` first\n",
        ),
        ("stop journal", "Jail stopped\n"),
    ] {
        for at in [1, 2] {
            let said = servers.ask_one(at, words)?;
            ensure!(said.stdout.contains(expected), "{words}:\n{}\n{}", said.stdout, said.stderr);
        }
    }
    Ok(())
}
