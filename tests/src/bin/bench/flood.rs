//! How many packets a second one core drops, beside the firewalls that fail2ban drives.
//!
//! Every peer has its own namespace and drops the same sources; rounds alternate between them.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result, ensure};
use rban_tests::daemon::Rban;
use rban_tests::insn::constant;
use rban_tests::rawprog::{Link, Program, XDP_DROP};

use crate::cpu::{RECEIVER_CPU, SENDER_CPU, distance_ns};
use crate::peers;
use crate::rban::{attach, ban_file, file_of};
use crate::report::{Aim, Peer, Report, Row, Summary, Unit};
use crate::sizes::{Sizes, grouped};
use crate::target::{Round, Target, ifindex};

const BANNED: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);

/// Aims: how many times the packets of these.
const OF_NFTABLES: f64 = 4.5;
const OF_DROP_ALL: f64 = 0.5;
/// Packets of a round that may not be ours: what the two ends of a wire say to each other by themselves.
const STRAY: u64 = 16;
/// Of a receiver who takes more than this share of what is sent, the reader is told.
const KEEPS_UP: f64 = 0.98;

/// Who drops.
struct Contender {
    name: String,
    target: Target,
    /// The first so many addresses.
    bans: u32,
    aim: Option<(&'static str, f64)>,
    dropper: Option<Dropper>,
}

/// What must live as long as it drops.
enum Dropper {
    Rban(Rban),
    Xdp(#[expect(dead_code, reason = "attached until it is dropped")] Link),
}

/// How a flood comes.
#[derive(Clone, Copy)]
struct Flood {
    /// From so many of the banned.
    sources: u32,
    /// Sent by this CPU.
    cpu: usize,
    frames: u32,
}

/// Floods each in turn, from one source, from some, and from all that are banned. rban is the first.
pub(crate) fn measure(sizes: &Sizes, report: &mut Report) -> Result<()> {
    let contenders = contenders(sizes)?;
    let near = |sources| Flood { sources, cpu: RECEIVER_CPU, frames: sizes.flood_frames };
    let far = Flood { cpu: SENDER_CPU, frames: 4 * sizes.flood_frames, ..near(1) };
    for flood in [near(1), near(sizes.rules), near(sizes.flood_bans), far] {
        let able: Vec<_> = contenders.iter().filter(|c| c.bans >= flood.sources).collect();
        let before_ns = distance_ns()?;
        let rounds = rounds(&able, flood, sizes)?;
        report_rows(&able, flood, &rounds, sizes, report);
        if flood.cpu == SENDER_CPU {
            report.notes.push(format!(
                "{}: a cache line took {before_ns:.0} ns from that CPU before it, {:.0} ns after it",
                flood.name(),
                distance_ns()?,
            ));
        }
    }
    Ok(())
}

impl Flood {
    fn name(&self) -> String {
        let sources = match self.sources {
            1 => "1 source".into(),
            count => format!("{} sources", grouped(count)),
        };
        let from = if self.cpu == SENDER_CPU { ", sent by another CPU" } else { "" };
        format!("flood from {sources}{from}")
    }
}

fn contenders(sizes: &Sizes) -> Result<Vec<Contender>> {
    let bans = addresses(sizes.flood_bans);
    let rban = Contender::new("rban", sizes.flood_bans, |target| {
        let rban = attach(&target.net.server, sizes.room)?;
        let file = file_of(bans.iter().copied().map(IpAddr::V4))?;
        ban_file(&rban, file.path(), &[])?;
        Ok(Some(Dropper::Rban(rban)))
    })?;
    let drop_all = Contender::new("drop-everything XDP", sizes.flood_bans, |target| {
        let program = Program::load(&constant(XDP_DROP))?;
        let link = target.net.server.inside(|| program.attach(ifindex()?))?;
        Ok(Some(Dropper::Xdp(link)))
    })?;
    let nftables = Contender::new("nftables, set", sizes.flood_bans, |target| {
        peers::nftables(&target.net.server, &bans).map(|()| None)
    })?;
    let ingress = Contender::new("nftables, set at ingress", sizes.flood_bans, |target| {
        peers::nftables_ingress(&target.net.server, &bans).map(|()| None)
    })?;
    let ipset = Contender::new("iptables + ipset", sizes.flood_bans, |target| {
        peers::ipset(&target.net.server, &bans).map(|()| None)
    })?;
    let rules = addresses(sizes.rules);
    let name = format!("iptables, {} rules", grouped(sizes.rules));
    let iptables = Contender::new(&name, sizes.rules, |target| {
        peers::iptables(&target.net.server, &rules).map(|()| None)
    })?;
    Ok(vec![
        rban,
        drop_all.aiming("ratio ≥ 0.5", OF_DROP_ALL),
        nftables.aiming("ratio ≥ 4.5", OF_NFTABLES),
        ingress,
        ipset,
        iptables,
    ])
}

impl Contender {
    fn new(
        name: &str,
        bans: u32,
        set_up: impl FnOnce(&Target) -> Result<Option<Dropper>>,
    ) -> Result<Self> {
        let target = Target::new()?;
        let dropper = set_up(&target).with_context(|| format!("setting up {name}"))?;
        Ok(Self { name: name.into(), target, bans, aim: None, dropper })
    }

    fn aiming(self, text: &'static str, ratio: f64) -> Self {
        Self { aim: Some((text, ratio)), ..self }
    }

    /// Packets that rban has counted as dropped; nobody asks the others.
    fn counted(&self) -> Result<Option<u64>> {
        match &self.dropper {
            Some(Dropper::Rban(rban)) => rban.packets("drop", "v4").map(Some),
            _ => Ok(None),
        }
    }

    /// One flood, of which nothing may pass.
    fn round(&self, flood: Flood, sizes: &Sizes) -> Result<Round> {
        // One source stands amidst the others, for those who walk a list.
        let first = BANNED.to_bits() + if flood.sources == 1 { sizes.rules / 2 } else { 0 };
        let range = first.into()..(first + flood.sources).into();
        let (delivered, counted) = (self.target.delivered()?, self.counted()?);
        let round = self.target.flood(range, flood.cpu, flood.frames)?;
        let passed = self.target.delivered()? - delivered;
        ensure!(passed <= STRAY, "{} let {passed} of {} packets pass", self.name, round.packets);
        if let (Some(before), Some(now)) = (counted, self.counted()?) {
            let uncounted = round.packets.abs_diff(now - before);
            ensure!(uncounted <= STRAY, "{uncounted} of {} drops were not counted", round.packets);
        }
        Ok(round)
    }
}

/// Of each contender, its rounds.
fn rounds(contenders: &[&Contender], flood: Flood, sizes: &Sizes) -> Result<Vec<Vec<Round>>> {
    let mut rounds = vec![Vec::new(); contenders.len()];
    for contender in contenders {
        contender.round(flood, sizes)?; // warms up
    }
    for _ in 0..sizes.rounds {
        for (rounds, contender) in rounds.iter_mut().zip(contenders) {
            rounds.push(contender.round(flood, sizes)?);
        }
    }
    Ok(rounds)
}

fn report_rows(
    contenders: &[&Contender],
    flood: Flood,
    rounds: &[Vec<Round>],
    sizes: &Sizes,
    report: &mut Report,
) {
    let ns: Vec<Vec<f64>> =
        rounds.iter().map(|rounds| rounds.iter().map(|round| round.ns).collect()).collect();
    // What no cache holds is the memory's business more than the dropper's.
    let has_aim = flood.sources < sizes.flood_bans;
    for (index, contender) in contenders.iter().enumerate().skip(1) {
        let ratios: Vec<_> = ns[0].iter().zip(&ns[index]).map(|(rban, peer)| peer / rban).collect();
        let ratio = Summary::of(&ratios).median;
        let aim = contender.aim.filter(|_| has_aim);
        report.rows.push(Row {
            measure: format!("{}, {} bans", flood.name(), grouped(sizes.flood_bans)),
            unit: Unit::PacketsPerSecond,
            rban: Summary::of(&ns[0]).per_second(),
            peer: Some(Peer {
                name: contender.name.clone(),
                value: Summary::of(&ns[index]).per_second(),
            }),
            ratio: Some(ratio),
            aim: aim.map(|(text, least)| Aim { text, met: ratio >= least }),
        });
    }
    let keeping_up = contenders.iter().zip(rounds).filter_map(|(contender, rounds)| {
        let taken: Vec<_> =
            rounds.iter().map(|r| r.packets as f64 / f64::from(flood.frames)).collect();
        (Summary::of(&taken).median > KEEPS_UP).then_some(contender.name.as_str())
    });
    let keeping_up = keeping_up.collect::<Vec<_>>().join(", ");
    if flood.cpu == SENDER_CPU && !keeping_up.is_empty() {
        report.notes.push(format!(
            "{}: faster than the generator, so with wake-ups in the figure: {keeping_up}",
            flood.name()
        ));
    }
}

fn addresses(count: u32) -> Vec<Ipv4Addr> {
    (0..count).map(|i| (BANNED.to_bits() + i).into()).collect()
}
