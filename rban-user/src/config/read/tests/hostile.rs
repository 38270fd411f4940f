//! Configuration that would take for ever, or all memory, or trip us up.

use proptest::prelude::*;

use super::*;

/// Reads within a small budget, and makes the stream of it.
fn survives(example: &Example) {
    if let Ok(read) = read(Loader::new(example, Path::new("/etc"), Budget::new(4 << 20))) {
        drop(stream(&read));
    }
}

#[track_caller]
fn refused(text: &str, message: &str) {
    let errors = read_from(Path::new("/etc"), &example(text)).unwrap_err();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(errors.iter().any(|error| error.contains(message)), "{errors:#?}");
}

#[test]
fn files_that_include_each_other_are_read_once() {
    check_value(
        "=== jail.conf\n[INCLUDES]\nbefore = a.conf\n[j]\nfilter = f\nignorecommand = 1\n=== a.conf\n[INCLUDES]\nbefore = jail.conf\nafter = b.conf\n=== b.conf\n[INCLUDES]\nafter = a.conf\n b.conf",
        "1",
    );
}

#[test]
fn includes_do_not_nest_for_ever() {
    let link = |i: usize| format!("=== {i}.conf\n[INCLUDES]\nafter = {}.conf\n", i + 1);
    let chain: String = (0..40).map(link).collect();
    let text = format!("=== jail.conf\n[INCLUDES]\nbefore = 0.conf\n{chain}");
    refused(&text, "includes nest deeper than 32; do not include files in a loop");
}

#[test]
fn includes_do_not_multiply_for_ever() {
    let link = |i: usize| {
        let next = i + 1;
        format!("=== {i}.conf\n[INCLUDES]\nbefore = {next}.conf\nafter = {next}.conf\n")
    };
    let chain: String = (0..30).map(link).collect();
    let text = format!("=== jail.conf\n[INCLUDES]\nbefore = 0.conf\n{chain}=== 30.conf\n[x]\n");
    refused(&text, "is one file too many, 1000 were read already");
}

#[test]
fn files_and_their_parts_are_counted() {
    refused(
        &format!("=== jail.conf\n[x]\n# {}", "x".repeat(FILE_MAX_BYTES)),
        "more than 2097152 bytes",
    );
    let options: String = (0..110_000).map(|i| format!("{i}=\n")).collect();
    let file = |i: usize| format!("=== jail.d/{i}.conf\n[x]\n{options}");
    let files: String = (0..2).map(file).collect();
    refused(&files, "more than 200000 sections and options were read; remove some");
}

#[test]
fn a_bomb_takes_no_other_jail_along() {
    let level = |i: usize| format!("a{i} = {}\n", format!("%(a{})s", i + 1).repeat(50));
    let bomb: String = (0..9).map(level).collect();
    let text = format!(
        "=== jail.conf\n[DEFAULT]\nenabled = true\nfilter = f\n{bomb}a9 = boom\n[j]\nignorecommand = %(a0)s\n[k]\n"
    );
    fails(&text, "grows past 1048576 bytes", &Consequence::Fatal);
    assert!(example(&text).read().jails[1].outcome.is_ok());
}

#[test]
fn many_jails_with_long_values_run_out_of_budget() {
    let jails: String = (0..2_000).map(|i| format!("[j{i}]\n")).collect();
    let long = "x".repeat(900_000);
    let text = format!(
        "=== jail.conf\n[DEFAULT]\nenabled = true\nfilter = f\nignorecommand = {long}\n{jails}"
    );
    let read = example(&text).read();
    let last = read.jails.last().unwrap().outcome.as_ref().unwrap_err();
    assert!(last.error.to_string().contains("have cost more than"), "{}", last.error);
}

#[test]
fn many_malformed_actions_run_out_of_budget() {
    let text = format!(
        "=== jail.conf\n[j]\nenabled = true\nfilter = f\naction = {}",
        "a[x= ".repeat(180_000)
    );
    fails(
        &text,
        "not an action",
        &Consequence::Skipped(
            "wrong configuration: Invalid action definition 'a[x=': unexpected option syntax"
                .to_owned(),
        ),
    );
    let text =
        format!("=== jail.conf\n[j]\nenabled = true\nfilter = f\naction = {}", "a ".repeat(1_001));
    fails(&text, "one action too many, 1000 were read already", &Consequence::Fatal);
}

/// Lines as one finds them in such files, or nearly.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => r"(enabled|filter|action|failregex|x|y|known/x|logpath|maxretry|before|after) ?[=:] ?(true|f|a|a\[x=1\]|%\((x|y|known/x|t/x|default/y|__name__)\)s|<(x|y|known/x|Sec/x|HOST)>|%|<|\[|1|b\.conf|LOG){0,4}",
        2 => r"\[(j|k|t|Definition|Init|INCLUDES|DEFAULT|Init\?family=inet6|Sec|KNOWN/j)\]",
        1 => r"  (f|a\[|x\]|<y>|%\(x\)s|#|;)*",
        1 => r"[a-z%<>\[\]()=;# \t]{0,8}",
        1 => any::<String>(),
    ]
}

fn file() -> impl Strategy<Value = String> {
    prop::collection::vec(line(), 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut example = example("=== jail.conf\n[j]\nenabled = 1\nfilter = g\n");
        for name in ["jail.local", "filter.d/g.conf", "fail2ban.local"] {
            example.0.push((Path::new("/etc").join(name), bytes.clone()));
        }
        survives(&example);
    }

    #[test]
    fn no_lines_are_too_odd(files in prop::collection::vec(file(), 6)) {
        let mut example = example("");
        let names = ["jail.conf", "jail.local", "filter.d/f.local", "action.d/a.local", "b.conf", "fail2ban.conf"];
        for (name, text) in names.iter().zip(&files) {
            let enabled = if *name == "jail.local" { "[DEFAULT]\nenabled=1\nfilter=f\naction=a\n" } else { "" };
            let text = format!("{enabled}{text}");
            example.0.insert(0, (Path::new("/etc").join(name), text.into_bytes()));
        }
        survives(&example);
    }
}
