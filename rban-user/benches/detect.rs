//! How long it takes to find the failures in a chunk of lines, with Debian's filters: by one, and by four at once.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use rban::clock::WallTime;
use rban::config::{self, Directory, LogType};
use rban::detect::{Detector, Found, How, Reading, Sink, Spec, Style};
use rban_tests::logs::Mill;

const NOW: WallTime = WallTime::from_secs(1_790_000_000);
const HOW: How = How { now: NOW, reading: Reading::Unchecked, style: Style::First };
/// As much as a source hands over at once.
const CHUNK_BYTES: usize = 64 * 1024;
const LINES: usize = 20_000;

/// A log: its name, its text, and the filters that look at it, each alone and all at once.
type Log = (&'static str, fn() -> Vec<u8>, &'static [&'static str]);

const LOGS: [Log; 2] = [
    (
        "sshd",
        || Mill::new(4, Vec::new()).sshd(LINES),
        &["sshd", "pam-generic", "dropbear", "recidive"],
    ),
    (
        "access",
        || Mill::new(4, Vec::new()).access(LINES),
        &["nginx-botsearch", "apache-badbots", "php-url-fopen", "nginx-bad-request"],
    ),
];

fn logs(c: &mut Criterion) {
    let mut group = c.benchmark_group("detect");
    for (name, log, filters) in LOGS {
        let log = log();
        let chunks = chunks(&log);
        group.throughput(Throughput::Elements(LINES as u64));
        let specs: Vec<Spec> = filters.iter().map(|filter| spec(filter)).collect();
        let mut bench = |case: &str, specs: &[Spec]| {
            let all = (0..specs.len()).collect();
            let detector = Detector::new(specs, &[all], &TimeZone::UTC, 2026);
            let mut detector = detector.expect("the filters are sound");
            group.bench_function(BenchmarkId::new(name, case), |b| {
                b.iter(|| {
                    let mut count = Count(0);
                    chunks
                        .iter()
                        .for_each(|chunk| detector.lines(0, black_box(chunk), HOW, &mut count));
                    count.0
                });
            });
        };
        for (filter, spec) in filters.iter().zip(&specs) {
            bench(filter, std::slice::from_ref(spec));
        }
        bench("all", &specs);
    }
    group.finish();
}

fn spec(filter: &str) -> Spec {
    let stock = Directory::At("/etc/fail2ban".into());
    config::filter_alone(&stock, filter, Some(LogType::File)).expect("fail2ban is installed")
}

/// Whole lines, together as much as a source hands over.
fn chunks(log: &[u8]) -> Vec<Bytes> {
    let mut chunks = vec![Vec::new()];
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        if chunks.last().is_some_and(|chunk| chunk.len() > CHUNK_BYTES) {
            chunks.push(Vec::new());
        }
        chunks.last_mut().expect("never empty").extend_from_slice(line);
    }
    chunks.into_iter().map(Bytes::from).collect()
}

struct Count(usize);

impl Sink for Count {
    fn found(&mut self, _: usize, _: &Found<'_>) {
        self.0 += 1;
    }
}

criterion_group!(benches, logs);
criterion_main!(benches);
