use super::*;
#[test]
fn zz_python() {
    let path = std::env::var("PYRE_CASES").unwrap();
    let v: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let limit: u32 = std::env::var("PYRE_LIMIT").map_or(1_000_000, |l| l.parse().unwrap());
    let mut scratch = Scratch::default();
    let (mut bad, mut n, mut lim) = (0, 0, 0);
    for case in v.as_array().unwrap() {
        let p = case[0].as_str().unwrap();
        let t = case[1].as_str().unwrap();
        let pat = Pattern::new(p, Flags::default());
        if case[3] == "error" {
            if pat.is_ok() { println!("ACCEPTS {p:?}"); }
            continue;
        }
        let pat = match pat { Ok(p) => p, Err(e) => { println!("REFUSES {p:?}: {e}"); continue } };
        n += 1;
        let r = case[2].as_array().unwrap();
        let r: Vec<usize> = r.iter().map(|x| x.as_i64().unwrap() as usize).collect();
        let found = match pat.search_within(&mut scratch, t.as_bytes(), r[0]..r[1], Steps(limit)) {
            Ok(f) => f,
            Err(_) => { lim += 1; continue }
        };
        let groups: Option<Vec<(i64, i64)>> = found.then(|| (0..=pat.ast().groups.len()).map(|g| scratch.group(g).map_or((-1, -1), |r| (r.start as i64, r.end as i64))).collect());
        let want: Option<Vec<(i64, i64)>> = case[3].as_array().map(|a| a.iter().map(|x| (x[0].as_i64().unwrap(), x[1].as_i64().unwrap())).collect());
        if groups != want {
            bad += 1;
            if bad < 40 { println!("DIFF {p:?} {t:?} {r:?}\n   python {want:?}\n   rban   {groups:?}"); }
        }
    }
    println!("{n} cases, {bad} differ, {lim} limits");
}
