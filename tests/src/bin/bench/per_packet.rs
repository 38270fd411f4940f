//! What a packet costs, by `BPF_PROG_TEST_RUN`: nanoseconds over a program that decides nothing.
//!
//! One frame again and again finds everything in the cache, so it is also done with a source of its own for each
//! packet: a program of ours rewrites it and jumps to the one that is measured.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rban_tests::daemon::Rban;
use rban_tests::insn::{Spread, constant, lookup, spread_then};
use rban_tests::net::Net;
use rban_tests::rawprog::{Map, PROG_ARRAY, Program, XDP_DROP, XDP_PASS};

use crate::cpu::{SENDER_CPU, undisturbed};
use crate::frame;
use crate::rban::{attach, ban_file, file_of, program};
use crate::report::{Aim, Peer, Report, Row, Summary, Unit};
use crate::sizes::{Sizes, grouped};

const BANNED_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
const FREE_V4: Ipv4Addr = Ipv4Addr::new(11, 0, 0, 0);
const EXPIRED_V4: Ipv4Addr = Ipv4Addr::new(12, 0, 0, 0);
const BANNED_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0);
const FREE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0);
const EXPIRED_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 3, 0, 0, 0, 0, 0);

/// Aims, nanoseconds over a program that decides nothing.
const MISS_NS: f64 = 20.0;
const DROP_NS: f64 = 40.0;
/// How much more many bans may cost than few.
const GROWTH: f64 = 1.5;

/// How long the bans stand that are to expire.
const EXPIRES: Duration = Duration::from_secs(1);
/// Sources that are not banned, where many are wanted.
const STRANGERS: u32 = 1_000_000;
/// Runs by which the counters are checked.
const CHECK_RUNS: u32 = 10_000;

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Miss,
    Drop,
    Expired,
}

#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

/// One frame, whether each time from another source, and what is expected of it.
#[derive(Clone, Copy)]
struct Case {
    fate: Fate,
    family: Family,
    /// A source of its own for each packet.
    is_spread: bool,
}

/// One of ours, attached and full of bans.
struct Dropper {
    rban: Rban,
    _net: Net,
    program: Program,
    bans: u32,
}

/// The rounds of one case: of few bans, of many, and of the program that decides nothing.
#[derive(Default)]
struct Rounds {
    empty: Vec<f64>,
    drop_all: Vec<f64>,
    /// Over the empty one: a program that looks the source up in our map of few bans, and does nothing else.
    lookup: Vec<f64>,
    /// Over the empty one.
    few: Vec<f64>,
    many: Vec<f64>,
}

/// The same frames through rban with few and with many bans, and through programs that do nothing.
pub(crate) fn measure(sizes: &Sizes, report: &mut Report) -> Result<()> {
    let [few, many] = [Dropper::new(sizes.few, sizes)?, Dropper::new(sizes.many, sizes)?];
    sleep(EXPIRES + Duration::from_millis(100));
    for is_spread in [false, true] {
        for family in [Family::V4, Family::V6] {
            for fate in [Fate::Miss, Fate::Drop, Fate::Expired] {
                let case = Case { fate, family, is_spread };
                if is_spread && fate == Fate::Expired {
                    continue;
                }
                let rounds = undisturbed(SENDER_CPU, || case.rounds(&few, &many, sizes));
                let rounds = rounds.with_context(|| format!("measuring {}", case.name()))?;
                case.report(&rounds, sizes, report);
            }
        }
    }
    Ok(())
}

impl Dropper {
    /// Attached with its default allow entries, `bans` of each family, and a few that are about to expire.
    fn new(bans: u32, sizes: &Sizes) -> Result<Self> {
        let net = Net::pair()?;
        let rban = attach(&net.server, sizes.room)?;
        let file_of_both = |v4: Ipv4Addr, v6: Ipv6Addr, count| {
            let v4 = (0..count).map(move |nth| IpAddr::V4(nth_v4(v4, nth)));
            file_of(v4.chain((0..count).map(move |nth| IpAddr::V6(nth_v6(v6, nth)))))
        };
        let file = file_of_both(BANNED_V4, BANNED_V6, bans)?;
        ban_file(&rban, file.path(), &[])?;
        let file = file_of_both(EXPIRED_V4, EXPIRED_V6, sizes.few)?;
        ban_file(&rban, file.path(), &["--for", &format!("{}s", EXPIRES.as_secs())])?;
        let program = program(&rban)?;
        Ok(Self { rban, _net: net, program, bans })
    }

    /// Runs the case once and looks whether rban counted what we mean to measure.
    fn check(&self, case: &Case, runner: &Program, frame: &[u8]) -> Result<()> {
        let (verdict, family) = case.counter();
        let before = self.rban.packets(verdict, family)?;
        runner.run(frame, CHECK_RUNS)?;
        let counted = self.rban.packets(verdict, family)? - before;
        let runs = u64::from(CHECK_RUNS);
        ensure!(
            counted * 1_000 >= runs * 999 && counted <= runs,
            "of {runs} packets {counted} counted as {verdict}, with {} bans",
            self.bans
        );
        Ok(())
    }
}

impl Case {
    fn rounds(self, few: &Dropper, many: &Dropper, sizes: &Sizes) -> Result<Rounds> {
        // Another source each round: where an entry stands in memory may matter, and should not decide.
        let frames: Vec<_> = (0..sizes.few).map(|nth| self.frame(nth)).collect();
        let [empty, drop_all] = [XDP_PASS, XDP_DROP].map(|action| Program::load(&constant(action)));
        let (empty, drop_all) = (empty?, drop_all?);
        let lookup = self.lookup(few)?;
        let runners = [
            self.runner(&empty, 1)?,
            self.runner(&drop_all, 1)?,
            self.runner(&lookup, few.bans)?,
            self.runner(&few.program, few.bans)?,
            self.runner(&many.program, many.bans)?,
        ];
        let programs = [&empty, &drop_all, &lookup, &few.program, &many.program];
        let runners: [&Program; 5] = std::array::from_fn(|i| match &runners[i] {
            Some((program, _map)) => program,
            None => programs[i],
        });
        for runner in runners {
            // The first packet of each ban costs more. A run of more than one costs the kernel some 10 ms besides.
            for frame in &frames {
                runner.run(frame, 1)?;
            }
            if self.is_spread {
                runner.run(&frames[0], sizes.warm_up)?;
            }
        }
        few.check(&self, runners[3], &frames[0])?;
        many.check(&self, runners[4], &frames[0])?;
        let mut rounds = Rounds::default();
        for frame in frames.iter().cycle().take(sizes.rounds) {
            let mut ns = [0.0; 5];
            for (ns, runner) in ns.iter_mut().zip(runners) {
                *ns = runner.run(frame, sizes.repeat)?.ns;
            }
            let [empty, drop_all, lookup, few, many] = ns;
            rounds.empty.push(empty);
            rounds.drop_all.push(drop_all);
            rounds.lookup.push(lookup - empty);
            rounds.few.push(few - empty);
            rounds.many.push(many - empty);
        }
        Ok(rounds)
    }

    /// The least that asks a map: one lookup in the same map, no verdict, no counters.
    fn lookup(&self, dropper: &Dropper) -> Result<Program> {
        let (map, offset, words) = match self.family {
            Family::V4 => ("bans_v4", frame::IPV4_SOURCE, 1),
            Family::V6 => ("bans_v6", frame::IPV6_SOURCE, 4),
        };
        let map = Map::from_pin(&dropper.rban.bpffs().join(map))?;
        Program::load(&lookup(map.as_ref(), offset as i16, words))
    }

    /// The program that changes the source and then becomes this one, where the case wants that.
    fn runner(&self, program: &Program, bans: u32) -> Result<Option<(Program, Map)>> {
        if !self.is_spread {
            return Ok(None);
        }
        let map = Map::create(PROG_ARRAY, 4, 4, 1)?;
        let runner = Program::load(&spread_then(self.spread(bans), map.as_ref()))?;
        map.set_program(0, program)?;
        Ok(Some((runner, map)))
    }

    fn spread(&self, bans: u32) -> Spread {
        let count = if self.fate == Fate::Drop { bans } else { STRANGERS };
        let (v4, v6) = self.sources();
        match self.family {
            Family::V4 => frame::spread4(&self.frame(0), v4, count),
            Family::V6 => frame::spread6(v6, count),
        }
    }

    fn frame(&self, nth: u32) -> Vec<u8> {
        let (v4, v6) = self.sources();
        match self.family {
            Family::V4 => frame::udp4(nth_v4(v4, nth)),
            Family::V6 => frame::udp6(nth_v6(v6, nth)),
        }
    }

    /// The first of the sources that meet this fate.
    fn sources(&self) -> (Ipv4Addr, Ipv6Addr) {
        match self.fate {
            Fate::Miss => (FREE_V4, FREE_V6),
            Fate::Drop => (BANNED_V4, BANNED_V6),
            Fate::Expired => (EXPIRED_V4, EXPIRED_V6),
        }
    }

    /// Where rban counts it.
    fn counter(&self) -> (&'static str, &'static str) {
        let verdict = match self.fate {
            Fate::Miss => "pass",
            Fate::Drop => "drop",
            Fate::Expired => "expired",
        };
        match self.family {
            Family::V4 => (verdict, "v4"),
            Family::V6 => (verdict, "v6"),
        }
    }

    fn name(&self) -> String {
        let (verdict, family) = self.counter();
        let sources = if self.is_spread { "many sources" } else { "one source" };
        format!("{verdict} {family}, {sources}")
    }

    fn report(&self, rounds: &Rounds, sizes: &Sizes, report: &mut Report) {
        let (few, many) = (Summary::of(&rounds.few), Summary::of(&rounds.many));
        let (peer, peer_rounds, aim_ns, aim_text) = match self.fate {
            Fate::Drop => ("drop-everything XDP", &rounds.drop_all, DROP_NS, "rban ≤ 40 ns"),
            _ => ("empty XDP", &rounds.empty, MISS_NS, "rban ≤ 20 ns"),
        };
        for (bans, over) in [(sizes.few, few), (sizes.many, many)] {
            let base = Summary::of(&rounds.empty);
            let value = Summary::of(peer_rounds);
            // Of an expired ban nothing is promised; nor of sources that no cache holds.
            let has_aim = self.fate != Fate::Expired && !self.is_spread;
            report.rows.push(Row {
                measure: format!("over empty: {}, {} bans", self.name(), grouped(bans)),
                unit: Unit::NsPerPacket,
                rban: over,
                ratio: Some((base.median + over.median) / value.median),
                peer: Some(Peer { name: peer.into(), value }),
                aim: has_aim.then_some(Aim { text: aim_text, met: over.median <= aim_ns }),
            });
        }
        if self.fate == Fate::Miss {
            let value = Summary::of(&rounds.lookup);
            report.rows.push(Row {
                measure: format!("over empty: {}, {} bans", self.name(), grouped(sizes.few)),
                unit: Unit::NsPerPacket,
                rban: few,
                ratio: Some(few.median / value.median),
                peer: Some(Peer { name: "one LRU lookup, no more".into(), value }),
                aim: None,
            });
        }
        let growth: Vec<_> =
            rounds.few.iter().zip(&rounds.many).map(|(few, many)| many / few).collect();
        let growth = Summary::of(&growth).median;
        report.rows.push(Row {
            measure: format!("growth: {}, {} bans", self.name(), grouped(sizes.many)),
            unit: Unit::NsPerPacket,
            rban: many,
            peer: Some(Peer { name: format!("rban, {} bans", grouped(sizes.few)), value: few }),
            ratio: Some(growth),
            aim: (!self.is_spread).then_some(Aim { text: "ratio ≤ 1.5", met: growth <= GROWTH }),
        });
    }
}

fn nth_v4(first: Ipv4Addr, nth: u32) -> Ipv4Addr {
    (first.to_bits() + nth).into()
}

fn nth_v6(first: Ipv6Addr, nth: u32) -> Ipv6Addr {
    (first.to_bits() + u128::from(nth)).into()
}
