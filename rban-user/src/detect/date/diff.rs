use super::*;
use serde_json::{Value, json};
#[test]
fn diff() {
    let Ok(text) = std::fs::read_to_string("/tmp/obs/cases.json") else { return };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut out = Vec::new();
    for case in cases {
        let patterns: Vec<String> = case["patterns"]
            .as_array()
            .map(|p| p.iter().map(|p| p.as_str().unwrap().to_owned()).collect())
            .unwrap_or_default();
        let spec = Spec { patterns, logtimezone: case["ltz"].as_str().map(str::to_owned) };
        let tz = case["tz"].as_str().unwrap();
        let zone = match std::fs::read(format!("/usr/share/zoneinfo/{tz}")) {
            Ok(b) => TimeZone::tzif(tz, &b).unwrap(),
            Err(_) => TimeZone::posix(tz).unwrap(),
        };
        let mut d = match Detector::new(&spec, zone, 2026) {
            Ok(d) => d,
            Err(e) => {
                use std::error::Error as _;
                out.push(json!(format!("ERR {e} {:?}", e.source().map(|s| s.to_string()))));
                continue;
            }
        };
        let now = WallTime::from_micros((case["now"].as_f64().unwrap() * 1e6) as i64);
        let mut rs = Vec::new();
        for line in case["lines"].as_array().unwrap() {
            let line = line.as_str().unwrap();
            let hit = d.selection.find(&Line::new(line), now);
            rs.push(match hit {
                None => Value::Null,
                Some(h) => {
                    let c = |b: usize| line[..b].chars().count();
                    let t = match d.time(&h.stamp, now) {
                        Ok(t) => json!(t.as_micros() as f64 / 1e6),
                        Err(NotATime::Impossible) => Value::Null,
                        Err(_) => json!("EXC"),
                    };
                    json!([c(h.whole.start), c(h.whole.end), c(h.cut.start), c(h.cut.end), t])
                }
            });
        }
        out.push(json!(rs));
    }
    std::fs::write("/tmp/obs/ours.json", serde_json::to_string(&out).unwrap()).unwrap();
}
