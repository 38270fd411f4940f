//! Bans and what is done about them, by command: rban answers as fail2ban's server does, and runs the same commands.

use std::fs;

use anyhow::Result;
use rban_tests::wait::wait_for;

use crate::client_world::{JAILS, NAMES, Servers};

/// fail2ban lists all names of the Python object.
const INSIDES: &str = "fail2ban also lists what is of no use to anybody outside of it";

#[test]
fn bans() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.write("door.log", &["knock from 192.0.2.50"; 3], "door", 3)?;
    servers.write(
        "gate.log",
        &["root refused at 192.0.2.51", "no such user: joe (192.0.2.51)"],
        "gate",
        2,
    )?;
    servers.wait_for("status door", "Currently banned:\t1\n")?;
    servers.compare(
        &[
            "status door",
            "status gate",
            "get door banned",
            "set door banip 192.0.2.60 192.0.2.61",
            "set door banip 192.0.2.60",
            "set door banip 203.0.113.0/24",
            "set door banip 2001:db8::5",
            "set door banip 2001:0DB8:0::6",
            "set door banip not-an-address",
            "set gate banip 198.51.100.7",
            "set gate banip 192.0.2.61",
            "set door banip",
            "set nowhere banip 192.0.2.60",
            "get door banned",
            "get door banned 192.0.2.60",
            "get door banned 192.0.2.99",
            "get door banned 192.0.2.60 192.0.2.99",
            "get gate banned",
            "get nowhere banned",
            "get door banip",
            "get door banip ,",
            "get door banip --with-time",
            "get gate banip",
            "get gate banip --with-time",
            "banned",
            "banned 192.0.2.61",
            "banned 192.0.2.61 192.0.2.99 192.0.2.60",
            "status door",
            "status door short",
            "status gate",
            "set door attempt 192.0.2.70",
            "set door attempt 192.0.2.70 'knock from 192.0.2.70' 'another line'",
            "set gate attempt 198.51.100.9",
            "set door attempt",
            "status door",
            "set door unbanip 192.0.2.60",
            "set door unbanip 192.0.2.60",
            "set door unbanip --report-absent 192.0.2.60",
            "set door unbanip --report-absent 192.0.2.60 192.0.2.61",
            "set door unbanip 203.0.113.0/24",
            "set door unbanip not-an-address",
            "set door unbanip",
            "set nowhere unbanip 192.0.2.60",
            "get door banned",
            "set door banip 192.0.2.61 192.0.2.62 192.0.2.63",
            "unban 192.0.2.61",
            "unban 192.0.2.61",
            "unban 192.0.2.62 192.0.2.99",
            "unban",
            "banned",
            "status door",
            "unban --all",
            "unban --all",
            "banned",
            "status door",
        ],
        &[
            (
                "set gate attempt 198.51.100.9",
                "the packaged release says 1 also of whom it ignores",
            ),
            ("set door attempt", "the packaged release names its own function"),
        ],
    )
}

#[test]
fn actions() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.compare(
        &[
            "get door actions",
            "get door action tell actionban",
            "get door action tell actionunban",
            "get door action tell actioncheck",
            "get door action tell actionflush",
            "get door action tell actionreload",
            "get door action tell timeout",
            "get door action tell name",
            "get door action tell nonsense",
            "get door action nobody actionban",
            "get door action",
            "get door actionproperties tell",
            "get door actionmethods tell",
            "get door actionproperties nobody",
            "get door actionmethods nobody",
            "set door action tell actionban 'echo other <ip>'",
            "get door action tell actionban",
            "set door action tell timeout 5",
            "get door action tell timeout",
            "set door action tell colour red",
            "get door action tell colour",
            "set door addaction extra",
            "set door addaction extra",
            "get door actions",
            "get door action extra actionban",
            "get door actionproperties extra",
            "set door action extra actionban 'echo extra <ip> >> DIR/told'",
            "set door action extra actionstart ''",
            "set door action extra actionunban ''",
            "set door action extra actionstop ''",
            "set door action extra actioncheck ''",
            "set door banip 192.0.2.60",
            "set door delaction extra",
            "set door delaction nobody",
            "get door actions",
            "set door delaction tell",
            "get door actions",
            "set door action tell actionban x",
            "set door addaction",
            "set door action",
            "set gate action tell ban '{\"ip\": \"192.0.2.9\"}'",
            "set gate action tell nonsense",
        ],
        &[
            ("get door actionproperties tell", INSIDES),
            ("get door actionmethods tell", INSIDES),
            ("get door actionproperties extra", INSIDES),
            (
                "set gate action tell ban '{\"ip\": \"192.0.2.9\"}'",
                "rban's actions follow the jail's bans",
            ),
        ],
    )
}

#[test]
fn whoever_can_be_banned() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.compare(
        &[
            "set door banip 192.0.2.60 192.0.2.61 192.0.2.200",
            "set door unbanip 192.0.2.0/25",
            "get door banned",
            "set door banip 2001:db8:5::/64",
            "set door banip 2001:db8:5::1",
            "set door unbanip 2001:db8:5::/64",
            "get door banned",
            "set door banip 192.0.2.9/24",
            "get door banned",
            "set door banip some-key 'a key with blanks' ::ffff:192.0.2.62",
            "get door banned",
            "get door banned 192.0.2.62",
            "get door banned some-key",
            "get door banip",
            "banned some-key 192.0.2.62",
            "set door unbanip 'a key with blanks'",
            "set door unbanip some-key",
            "unban 192.0.2.0/24",
            "banned",
            "set gate attempt 192.0.2.70 a b c d",
            "status gate",
            "get gate banned",
            "set gate attempt 192.0.2.70 e",
        ],
        &[],
    )?;
    servers.wait_for("get gate banned", "['192.0.2.70']")?;
    servers.compare(&["status gate", "get gate banip --with-time"], &[])
}

#[test]
fn actions_run_the_same_commands() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.write("door.log", &["knock from 192.0.2.50"; 3], "door", 3)?;
    servers.wait_for("status door", "Currently banned:\t1\n")?;
    for words in [
        "set door banip 192.0.2.60 2001:db8::60",
        "set door unbanip 192.0.2.60",
        "set door action tell actionban 'echo other <ip> <failures> <bantime> <ip-rev> >> DIR/told'",
        "set door banip 192.0.2.61",
        "set door addaction late",
        "set door action late actionstart 'echo late start >> DIR/told'",
        "set door action late actionban 'echo late <ip> >> DIR/told'",
        "set door action late actionunban 'echo late unban <ip> >> DIR/told'",
        "set door action late actionstop 'echo late stop >> DIR/told'",
        "set door banip 192.0.2.62",
        "set door unbanip 192.0.2.62",
        "reload",
        "set door banip 192.0.2.63",
        "unban --all",
        "stop door",
    ] {
        servers.compare(&[words], &[])?;
        // fail2ban carries bans out later than it says so.
        let told = |at: usize| fs::read_to_string(servers.directory(at).join("told"));
        let all =
            || -> Result<Vec<String>> { Ok((0..NAMES.len()).map(told).collect::<Result<_, _>>()?) };
        let same = wait_for("the same commands", || {
            let all = all()?;
            Ok(all.iter().all(|it| *it == all[0]))
        });
        if let Err(error) = same {
            return Err(error.context(format!("{words}: {:#?}", all()?)));
        }
    }
    Ok(())
}
