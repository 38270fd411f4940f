//! Actions that are commands, beside the kernel: what they are told, what a hostile name can do to them, and that
//! nobody waits for them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use rban_tests::doors::Doors;
use rban_tests::wait::wait_for;

use crate::World;

/// An action that writes down what it is told.
const TELL: &str = r#"[Definition]
actionstart = echo "start <name>" >> DIR/told
actionstop = echo "stop <name>" >> DIR/told
actionban = echo "ban <ip> failures=<failures> bantime=<bantime> count=<bancount> restored=<restored> user=<F-USER>" >> DIR/told
actionunban = echo "unban <ip> user=<F-USER>" >> DIR/told
norestored = 0
"#;

const DOOR: &str = "[DEFAULT]\nenabled = true\nfilter = door\nmaxretry = 2\n\
                    [door]\nlogpath = DIR/door.log\naction = xdp\n";

fn doors(world: &World, jails: &str) -> Result<Doors> {
    let doors = Doors::new(&world.rban, jails)?;
    doors.write("door.log", "")?;
    doors.write("action.d/tell.conf", TELL)?;
    Ok(doors)
}

#[test]
fn commands_are_told_who_and_why() -> Result<()> {
    let world = World::new()?;
    let doors = doors(&world, &format!("{DOOR}         tell\n"))?;
    let daemon = doors.start()?;
    doors.wait_for_text("told", "start door\n")?;
    for _ in 0..2 {
        doors.knock("door.log", "192.0.2.7 by root")?;
    }
    let ban = "ban 192.0.2.7 failures=2 bantime=600 count=1 restored=0 user=root\n";
    doors.wait_for_text("told", ban)?;
    doors.wait_for_ban("192.0.2.7")?;
    world.rban.unban("192.0.2.7")?;
    doors.wait_for_text("told", "unban 192.0.2.7 user=root\n")?;
    for _ in 0..2 {
        doors.knock("door.log", "2001:db8::7 by root")?;
    }
    doors.wait_for_text("told", "ban 2001:db8::7 failures=2")?;
    daemon.terminate()?;
    doors.wait_for_text("told", "stop door\n")?;
    assert!(doors.read("told").contains("unban 2001:db8::7"), "{}", doors.read("told"));
    // Started again, it is told of the ban that is still in force, which counts as one more.
    let _daemon = doors.start()?;
    doors.wait_for_text(
        "told",
        "ban 2001:db8::7 failures=2 bantime=600 count=2 restored=1 user=root\n",
    )
}

#[test]
fn an_action_that_is_not_for_restored_bans_hears_of_new_ones_only() -> Result<()> {
    let world = World::new()?;
    let doors = doors(&world, &format!("{DOOR}         tell[norestored=1]\n"))?;
    let daemon = doors.start()?;
    for _ in 0..2 {
        doors.knock("door.log", "192.0.2.7 by root")?;
    }
    doors.wait_for_text("told", "ban 192.0.2.7 ")?;
    daemon.terminate()?;
    doors.write("told", "")?;
    let _daemon = doors.start()?;
    doors.wait_for_ban("192.0.2.7")?;
    for _ in 0..2 {
        doors.knock("door.log", "192.0.2.8 by root")?;
    }
    doors.wait_for_text("told", "ban 192.0.2.8 ")?;
    ensure!(!doors.read("told").contains("ban 192.0.2.7 "), "{}", doors.read("told"));
    Ok(())
}

/// What somebody may type as a user name who hopes for a shell.
const HOSTILE: [&str; 9] = [
    "$(touch DIR/owned)",
    "`touch DIR/owned`",
    "'; touch DIR/owned; '",
    "\"; touch DIR/owned; \"",
    "x\" && touch DIR/owned #",
    "x | touch DIR/owned",
    "\\\"; touch DIR/owned; \\\"",
    "<ip> <matches> <F-USER> ${IFS}",
    "%s%n $0 $1 $f2bV_F_USER *",
];

#[test]
fn a_hostile_name_arrives_as_it_is_and_runs_nothing() -> Result<()> {
    let world = World::new()?;
    let jails = DOOR.replace("maxretry = 2", "maxretry = 1");
    let doors = doors(&world, &format!("{jails}         tell\n         lines\n"))?;
    let lines = "[Definition]\nactionban = printf '%%s\\n' \"<matches>\" >> DIR/lines\n";
    doors.write("action.d/lines.conf", lines)?;
    let _daemon = doors.start()?;
    let dir = doors.path("").display().to_string();
    let names = HOSTILE.map(|name| name.replace("DIR", dir.trim_end_matches('/')));
    for (n, name) in names.iter().enumerate() {
        doors.knock("door.log", &format!("192.0.2.{} by {name}", 10 + n))?;
    }
    for (n, name) in names.iter().enumerate() {
        let told = format!(
            "ban 192.0.2.{} failures=1 bantime=600 count=1 restored=0 user={name}\n",
            10 + n
        );
        doors.wait_for_text("told", &told)?;
        doors.wait_for_text("lines", &format!(" knock from 192.0.2.{} by {name}\n", 10 + n))?;
    }
    ensure!(!doors.path("owned").exists(), "somebody has a shell");
    Ok(())
}

#[test]
fn the_stock_mail_reaches_the_mailer() -> Result<()> {
    let world = World::new()?;
    let mail = r#"sendmail-whois-lines[name=door, dest=root@example.org, sender=fail2ban@example.org, mailcmd="DIR/mailer", logpath="DIR/door.log", norestored=1]"#;
    let doors = doors(&world, &format!("{DOOR}         {mail}\n"))?;
    doors.write("mailer", "#!/bin/sh\ncat > DIR/mail.part && mv DIR/mail.part DIR/mail.$$\n")?;
    std::fs::set_permissions(doors.path("mailer"), std::fs::Permissions::from_mode(0o755))?;
    let _daemon = doors.start()?;
    let mails = || -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for entry in std::fs::read_dir(doors.path(""))? {
            let path = entry?.path();
            if path
                .file_name()
                .is_some_and(|it| it.to_string_lossy().starts_with("mail.") && it != "mail.part")
            {
                texts.push(std::fs::read_to_string(path)?);
            }
        }
        Ok(texts)
    };
    let has = |words: [&str; 3]| -> Result<()> {
        let all = |text: &String| words.iter().all(|word| text.contains(word));
        wait_for(&format!("a mail with {words:?}"), || Ok(mails()?.iter().any(all)))
            .with_context(|| format!("{:?}", mails()))?;
        Ok(())
    };
    has([
        "Subject: [Fail2Ban] door: started",
        "To: root@example.org",
        "From: Fail2Ban <fail2ban@example.org>",
    ])?;
    for _ in 0..2 {
        doors.knock("door.log", "192.0.2.7 by 'root'")?;
    }
    has([
        "Subject: [Fail2Ban] door: banned 192.0.2.7",
        "after\n2 attempts",
        "knock from 192.0.2.7 by 'root'",
    ])
}

#[test]
fn bans_are_shared_with_another_server_by_curl() -> Result<()> {
    let world = World::new()?;
    let curl = "curl -fsS --max-time 5 --data-urlencode \"ip=<ip>\" --data-urlencode \"user=<F-USER>\" http://127.0.0.1:8080/";
    let doors = doors(&world, &format!("{DOOR}         share\n"))?;
    doors.write(
        "action.d/share.conf",
        &format!("[Definition]\nactionban = {curl}ban\nactionunban = {curl}unban\n"),
    )?;
    let listener = world.net.server.inside(|| TcpListener::bind("127.0.0.1:8080"))?;
    let _daemon = doors.start()?;
    for _ in 0..2 {
        doors.knock("door.log", "192.0.2.7 by a&b='c'")?;
    }
    let ban = serve(&listener)?;
    ensure!(
        ban.starts_with("POST /ban ") && ban.ends_with("ip=192.0.2.7&user=a%26b%3d%27c%27"),
        "{ban}"
    );
    world.rban.unban("192.0.2.7")?;
    let unban = serve(&listener)?;
    ensure!(unban.starts_with("POST /unban "), "{unban}");
    Ok(())
}

/// Answers one request; returns it, percent signs' digits in small letters.
fn serve(listener: &TcpListener) -> Result<String> {
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = String::new();
    let mut buffer = [0; 4096];
    while !request.contains("user=") {
        let len = stream.read(&mut buffer)?;
        ensure!(len > 0, "ended early: {request}");
        request.push_str(&String::from_utf8_lossy(&buffer[..len]));
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok(request.replace("%3D", "%3d"))
}

/// A ban is in the kernel by then, whatever the commands do. Milliseconds would do; asking takes longer, on a machine
/// that runs other tests as well.
const BANNED_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn a_command_that_hangs_delays_no_ban_and_no_answer() -> Result<()> {
    const OFFENDERS: u8 = 5;
    let world = World::new()?;
    let jails = DOOR.replace("maxretry = 2", "maxretry = 1");
    let other = "[other]\nlogpath = DIR/other.log\naction = xdp\n         tell\n";
    let doors = doors(&world, &format!("{jails}         hang\n{other}"))?;
    doors.write("other.log", "")?;
    let hang = "[Definition]\nactionban = echo hanging >> DIR/hangs; sleep 30\n";
    doors.write("action.d/hang.conf", hang)?;
    let daemon = doors.start()?;
    doors.knock("door.log", "192.0.2.10")?;
    doors.wait_for_text("hangs", "hanging")?;
    for n in 11..11 + OFFENDERS {
        for log in ["door.log", "other.log"] {
            let who = format!("192.0.{}.{n}", if log == "door.log" { 2 } else { 3 });
            let start = Instant::now();
            doors.knock(log, &who)?;
            doors.wait_for_ban(&who)?;
            ensure!(
                start.elapsed() < BANNED_WITHIN,
                "{who} was banned after {:?}",
                start.elapsed()
            );
        }
    }
    assert_eq!(doors.read("hangs"), "hanging\n", "one command at a time");
    assert_eq!(doors.number("door", "currently_banned")?, u64::from(OFFENDERS) + 1);
    daemon.kill9()
}
