//! The bytes on the socket: requests as older and other programs write them, asked of fail2ban's server and of rban.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use rban_tests::wait::output;

use crate::client_world::{JAILS, Servers};

/// Sends what its arguments say to a socket, all on one connection, and prints what comes back.
const PROGRAM: &str = r#"
import pickle, socket, sys
END, CLOSE = b"<F2B_END_COMMAND>", b"<F2B_CLOSE_COMMAND>"
def read(sock):
    data = b""
    while not data.endswith(END):
        piece = sock.recv(4096)
        if not piece:
            return None
        data += piece
    return pickle.loads(data[:-len(END)])
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(20)
sock.connect(sys.argv[1])
requests = [["ping"], ["get", "door", "maxretry"], ["set", "door", "maxretry", 4], ("get", "door", "maxretry"),
    ["set", "door", "findtime", 600.5], ["set", "door", "maxretry", "x"], ["get", "nowhere", "maxretry"], [],
    ["echo", {"a": [1, 2.5, None, True]}, "\u00e9\u2028", -(2**40)], ["get", "thread"], ["status", "door"],
    ["server-stream", [["set", "door", "maxretry", 3], ["set", "door", "bantime", 600]]],
    ["multi-set", "door", "addignoreregex", ["^ a$", "^ b$"]], ["get", "door", "ignoreregex"],
    ["multi-set", "door", "action", "tell", [["actionban", "x"], ["timeout", 7]]], ["get", "door", "action", "tell", "timeout"],
    ["set", "door", "banip", "192.0.2.60"], ["get", "door", "banned"], ["set", "door", "unbanip", "192.0.2.60"]]
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    for request in requests:
        sock.sendall(pickle.dumps(request, protocol) + END)
        answer = read(sock)
        if isinstance(answer, tuple) and answer[0] == 1:
            answer = (1, type(answer[1]).__name__, [str(arg) for arg in answer[1].args])
        print(protocol, request, answer)
    sock.sendall(pickle.dumps(["set", "door", "delignoreregex", 1], protocol) + END)
    print(read(sock))
    sock.sendall(pickle.dumps(["set", "door", "delignoreregex", 0], protocol) + END)
    print(read(sock))
for rubbish in [b"", b"rubbish", b"\x80\x05]q\x00"]:
    sock.sendall(rubbish + END)
    answer = read(sock)
    print(rubbish, type(answer).__name__, str(answer)[:6] if isinstance(answer, str) else answer)
for piece in [pickle.dumps(["ping"])[:5], pickle.dumps(["ping"])[5:], END[:9], END[9:]]:
    sock.sendall(piece)
print(read(sock))
sock.sendall(CLOSE + END)
print(read(sock))
"#;

fn told(socket: &Path) -> Result<String> {
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", PROGRAM]).arg(socket);
    let output = output(command)?;
    let said = String::from_utf8([output.stdout, output.stderr].concat())?;
    ensure!(output.status.success(), "{said}");
    Ok(said)
}

#[test]
fn requests_of_any_age_are_answered_alike() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    let theirs = told(&servers.directory(0).join("sock"))?;
    let ours = told(&servers.rbans[0].socket())?;
    let differing: Vec<_> = theirs.lines().zip(ours.lines()).filter(|(a, b)| a != b).collect();
    ensure!(differing.is_empty() && theirs.len() == ours.len(), "{differing:#?}");
    Ok(())
}
