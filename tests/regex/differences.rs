//! What differs for a reason, made equal on both sides.

/// A report without what must differ.
pub(crate) fn plain(report: &str) -> Vec<String> {
    // What the package tells of how it read the filter, if it is asked to be very verbose.
    let lines = report.lines().filter(|line| !line.starts_with("Real "));
    let mut lines: Vec<String> = lines.map(line).collect();
    // The package gives a template more weight that is named by itself and is a default one too; the order in which
    // templates are tried is then another, what they find is not.
    let is_date = |line: &String| line.starts_with("|  [");
    if let Some(first) = lines.iter().position(is_date) {
        let end = lines[first..].iter().position(|line| !is_date(line));
        let end = end.map_or(lines.len(), |len| first + len);
        lines[first..end].sort_unstable();
    }
    lines
}

fn line(line: &str) -> String {
    // Takes as long as it takes.
    if line.starts_with("[processed in ") {
        return "[processed]".to_owned();
    }
    // Release 1.1 calls it so.
    for old in ["Use   failregex filter file : ", "Use   failregex file : "] {
        if let Some(name) = line.strip_prefix(old) {
            return format!("Use      filter file : {name}");
        }
    }
    // It is shown with its tags replaced, and what an address looks like is written otherwise.
    if let Some((before, _)) = line.split_once("(?P<ip4>") {
        return before.to_owned();
    }
    // Release 1.1 knows more ways to write this date.
    line.replace(
        "ExDay(?:T|  ?)Ex24hourExMinuteExSecond",
        "ExDay(?:-|T|  ?)Ex24hour:?ExMinute:?ExSecond",
    )
}
