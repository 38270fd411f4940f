//! How many packets a second one core drops, beside the firewalls that fail2ban drives.
//!
//! Every peer has its own namespace and drops the same sources; rounds alternate between them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rban_tests::insn::constant;
use rban_tests::rawprog::{Link, Program, XDP_DROP};

use crate::frame;
use crate::peers;
use crate::rban::{Rban, file_of};
use crate::report::{Aim, Peer, Report, Row, Summary, Unit};
use crate::sizes::{Sizes, grouped};
use crate::target::{Round, Sources, Target, ifindex};

const BANNED: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);

/// Aims: how many times the packets of these.
const OF_NFTABLES: f64 = 4.5;
const OF_DROP_ALL: f64 = 0.5;
/// Of a receiver that sleeps more than this share of the time, the reader is told.
const IDLE: f64 = 0.1;

/// Who drops.
struct Contender {
    name: String,
    target: Target,
    aim: Option<(&'static str, f64)>,
    dropper: Option<Dropper>,
}

/// What must live as long as it drops.
enum Dropper {
    Rban(Rban),
    Xdp(#[expect(dead_code, reason = "attached until it is dropped")] Link),
}

/// Floods each in turn, from one source and from as many as are banned. rban is the first.
pub(crate) fn measure(bin: &Path, sizes: &Sizes, report: &mut Report) -> Result<()> {
    let contenders = contenders(bin, sizes)?;
    for sources in [Sources::One, Sources::Spread] {
        let rounds = rounds(&contenders, sources, sizes)?;
        report_rows(&contenders, sources, &rounds, sizes, report);
    }
    Ok(())
}

fn contenders(bin: &Path, sizes: &Sizes) -> Result<Vec<Contender>> {
    let bans = addresses(sizes.flood_bans);
    let rban = Contender::new("rban", bans.len(), |target| {
        let rban = Rban::new(bin)?;
        rban.attach(&target.net.server, sizes.room)?;
        let file = file_of(bans.iter().copied().map(IpAddr::V4))?;
        rban.ban_file(&target.net.server, file.path(), &[])?;
        Ok(Some(Dropper::Rban(rban)))
    })?;
    let drop_all = Contender::new("drop-everything XDP", bans.len(), |target| {
        let program = Program::load(&constant(XDP_DROP))?;
        let link = target.net.server.inside(|| program.attach(ifindex()?))?;
        Ok(Some(Dropper::Xdp(link)))
    })?;
    let nftables = Contender::new("nftables, set", bans.len(), |target| {
        peers::nftables(&target.net.server, &bans).map(|()| None)
    })?;
    let ingress = Contender::new("nftables, set at ingress", bans.len(), |target| {
        peers::nftables_ingress(&target.net.server, &bans).map(|()| None)
    })?;
    let ipset = Contender::new("iptables + ipset", bans.len(), |target| {
        peers::ipset(&target.net.server, &bans).map(|()| None)
    })?;
    let rules = addresses(sizes.rules);
    let name = format!("iptables, {} rules", grouped(sizes.rules));
    let iptables = Contender::new(&name, rules.len(), |target| {
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
        bans: usize,
        set_up: impl FnOnce(&Target) -> Result<Option<Dropper>>,
    ) -> Result<Self> {
        let bans = u32::try_from(bans).context("counting bans")?;
        let frame = frame::udp4((BANNED.to_bits() + bans / 2).into());
        let spread = frame::spread4(&frame, BANNED, bans);
        let target = Target::new(frame, spread)?;
        let dropper = set_up(&target).with_context(|| format!("setting up {name}"))?;
        Ok(Self { name: name.into(), target, aim: None, dropper })
    }

    fn aiming(self, text: &'static str, ratio: f64) -> Self {
        Self { aim: Some((text, ratio)), ..self }
    }

    /// Packets that rban has counted as dropped; nobody asks the others.
    fn counted(&self) -> Result<Option<u64>> {
        match &self.dropper {
            Some(Dropper::Rban(rban)) => {
                rban.counted(&self.target.net.server, "drop", "v4").map(Some)
            }
            _ => Ok(None),
        }
    }

    /// One flood, of which nothing may pass.
    fn round(&self, sources: Sources, sizes: &Sizes) -> Result<Round> {
        let (delivered, counted) = (self.target.delivered()?, self.counted()?);
        let round = self.target.flood(sources, sizes.flood)?;
        let passed = self.target.delivered()? - delivered;
        ensure!(passed == 0, "{} let {passed} of {} packets pass", self.name, round.packets);
        if let (Some(before), Some(now)) = (counted, self.counted()?) {
            let dropped = now - before;
            ensure!(dropped == round.packets, "{dropped} of {} packets counted", round.packets);
        }
        Ok(round)
    }
}

/// Of each contender, its rounds.
fn rounds(contenders: &[Contender], sources: Sources, sizes: &Sizes) -> Result<Vec<Vec<Round>>> {
    let mut rounds = vec![Vec::new(); contenders.len()];
    for contender in contenders {
        contender.round(sources, sizes)?; // warms up
    }
    for _ in 0..sizes.rounds {
        for (rounds, contender) in rounds.iter_mut().zip(contenders) {
            rounds.push(contender.round(sources, sizes)?);
        }
    }
    Ok(rounds)
}

fn report_rows(
    contenders: &[Contender],
    sources: Sources,
    rounds: &[Vec<Round>],
    sizes: &Sizes,
    report: &mut Report,
) {
    let ns: Vec<Vec<f64>> =
        rounds.iter().map(|rounds| rounds.iter().map(|round| round.ns).collect()).collect();
    let sources = match sources {
        Sources::One => "one source",
        Sources::Spread => "all of them",
    };
    for (index, contender) in contenders.iter().enumerate().skip(1) {
        let ratios: Vec<_> = ns[0].iter().zip(&ns[index]).map(|(rban, peer)| peer / rban).collect();
        let ratio = Summary::of(&ratios).median;
        report.rows.push(Row {
            measure: format!("flood: {} bans, from {sources}", grouped(sizes.flood_bans)),
            unit: Unit::PacketsPerSecond,
            rban: Summary::of(&ns[0]).per_second(),
            peer: Some(Peer {
                name: contender.name.clone(),
                value: Summary::of(&ns[index]).per_second(),
            }),
            ratio: Some(ratio),
            aim: contender.aim.map(|(text, least)| Aim { text, met: ratio >= least }),
        });
    }
    let idle = contenders.iter().zip(rounds).filter_map(|(contender, rounds)| {
        let idle: Vec<_> = rounds.iter().map(|round| round.idle).collect();
        let idle = Summary::of(&idle).median;
        (idle > IDLE).then(|| format!("{} {:.0}%", contender.name, idle * 100.0))
    });
    let idle = idle.collect::<Vec<_>>().join(", ");
    if !idle.is_empty() {
        report.notes.push(format!(
            "flood from {sources}: the generator was too slow for some, who slept: {idle}; waking up is in their \
             figures"
        ));
    }
}

fn addresses(count: u32) -> Vec<Ipv4Addr> {
    (0..count).map(|i| (BANNED.to_bits() + i).into()).collect()
}
