//! What a running process takes: memory, CPU time, switches to it.

use std::fs;

use anyhow::{Context, Result};

/// What all threads of a process have taken so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) cpu_ns: f64,
    pub(crate) switches: f64,
}

/// So much since it was started.
pub(crate) fn taken(pid: u32) -> Result<Taken> {
    let tasks = format!("/proc/{pid}/task");
    let mut sum = Taken::default();
    for task in fs::read_dir(&tasks).with_context(|| format!("listing {tasks}"))?.flatten() {
        // A thread that ends meanwhile has taken little.
        let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let first = read("schedstat").split(' ').next().and_then(|ns| ns.parse::<f64>().ok());
        sum.cpu_ns += first.unwrap_or_default();
        sum.switches += field(&read("status"), "voluntary_ctxt_switches:").unwrap_or_default();
        sum.switches += field(&read("status"), "nonvoluntary_ctxt_switches:").unwrap_or_default();
    }
    Ok(sum)
}

impl Taken {
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { cpu_ns: self.cpu_ns - earlier.cpu_ns, switches: self.switches - earlier.switches }
    }
}

/// Megabytes of its memory that are resident.
pub(crate) fn resident_mb(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let kb = field(&status, "VmRSS:").with_context(|| format!("{path} says no VmRSS"))?;
    Ok(kb * 1_024.0 / 1e6)
}

fn field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
