//! How a jail is built of its section, its filter and its actions, and how that fails.

use super::*;

const SKIPPED: &str = "wrong configuration: ";

fn skipped(reason: &str) -> Consequence {
    Consequence::Skipped(format!("{SKIPPED}{reason}"))
}

/// The jail `j` with these lines, alone.
fn jail(lines: &str) -> String {
    format!("=== jail.conf\n[j]\nenabled = true\n{lines}\n")
}

#[test]
fn sections_are_jails_in_order_of_appearance() {
    let on = "enabled = on\nfilter = f\n";
    let text = format!(
        "=== jail.conf\n[INCLUDES]\n[b]\n{on}[KNOWN/x]\n{on}[a]\nenabled = no\n[Definition]\n{on}=== jail.local\n[z]\n{on}[a]\nenabled = YES\nfilter=f\n"
    );
    check(&text, "['start'", "['start','b']\n['start','a']\n['start','Definition']\n['start','z']");
}

#[test]
fn options_are_sent_in_the_order_of_the_specification() {
    let lines = "logencoding = utf-8\nlogtimezone = UTC\nignorecache = k\nignoreip = 192.0.2.1, 192.0.2.2\n 2001:db8::1\nignoreself = no\nignorecommand =
bantime.overalljails = 1\nbantime.rndtime = 5\nbantime.maxtime = 4\nbantime.multipliers = 1 2\nbantime.formula = f\nbantime.factor = 2\nbantime.increment = true\nbantime.other = 1
bantime = 1h\nfindtime = 1m\nmaxmatches = 2\nmaxretry = +1_0\njournalmatch = _A=1 + _B='2 3'\n\n _C=4\ndatepattern = %%Y\n %%d\nfailregex = a\n\n b\nignoreregex = i\nmaxlines = 3\nprefregex = p\nusedns = no\nlogpath = LOG\nbackend = polling\nmode = x\nfilter =";
    let expected = "['add','j','polling']
['set','j','usedns','no']
['set','j','prefregex','p']
['set','j','maxlines',3]
['set','j','addignoreregex','i']
['multi-set','j','addfailregex',['a','b']]
['set','j','datepattern','%Y\\n%d']
['set','j','addjournalmatch','_A=1','+','_B=2 3']
['set','j','addjournalmatch','_C=4']
['set','j','maxretry',10]
['set','j','maxmatches',2]
['set','j','findtime','1m']
['set','j','bantime','1h']
['set','j','bantime.increment',true]
['set','j','bantime.factor','2']
['set','j','bantime.formula','f']
['set','j','bantime.multipliers','1 2']
['set','j','bantime.maxtime','4']
['set','j','bantime.rndtime','5']
['set','j','bantime.overalljails',true]
['set','j','ignorecommand','']
['set','j','ignoreself',false]
['set','j','addignoreip','192.0.2.1','192.0.2.2','2001:db8::1']
['set','j','ignorecache','k']
['set','j','logtimezone','UTC']
['set','j','logencoding','utf-8']
['set','j','addlogpath','LOG','head']";
    let read = example(&jail(lines)).read();
    let commands = commands(&read, "");
    let of_jail = commands.split_once("['add'").unwrap().1.rsplit_once('\n').unwrap().0;
    assert_eq!(format!("['add'{of_jail}"), expected);
    finds(&jail(lines), "/etc/jail.conf:1: no filter is set; write filter = NAME (jail j)");
    finds(&jail(lines), "/etc/jail.conf:1: no action is set; write action = NAME (jail j)");
}

#[test]
fn a_jails_options_hide_those_of_its_filter() {
    let filter = "=== filter.d/g.conf\n[Definition]\nfailregex = f\nprefregex = fp\nmaxlines = 9\nusedns = raw\n";
    let lines =
        "filter = g\nmaxlines = 3\nfailregex = %(known/failregex)s\n <tag> %(known/maxlines)s";
    check(
        &format!("{filter}{}", jail(lines)),
        "['",
        "['set','syslogsocket','auto']
['set','loglevel','INFO']
['set','logtarget','/var/log/fail2ban.log']
['set','allowipv6','auto']
['set','dbfile','/var/lib/fail2ban/fail2ban.sqlite3']
['set','dbpurgeage','1d']
['add','j','auto']
['set','j','maxlines',3]
['set','j','usedns','raw']
['set','j','prefregex','fp']
['multi-set','j','addfailregex',['f','<tag> 9']]
['start','j']",
    );
}

#[test]
fn an_integer_that_is_none_is_sent_as_nothing() {
    let text = jail("filter = f\nmaxretry = many\nmaxlines = 1.5");
    check(
        &text,
        "['set','j'",
        "['set','j','addfailregex','^f <HOST>$']\n['set','j','maxretry',null]",
    );
    finds(&text, "/etc/jail.conf:4: maxretry = many: not an integer; write digits only (jail j)");
}

#[test]
fn filters_are_told_how_lines_look() {
    let filter = "=== filter.d/g.conf\n[Definition]\nfailregex = <logtype> %(logtype)s\n[DEFAULT]\nlogtype = d\n";
    let own = "=== filter.d/g.local\n[Definition]\nlogtype = own\n";
    for (files, lines, expected) in [
        ("", "filter = g", "file file"),
        ("", "filter = g\nbackend = systemd[x=y]", "journal journal"),
        ("", "filter = g[logtype=arg]\nbackend = systemd", "arg arg"),
        (own, "filter = g", "own own"),
    ] {
        let text = format!("{filter}{files}{}", jail(lines));
        check(
            &text,
            "['set','j','addfailregex'",
            &format!("['set','j','addfailregex','{expected}']"),
        );
    }
}

#[test]
fn tags_take_arguments_then_init_then_definition_then_default() {
    let kind = |key: &str| {
        format!(
            "[DEFAULT]\nx = d\ny = d\nz = d\n[Definition]\n{key} = <x> <y> <z> <w> %(x)s %(z)s <known/x> <Sec/s>\nx = o\ny = o\n[Init]\nx = i\nw = i\n[Sec]\ns = %(t)s\nt = 1\n"
        )
    };
    let files = format!("=== action.d/b.conf\n{}", kind("actionban"));
    let text = format!("{files}{}", jail("filter = f\naction = b\n b[x=a,name=k]"));
    check(&text, "['multi-set','j','action'", "['multi-set','j','action','b',[['actionban','i o d i o d i 1'],['name','j'],['actname','b'],['x','i'],['w','i']]]
['multi-set','j','action','b-k',[['actionban','a o d i a d i 1'],['x','a'],['name','k'],['actname','b-k'],['w','i']]]");
    // A filter is read twice, and the second time %(…)s finds what [Init] sets.
    let text = format!("=== filter.d/b.conf\n{}{}", kind("failregex"), jail("filter = b"));
    check(&text, "['set','j','addfailregex'", "['set','j','addfailregex','i o d i i d i 1']");
}

#[test]
fn what_depends_on_the_family_is_left_to_the_server() {
    let files = "=== action.d/b.conf\n[Definition]\nactionban = <tool> <block> <matches> <bantime>\n[Init]\ntool = four\nblock = DROP\n[Init?family=inet6]\ntool = six\nblock = DROP6\n";
    let with = |action: &str| {
        format!("{files}{}", jail(&format!("filter = f\nbantime = 1h\naction = {action}")))
    };
    let ban = "['actionban','<tool> <block> <matches> <bantime>']";
    for (action, expected) in [
        (
            "b",
            "['name','j'],['actname','b'],['tool','four'],['block','DROP'],['tool?family=inet6','six'],['block?family=inet6','DROP6']",
        ),
        (
            "b[block=X]",
            "['block','X'],['name','j'],['actname','b'],['tool','four'],['tool?family=inet6','six'],['block?family=inet6','X']",
        ),
        (
            "b[block=X, block?family=inet6=Y]",
            "['block','X'],['block?family=inet6','Y'],['name','j'],['actname','b'],['tool','four'],['tool?family=inet6','six']",
        ),
    ] {
        let expected = format!("['multi-set','j','action','b',[{ban},{expected}]]");
        check(&with(action), "['multi-set','j','action'", &expected);
    }
}

#[test]
fn actions_in_python_are_passed_on() {
    let text = jail("filter = f\naction = p.py[b=\"x y\", a=é]\n q.py[actname=n]");
    let args = r"{\'b\': \'x y\', \'a\': \'\\u00e9\'}";
    check(
        &text,
        "['set','j','addaction'",
        &format!(
            "['set','j','addaction','p','/etc/action.d/p.py','{args}']
['set','j','addaction','n','/etc/action.d/q.py','{{}}']"
        ),
    );
}

#[test]
fn logs_are_listed_with_where_to_begin() {
    let text =
        jail("filter = f\nlogpath = LOG1\n LOG2 tail\n LOG3 x\n DANGLING-LOG\n none ; comment");
    check(
        &text,
        "['set','j','addlogpath'",
        "['set','j','addlogpath','LOG1','head']
['set','j','addlogpath','LOG2','tail']
['set','j','addlogpath','LOG3','x']",
    );
    finds(
        &text,
        "/etc/jail.conf:4: logpath = DANGLING-LOG: DANGLING-LOG is a link that leads nowhere",
    );
    finds(&text, "/etc/jail.conf:4: logpath = none: no file is found for none; correct the path");
}

#[test]
fn without_logs_the_journal_may_be_read_or_the_jail_skipped() {
    let with = |lines: &str| jail(&format!("filter = f\nlogpath = none\n{lines}"));
    check(&with(""), "['add'", "['add','j','auto']");
    finds(&with(""), "no log file is found; correct the path, or set skip_if_nologs = true");
    check(&with("journalmatch = _A=1"), "['add'", "['add','j','systemd']");
    check(&with("journalmatch = _A=1\nskip_if_nologs = 1"), "['add'", "['add','j','systemd']");
    for lines in [
        "journalmatch = _A=1\nsystemd_if_nologs = no",
        "journalmatch =",
        "journalmatch = _A=1\nbackend = polling",
    ] {
        let text = with(&format!("{lines}\nskip_if_nologs = 1"));
        let reason = Consequence::Skipped("missing log files.".to_owned());
        fails(&text, "no such file, and skip_if_nologs is set", &reason);
        check(
            &text,
            "['config-error'",
            "['config-error','Jail 'j' skipped, because of missing log files.']",
        );
    }
    check(&with("backend = systemd\nskip_if_nologs = 1"), "['add'", "['add','j','systemd']");
}

#[test]
fn a_jail_without_its_filter_or_action_is_skipped() {
    let none = "there is no filter gone; make filter.d/gone.conf, or name one that is there";
    fails(&jail("filter = gone"), none, &skipped("Unable to read the filter 'gone'"));
    let none = "there is no action gone; make action.d/gone.conf, or name one that is there";
    fails(&jail("filter = f\naction = a gone"), none, &skipped("Unable to read action 'gone'"));
    fails(
        &jail("filter = f[x"),
        "/etc/jail.conf:3: filter = f[x: not a filter with its options",
        &skipped("Invalid filter definition 'f[x': unexpected option syntax"),
    );
    fails(
        &jail("filter = f\naction = a[x='\\\\'y]"),
        "action = a[x='\\\\'y]: not an action with its options",
        &skipped(
            "Invalid action definition \"a[x='\\\\\\\\'y]\": unexpected syntax at 6 after option 'x': y",
        ),
    );
}

#[test]
fn if_no_jail_is_left_nothing_starts() {
    let gone = jail("filter = gone");
    let stream = |text: &str| stream(&example(text).read()).unwrap();
    assert!(!stream(&gone).starts);
    assert!(stream(&format!("{gone}[k]\nenabled = 1\nfilter = f\n")).starts);
}

#[test]
fn what_is_wrong_in_a_jails_files_is_that_jails() {
    let fatal = Consequence::Fatal;
    fails(
        &jail("filter = f\nmaxretry = %(x)s"),
        "/etc/jail.conf:4: maxretry = %(x)s: there is",
        &fatal,
    );
    for line in ["x", "failregex = 1", "[Definition]", "y = 5%", "y = <y>", "failregex = %(x)s"] {
        let text = format!(
            "=== filter.d/g.conf\n[Definition]\nfailregex = a\n{line}\n{}",
            jail("filter = g")
        );
        fails(&text, "/etc/filter.d/g.conf:", &fatal);
    }
    let text = format!(
        "=== action.d/b.conf\n[Definition]\nactionban = <b>\nb = <c>\nc = <b>\n{}",
        jail("filter = f\naction = b")
    );
    fails(&text, "/etc/action.d/b.conf:2: actionban = ", &fatal);
    fails(
        &jail("filter = f\njournalmatch = 'x"),
        "journalmatch = 'x: a quote is not closed",
        &fatal,
    );
}

#[test]
fn the_other_jails_go_on() {
    let text = format!("{}[k]\nenabled = 1\nfilter = f\n", jail("filter = f\nfindtime = %(x)s"));
    let read = example(&text).read();
    assert!(read.jails[0].outcome.is_err() && read.jails[1].outcome.is_ok());
    assert!(read.jails[0].filter.is_none() && read.jails[1].filter.is_some());
}

#[test]
fn a_jail_that_is_off_is_read_as_far_as_that() {
    let text = "=== jail.conf\n[off]\nmaxretry = %(x)s\nfilter = gone\n";
    assert!(stream(&example(text).read()).is_ok());
    for line in ["filter = %(x)s", "backend = 5%"] {
        let text = format!("=== jail.conf\n[off]\n{line}\n");
        let read = example(&text).read();
        assert!(read.jails.is_empty() && stream(&read).is_err());
        finds(&text, &format!("/etc/jail.conf:2: {line}: "));
    }
    // If nobody can tell, it has failed.
    fails("=== jail.conf\n[j]\nenabled = %(x)s\n", "enabled = %(x)s: there", &Consequence::Fatal);
}

#[test]
fn files_without_definition_are_told() {
    let files = "=== filter.d/g.conf\n[Init]\nfailregex = i\n=== action.d/b.conf\n[DEFAULT]\nactionban = x\n[Init]\ny = 1\n";
    let text = format!("{files}{}", jail("filter = g\naction = b"));
    check(&text, "['set','j','addfailregex'", "['set','j','addfailregex','i']");
    finds(&text, "filter.d/g: has no [Definition]; put its options under [Definition] (jail j)");
    finds(&text, "action.d/b: has no [Definition]");
}

#[test]
fn jails_know_their_directory_and_version() {
    check_value(
        "=== jail.conf\n[j]\nfilter = f\nignorecommand = %(fail2ban_confpath)s %(fail2ban_version)s",
        "/etc 1.1.2.dev1",
    );
}
