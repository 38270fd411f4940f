//! nginx and vsftpd attacked, guarded by the stock configuration and by ours.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use rban_tests::daemon::{Daemon, shipped};
use rban_tests::net::Host;
use rban_tests::servers::{Server, guess_ftp, guess_http};
use rban_tests::stock::Stock;
use rban_tests::wait::wait_for;

use crate::World;

type Guess = fn(&Host, IpAddr, IpAddr) -> Result<bool>;

fn jail(name: &str, log: &Path) -> String {
    format!("[{name}]\nenabled = true\nbackend = auto\nmaxretry = 2\nlogpath = {}\n", log.display())
}

/// What we ship, with this jail.
fn ours(world: &World, jail: &str) -> Result<PathBuf> {
    let dir = shipped(world.rban.dir())?;
    fs::write(dir.join("jail.local"), jail)?;
    Ok(dir)
}

/// Two wrong passwords, and nobody is answered any more who gave them.
fn check(world: &World, dir: &Path, jail: &str, guess: Guess) -> Result<()> {
    let _daemon = Daemon::configured(&world.rban, dir)?;
    let client = &world.net.client;
    let from: IpAddr = "192.0.2.7".parse()?;
    let to = world.server(from);
    for _ in 0..2 {
        ensure!(guess(client, from, to)?, "no answer before the ban");
    }
    wait_for("the ban", || world.rban.is_banned(from))?;
    let ban = world.rban.ban_of(from)?.context("a ban")?;
    ensure!(ban["jail"] == *jail && ban["ports"] != "all", "{ban}");
    ensure!(!guess(client, from, to)?, "an answer after the ban");
    ensure!(guess(client, "192.0.2.8".parse()?, to)?, "the innocent get no answer");
    assert_eq!(world.rban.bans()?.len(), 1);
    Ok(())
}

fn by_stock(start: fn(&Host) -> Result<Server>, name: &str, guess: Guess) -> Result<()> {
    let world = World::new()?;
    let server = start(&world.net.server)?;
    let stock = Stock::with(&jail(name, server.log()))?;
    stock.write("fail2ban.d/test.conf", "[Definition]\ndbfile = :memory:\n")?;
    check(&world, stock.dir(), name, guess)
}

fn by_ours(start: fn(&Host) -> Result<Server>, name: &str, guess: Guess) -> Result<()> {
    let world = World::new()?;
    let server = start(&world.net.server)?;
    let dir = ours(&world, &jail(name, server.log()))?;
    check(&world, &dir, name, guess)
}

#[test]
fn nginx_by_the_stock_jail() -> Result<()> {
    by_stock(Server::nginx, "nginx-http-auth", guess_http)
}

#[test]
fn nginx_by_our_jail() -> Result<()> {
    by_ours(Server::nginx, "nginx-http-auth", guess_http)
}

#[test]
fn vsftpd_by_the_stock_jail() -> Result<()> {
    by_stock(Server::vsftpd, "vsftpd", guess_ftp)
}

#[test]
fn vsftpd_by_our_jail() -> Result<()> {
    by_ours(Server::vsftpd, "vsftpd", guess_ftp)
}
