//! How long it takes to find and read the date of a line.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use rban::clock::WallTime;
use rban::detect::date::{Detector, Spec};

/// The moment of the lines: 2025-11-21 05:40:00 in Berlin.
const NOW: WallTime = WallTime::from_secs(1_763_700_000);

/// A log: its name, the patterns it is read by, and its lines, all alike.
type Log = (&'static str, &'static [&'static str], fn(usize) -> String);

const LOGS: [Log; 10] = [
    ("iso", &[], |n| {
        format!(
            "2025-11-21T05:{:02}:{:02}.123456+01:00 srv sshd[{n}]: Failed password",
            n / 60 % 60,
            n % 60
        )
    }),
    ("syslog", &[], |n| {
        format!(
            "Nov 21 05:{:02}:{:02} srv sshd[{n}]: Failed password for root",
            n / 60 % 60,
            n % 60
        )
    }),
    ("syslog_line_begin", &["{^LN-BEG}"], |n| {
        format!(
            "Nov 21 05:{:02}:{:02} srv sshd[{n}]: Failed password for root",
            n / 60 % 60,
            n % 60
        )
    }),
    ("epoch", &["{^LN-BEG}Epoch"], |n| {
        format!(
            "{}.123    57 192.0.2.1 TCP_MISS/200 512 GET http://example.org/",
            1_763_690_000 + n
        )
    }),
    ("access_line_begin", &[r"^[^\[]*\[({DATE})", "{^LN-BEG}"], access),
    ("access", &[], access),
    ("no_date", &[], |n| {
        format!("srv sshd[{n}]: Failed password for root from 192.0.2.1 port {n} ssh2, no date")
    }),
    ("no_date_line_begin", &["{^LN-BEG}"], |n| {
        format!("srv sshd[{n}]: Failed password for root from 192.0.2.1 port {n} ssh2, no date")
    }),
    ("time_in_message", &["{^LN-BEG}"], |n| {
        format!(
            "srv app[{n}]: since 05:40:{:02} of 2025-11-21 nothing from 192.0.2.1 was seen",
            n % 60
        )
    }),
    ("pattern", &["{^LN-BEG}%Y-%m-%d[T ]%H:%M:%S(?:[.,]%f)?(?: %z)?"], |n| {
        format!("2025-11-21 05:{:02}:{:02},123 srv app[{n}]: Failed password", n / 60 % 60, n % 60)
    }),
];

/// Addresses of all lengths come before the date.
fn access(n: usize) -> String {
    let (a, b) = (n % 256, n * 7 % 256);
    let (minute, second) = (n / 60 % 60, n % 60);
    format!(
        "198.18.{a}.{b} - - [21/Nov/2025:05:{minute:02}:{second:02} +0100] \"GET /index.html HTTP/1.1\" 200 1234"
    )
}

fn dates(c: &mut Criterion) {
    let mut group = c.benchmark_group("date");
    group.throughput(Throughput::Elements(1));
    for (name, patterns, line) in LOGS {
        let lines: Vec<String> = (0..1_024).map(line).collect();
        let patterns = patterns.iter().map(|&pattern| pattern.into()).collect();
        let spec = Spec { patterns, logtimezone: None };
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("it is a zone");
        let mut detector = Detector::new(&spec, zone, 2026).expect("the patterns are sound");
        let mut lines = lines.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                let line = lines.next().expect("it goes round");
                let found = detector.find(black_box(line), NOW)?;
                detector.time(found.stamp, NOW).ok()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, dates);
criterion_main!(benches);
