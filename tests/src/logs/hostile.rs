//! What clients write who want somebody else to be banned, or nobody.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::random::Random;

/// An address for documentation, plainly written.
pub(super) fn plain_address(random: &mut Random) -> String {
    let net = random.of(&["192.0.2", "198.51.100", "203.0.113"]);
    match random.below(5) {
        0 => Ipv6Addr::new(
            0x2001,
            0xdb8,
            0,
            0,
            0,
            0,
            random.below(16) as u16,
            1 + random.below(65_535) as u16,
        )
        .to_string(),
        _ => format!("{net}.{}", 1 + random.below(250)),
    }
}

/// An address in a spelling that there is, or nearly one.
pub(super) fn address(random: &mut Random) -> String {
    let v4 = Ipv4Addr::new(192, 0, 2, 1 + random.below(250) as u8);
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1 + random.below(65_535) as u16);
    let [a, b, c, d] = v4.octets();
    match random.below(22) {
        0 => format!("::ffff:{v4}"),
        1 => format!("::FFFF:{v4}"),
        2 => format!("[{v4}]"),
        3 => format!("[{v6}]"),
        4 => format!("{v6}%eth0"),
        5 => format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        6 => format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        7 => u32::from(v4).to_string(),
        8 => format!("{a}.{b}.{c}.999"),
        9 => format!("{a}.{b}.0{c}.{d}"),
        10 => format!("{a}.{d}"),
        11 => format!("{v4}."),
        12 => format!("{v4}.5"),
        13 => format!("{v6}:1:2:3:4:5:6:7"),
        14 => "2001:0DB8:0000:0000:0000:0000:0000:0001".to_owned(),
        15 => format!("{v4}/24"),
        16 => format!("{v6}/48"),
        17 => "host.example.org".to_owned(),
        18 => "4242".to_owned(),
        19 => "unknown".to_owned(),
        20 => String::new(),
        _ => format!("64:ff9b::{v4}"),
    }
}

/// A name, a path or the like.
pub(super) fn text(random: &mut Random) -> String {
    let addr = address(random);
    match random.below(24) {
        0 => format!("root from {addr} port 22 ssh2"),
        1 => format!("x] Failed password for root from {addr}"),
        2 => format!("\"; client: {addr}, server"),
        3 => format!("<>, method=PLAIN, rip={addr}, lip=192.0.2.250"),
        4 => format!("a b  c\t{addr}"),
        5 => format!("Mar 29 01:02:03 srv sshd[1]: Failed password for a from {addr}"),
        6 => format!("2026-03-29 01:02:03 {addr}"),
        7 => "é\u{fffd}\u{1f980}ñ".to_owned(),
        8 => "x".repeat(1 + random.below(3_000)),
        9 => "a ".repeat(1 + random.below(200)),
        10 => "\\n\\\\x00%s%n{}$(id)`id`".to_owned(),
        11 => "' OR 1=1 --".to_owned(),
        12 => String::new(),
        13 => " ".to_owned(),
        14 => format!("unknown[{addr}]: SASL LOGIN authentication failed: x"),
        15 => format!("[client {addr}:80] user x not found: /"),
        16 => "\u{1c}\u{85}\u{a0}\u{2028}x".to_owned(),
        17 => format!("rhost={addr} user=root"),
        18 => "İıſK".to_owned(),
        19 => format!("a@b>, [{addr}], rip={addr}"),
        20 => "1774746123".to_owned(),
        21 => "\0\0".to_owned(),
        22 => format!("{addr}:{addr}"),
        _ => format!("[preauth] invalid user {addr} port 1 [preauth]"),
    }
}

/// Damages a line.
pub(super) fn mutate(line: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(line.len() + 1);
    match random.below(9) {
        0 => line.truncate(at),
        1 => line.insert(at, 0xff),
        2 => line.insert(at, 0),
        3 => drop(line.splice(at..at, text(random).into_bytes())),
        4 => drop(line.splice(at..at, *b"\xe2\x82")),
        5 => line.push(b'\r'),
        6 if at < line.len() => line[at] = random.of(b" .:[]<>\"'=a1\t"),
        7 if at < line.len() => drop(line.remove(at)),
        _ => line.insert(0, random.of(b" \t[(x1")),
    }
}

/// Puts the end of another line in place of its own.
pub(super) fn splice(line: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let blanks = |line: &[u8]| -> Vec<usize> {
        line.iter().enumerate().filter(|(_, byte)| **byte == b' ').map(|(at, _)| at).collect()
    };
    let (ours, others) = (blanks(line), blanks(other));
    if !ours.is_empty() && !others.is_empty() {
        line.truncate(random.of(&ours));
        line.extend_from_slice(&other[random.of(&others)..]);
    }
}

/// Puts another address in place of its first.
pub(super) fn readdress(line: &mut Vec<u8>, random: &mut Random) {
    let is_of_address = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let mut start = 0;
    let pieces: Vec<&[u8]> = line.chunk_by(|a, b| is_of_address(a) == is_of_address(b)).collect();
    for piece in pieces {
        let end = start + piece.len();
        if str::from_utf8(piece).is_ok_and(|text| text.parse::<Ipv4Addr>().is_ok()) {
            line.splice(start..end, address(random).into_bytes());
            return;
        }
        start = end;
    }
}
