//! Real servers beside sshd: nginx and vsftpd, with logs of their own, and those who guess at their passwords.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::net::Host;
use crate::traffic::connect;
use crate::wait::wait_for;

/// An answer takes no longer; vsftpd makes those who guess wait for some seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// vsftpd locks its children in there. Its service makes it.
const VSFTPD_EMPTY: &str = "/run/vsftpd/empty";

/// A server on one host; ends on drop.
#[derive(Debug)]
pub struct Server {
    child: Child,
    log: PathBuf,
    _dir: TempDir,
}

impl Server {
    /// nginx on port 80, all of whose pages want a password.
    ///
    /// # Errors
    ///
    /// Where it does not start.
    pub fn nginx(host: &Host) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("rban-nginx-").tempdir()?;
        let at = dir.path().display();
        fs::write(dir.path().join("users"), "admin:{PLAIN}secret\n")?;
        let conf = format!(
            "daemon off;\nuser root;\nworker_processes 1;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{}}\n\
             http {{\n access_log {at}/access.log;\n client_body_temp_path {at}/body;\n proxy_temp_path {at}/proxy;\n \
             fastcgi_temp_path {at}/fastcgi;\n uwsgi_temp_path {at}/uwsgi;\n scgi_temp_path {at}/scgi;\n \
             server {{\n  listen 80;\n  listen [::]:80;\n  auth_basic door;\n  auth_basic_user_file {at}/users;\n  \
             root {at};\n }}\n}}\n"
        );
        fs::write(dir.path().join("nginx.conf"), conf)?;
        let mut command = host.daemon("nginx");
        command.arg("-c").arg(dir.path().join("nginx.conf")).arg("-p").arg(dir.path());
        let log = dir.path().join("error.log");
        Self::start(command, host, 80, log, dir).context("nginx (package nginx-light)")
    }

    /// vsftpd on port 21, for the machine's users.
    ///
    /// # Errors
    ///
    /// Where it does not start.
    pub fn vsftpd(host: &Host) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("rban-vsftpd-").tempdir()?;
        fs::create_dir_all(VSFTPD_EMPTY)?;
        let log = dir.path().join("vsftpd.log");
        let conf = format!(
            "listen=YES\nbackground=NO\nanonymous_enable=NO\nlocal_enable=YES\nxferlog_enable=YES\n\
             xferlog_std_format=NO\nvsftpd_log_file={}\nsecure_chroot_dir={VSFTPD_EMPTY}\npam_service_name=vsftpd\n\
             seccomp_sandbox=NO\n",
            log.display()
        );
        fs::write(dir.path().join("vsftpd.conf"), conf)?;
        fs::write(&log, "")?;
        let mut command = host.daemon("vsftpd");
        command.arg(dir.path().join("vsftpd.conf"));
        Self::start(command, host, 21, log, dir).context("vsftpd (package vsftpd)")
    }

    fn start(
        mut command: std::process::Command,
        host: &Host,
        port: u16,
        log: PathBuf,
        dir: TempDir,
    ) -> Result<Self> {
        let stderr = dir.path().join("stderr");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&stderr)?);
        let mut server = Self { child: command.spawn()?, log, _dir: dir };
        wait_for("the server to listen", || {
            if let Some(status) = server.child.try_wait()? {
                bail!("{status}: {}", fs::read_to_string(&stderr)?);
            }
            Ok(connect(host, host.v4(), host.v4(), port)?.is_some())
        })?;
        Ok(server)
    }

    /// Where it says who failed.
    #[must_use]
    pub fn log(&self) -> &PathBuf {
        &self.log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // nginx's worker ends with its master only if that is asked.
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process(pid, Signal::TERM); // gone = has ended
        }
        drop(self.child.wait());
    }
}

/// Asks for a page with a wrong password. False if nobody answers.
///
/// # Errors
///
/// Where the answer is another one than no.
pub fn guess_http(client: &Host, from: IpAddr, to: IpAddr) -> Result<bool> {
    let Some(mut stream) = connect(client, from, to, 80)? else { return Ok(false) };
    // admin:wrong
    let request = "GET / HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\
                   Authorization: Basic YWRtaW46d3Jvbmc=\r\n\r\n";
    let Some(answer) = ask(&mut stream, request)? else { return Ok(false) };
    if answer.contains(" 401 ") { Ok(true) } else { bail!("nginx answered {answer:?}") }
}

/// Logs in with a wrong password. False if nobody answers.
///
/// # Errors
///
/// Where the answer is another one than no.
pub fn guess_ftp(client: &Host, from: IpAddr, to: IpAddr) -> Result<bool> {
    let Some(mut stream) = connect(client, from, to, 21)? else { return Ok(false) };
    for (request, expected) in [("", "220"), ("USER mallory\r\n", "331"), ("PASS wrong\r\n", "530")]
    {
        let Some(answer) = ask(&mut stream, request)? else { return Ok(false) };
        if !answer.starts_with(expected) {
            bail!("vsftpd answered {answer:?} to {request:?}");
        }
    }
    Ok(true)
}

/// The first line of what is answered; `None` where nothing comes.
fn ask(stream: &mut TcpStream, request: &str) -> Result<Option<String>> {
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    let mut line = String::new();
    let answered = stream.write_all(request.as_bytes());
    let answered = answered.and_then(|()| BufReader::new(&*stream).read_line(&mut line));
    Ok(answered.is_ok_and(|len| len > 0).then_some(line))
}
