use super::*;

/// The pattern in a spelling that shows how it was understood.
fn spelling(node: &Node) -> String {
    let list = |nodes: &[Node]| nodes.iter().map(spelling).collect::<Vec<_>>();
    match node {
        Node::Char(c) => c.escape_debug().to_string(),
        Node::Class(class) => {
            let item = |item: &Item| match *item {
                Item::Range(first, last) if first == last => format!("{first:x}"),
                Item::Range(first, last) => format!("{first:x}-{last:x}"),
                Item::Kind { kind, charset } => format!("{kind:?}.{charset:?}"),
                Item::NotKind { kind, charset } => format!("not {kind:?}.{charset:?}"),
            };
            let items: Vec<String> = class.items.iter().map(item).collect();
            let case = if class.case == Case::Counts { "" } else { "/i" };
            format!("[{}{}{case}]", if class.negated { "^" } else { "" }, items.join(" "))
        }
        Node::Assertion(assertion) => format!("<{assertion:?}>"),
        Node::Group { index, body } => format!("({index}:{})", spelling(body)),
        Node::Concat(nodes) => list(nodes).concat(),
        Node::Alternate(nodes) => format!("({})", list(nodes).join("|")),
        Node::Repeat(Repeat { min, max, kind, body, .. }) => {
            let max = max.map_or(String::new(), |max| max.to_string());
            let kind = match kind {
                RepeatKind::Greedy => "",
                RepeatKind::Lazy => "?",
                RepeatKind::Possessive => "+",
            };
            format!("{{{}}}{{{min},{max}}}{kind}", spelling(body))
        }
        Node::Look(look) => {
            format!("<{:?} {:?} {}>", look.sense, look.direction, spelling(&look.body))
        }
        Node::Atomic(body) => format!("<Atomic {}>", spelling(body)),
        Node::Conditional { group, yes, no } => {
            format!("<if {group} {} else {}>", spelling(yes), spelling(no))
        }
        Node::Backreference { group, case } => format!("<Again {group} {case:?}>"),
    }
}

#[track_caller]
fn check(pattern: &str, expected: &str) {
    match parse(pattern, Flags::default()) {
        Ok(ast) => assert_eq!(spelling(&ast.root), expected, "{pattern}"),
        Err(error) => panic!("{pattern}: {error}"),
    }
}

#[track_caller]
fn refused(pattern: &str, position: usize, problem: &Problem) {
    match parse(pattern, Flags::default()) {
        Ok(ast) => panic!("{pattern}: understood as {}", spelling(&ast.root)),
        Err(error) => {
            assert_eq!((error.position, &error.problem), (position, problem), "{pattern}")
        }
    }
}

#[test]
fn characters_and_escapes() {
    check("a.b", "a[^a]b");
    check(r"\<\>\/\-\ \=\'\;", r"<>/- =\';");
    check(r"\x41\u0042\U00000043\0\101\07", r"ABC\0A\u{7}");
    check(r"\a\f\n\r\t\v\\", r"\u{7}\u{c}\n\r\t\u{b}\\");
    check(r"\d\D\s\S", "[Digit.Unicode][not Digit.Unicode][Space.Unicode][not Space.Unicode]");
    check(r"(?a)\w\W", "[Word.Ascii][not Word.Ascii]");
    check(r"\ud800", "[d800]");
    check("é]}", "é]}");
}

#[test]
fn places() {
    check(
        r"^\A\b\B\Z$",
        "<TextStart><TextStart><WordBoundary(Unicode)><NotWordBoundary(Unicode)><VeryEnd><TextEnd>",
    );
    check("(?m)^$", "<LineStart><LineEnd>");
    let many = Flags { lines: Lines::Many };
    assert_eq!(spelling(&parse("^", many).unwrap().root), "<LineStart>");
}

#[test]
fn sets() {
    check("[abc]", "[61 62 63]");
    check("[a]", "a");
    check("[]a]", "[5d 61]");
    check("[^]a]", "[^5d 61]");
    check("[^[]", "[^5b]");
    check("[a-z-]", "[61-7a 2d]");
    check("[-a]", "[2d 61]");
    check("[a-]", "[61 2d]");
    check(r"[\d-]", "[Digit.Unicode 2d]");
    check(r"[\w\].\b]", "[Word.Unicode 5d 2e 8]");
    check("[[:alpha:]]", "[5b 3a 61 6c 70 68 61 3a]]");
    check("[a&&b]", "[61 26 26 62]");
}

#[test]
fn repeats() {
    check("a*b+?c?+", "{a}{0,}{b}{1,}?{c}{0,1}+");
    check("a{2}b{2,}c{,3}d{2,3}?e{,}", "{a}{2,2}{b}{2,}{c}{0,3}{d}{2,3}?{e}{0,}");
    check("a{}b{x}c{1,2", "a{}b{x}c{1,2");
    check("(?:a*)*", "{{a}{0,}}{0,}");
    check("(?:^)*(?=a)?", "{<TextStart>}{0,}{<Positive Ahead a>}{0,1}");
}

#[test]
fn groups() {
    check("(a)(?:b)(?P<n>c)", "(1:a)b(2:c)");
    check(r"(a)\1(?P<n>b)(?P=n)", "(1:a)<Again 1 Counts>(2:b)<Again 2 Counts>");
    check(
        "(?=a)(?!b)(?<=cd)(?<!e)",
        "<Positive Ahead a><Negative Ahead b><Positive Behind(2) cd><Negative Behind(1) e>",
    );
    check("(?>a|b)", "<Atomic (a|b)>");
    check("(a)?(?(1)b|c)(?P<n>d)?(?(n)e)", "{(1:a)}{0,1}<if 1 b else c>{(2:d)}{0,1}<if 2 e else >");
    check("(?(1)a)(b)", "<if 1 a else >(1:b)");
    check("a(?#b(c)d", "ad");
    check(r"(a)(?<=\1)", "(1:a)<Positive Behind(1) <Again 1 Counts>>");
    assert_eq!(parse("(a)(?P<n>b)", Flags::default()).unwrap().groups, [None, Some("n".into())]);
}

#[test]
fn flags() {
    check("(?i)a1", "[61/i]1");
    check("(?i:a)a(?-i:a)", "[61/i]aa");
    check("(?i)(?-i:a)b|c", "(a[62/i]|[63/i])");
    check("(?s).(?-s:.)", "[^][^a]");
    check("(?x) a b # c\n d\\ e [ f]", "abd e[20 66]");
    check("(?x: a ) b", "a b");
    check("(?x)a +", "{a}{1,}");
    check("(?#c)(?i)(?m)^", "<LineStart>");
}

#[test]
fn what_python_refuses_is_refused() {
    refused("a**", 2, &Problem::MultipleRepeat { found: '*' });
    refused("*a", 0, &Problem::NothingToRepeat { found: '*' });
    refused("^*", 1, &Problem::NothingToRepeat { found: '*' });
    refused("a|{2}", 2, &Problem::NothingToRepeat { found: '{' });
    refused("(a", 0, &Problem::UnclosedGroup);
    refused("a)", 1, &Problem::UnbalancedParenthesis);
    refused("a[b", 1, &Problem::UnclosedSet);
    refused("[b-a]", 1, &Problem::BadRange { range: "b-a".into() });
    refused(r"[\d-z]", 1, &Problem::BadRange { range: r"\d-z".into() });
    refused(r"\q", 0, &Problem::BadEscape { escape: r"\q".into() });
    refused(r"[\Z]", 1, &Problem::BadEscape { escape: r"\Z".into() });
    refused(r"a\", 1, &Problem::TrailingBackslash);
    refused(r"\x4", 0, &Problem::IncompleteEscape { escape: r"\x4".into(), digits: 2 });
    refused(r"\400", 0, &Problem::OctalTooLarge { escape: r"\400".into() });
    refused(r"(a)\2", 3, &Problem::UnknownGroup { number: "2".into() });
    refused(r"(a\1)", 2, &Problem::OpenGroup { number: 1 });
    refused("(?P<n>a)(?P<n>b)", 8, &Problem::DuplicateName { name: "n".into() });
    refused("(?P=n)", 4, &Problem::UnknownName { name: "n".into() });
    refused("(?P<1>a)", 4, &Problem::BadName { name: "1".into() });
    refused("(?P<n-m>a)", 4, &Problem::BadName { name: "n-m".into() });
    refused("(?(2)a)(b)", 3, &Problem::UnknownGroup { number: "2".into() });
    refused("(a)(?(1)b|c|d)", 11, &Problem::TooManyBranches);
    refused("(?<=a+)", 0, &Problem::LookBehindWidth);
    refused("(?<!a|bc)", 0, &Problem::LookBehindWidth);
    refused(r"(?<=(a)\1)", 7, &Problem::GroupInLookBehind { number: 1 });
    refused("a(?i)b", 1, &Problem::FlagsNotAtStart { flags: "i".into() });
    refused("(?z)a", 1, &Problem::UnknownExtension { found: "?z".into() });
    refused("(?<n>a)", 1, &Problem::UnknownExtension { found: "?<n".into() });
    refused("(?au)a", 2, &Problem::BadFlag { flag: 'u', why: "contradicts a" });
    refused("a{3,2}", 2, &Problem::RepeatMinAboveMax { min: 3, max: 2 });
    refused(r"\N{DIGIT ONE}", 0, &Problem::NamedCharacter);
}

#[test]
fn what_is_too_large_is_refused() {
    refused(&"a".repeat(65 * 1024), 0, &Problem::TooLong { bytes: 65 * 1024 });
    refused(&"(?:".repeat(200), 300, &Problem::TooDeep);
    refused(&"()".repeat(501), 1000, &Problem::TooManyGroups);
    refused("a{99999999999}", 2, &Problem::RepeatTooLarge { number: "99999999999".into() });
}

#[test]
fn messages_say_what_to_write() {
    let error = parse("a(b", Flags::default()).unwrap_err();
    let expected = "position 1: the group that begins here is not closed; write ) at its end, or \\( for the character itself";
    assert_eq!(error.to_string(), expected);
}
