use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::*;
use crate::control::value::{Class, Exception, Value};

/// Values that Python has too: no NaN, which equals nothing, and dicts without two equal keys.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<i16>().prop_map(|number| Value::Int(number.into())),
        (-1e300..1e300).prop_map(Value::Float),
        any::<String>().prop_map(Value::Text),
        ".{250,260}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let items = || prop::collection::vec(inner.clone(), 0..8);
        let pairs = prop::collection::btree_map(any::<String>(), inner.clone(), 0..4);
        prop_oneof![
            items().prop_map(Value::List),
            items().prop_map(Value::Tuple),
            pairs.prop_map(|pairs| {
                let pairs = pairs.into_iter().map(|(key, it)| (Value::Text(key), it));
                Value::Dict(pairs.collect())
            }),
            prop::collection::btree_set(any::<i64>(), 0..3)
                .prop_map(|items| Value::Set(items.into_iter().map(Value::Int).collect())),
        ]
    })
}

/// Sets have no order.
fn sorted(value: Value) -> Value {
    let all = |items: Vec<Value>| items.into_iter().map(sorted).collect::<Vec<_>>();
    match value {
        Value::Set(items) => {
            let mut items = all(items);
            items.sort_by_key(|item| if let Value::Int(number) = item { *number } else { 0 });
            Value::Set(items)
        }
        Value::List(items) => Value::List(all(items)),
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::Dict(pairs) => {
            Value::Dict(pairs.into_iter().map(|(key, it)| (key, sorted(it))).collect())
        }
        other => other,
    }
}

/// What a Python program makes of bytes, both as hexadecimal digits, a line for each.
fn python(program: &str, inputs: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut child = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let mut lines = String::new();
    for input in inputs {
        input.iter().for_each(|byte| lines.push_str(&format!("{byte:02x}")));
        lines.push('\n');
    }
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    text.lines().map(|line| line.as_bytes().chunks(2).map(byte).collect()).collect()
}

#[test]
fn python_reads_what_we_write_and_we_what_it_writes() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let requests = prop::collection::vec(prop::collection::vec(values(), 0..6), 150);
    let requests = requests.new_tree(&mut runner).unwrap().current();
    let pickles: Vec<Vec<u8>> = requests.iter().map(|words| to_request(words)).collect();
    for protocol in 0..=5 {
        // Before protocol 4, sets are calls.
        let all = requests.iter().zip(&pickles);
        let has_set = |words: &[Value]| format!("{words:?}").contains("Set(");
        let taken = all.filter(|(words, _)| protocol >= 4 || !has_set(words));
        let (words, pickles): (Vec<_>, Vec<_>) = taken.map(|(a, b)| (a.clone(), b.clone())).unzip();
        assert!(words.len() > 50);
        let again = python(
            &format!(
                "import sys,pickle\nfor l in sys.stdin: \
                 print(pickle.dumps(pickle.loads(bytes.fromhex(l)),{protocol}).hex())"
            ),
            &pickles,
        );
        assert_eq!(again.len(), words.len());
        for (words, again) in words.into_iter().zip(again) {
            let read = request(&again).map(|words| sorted(Value::List(words)));
            assert_eq!(read, Ok(sorted(Value::List(words))), "protocol {protocol}");
        }
    }
}

#[test]
fn python_raises_the_exceptions_that_we_send() {
    let program = "import sys,pickle,types\n\
        m=types.ModuleType('fail2ban.exceptions');sys.modules['fail2ban']=m;sys.modules[m.__name__]=m\n\
        for n in ('UnknownJailException','DuplicateJailException'):\n \
        setattr(m,n,type(n,(Exception,),{'__module__':m.__name__}))\n\
        for l in sys.stdin: print(pickle.dumps(pickle.loads(bytes.fromhex(l))).hex())";
    let classes = [
        Class::UnknownJail,
        Class::DuplicateJail,
        Class::Index,
        Class::Key,
        Class::Value,
        Class::Attribute,
        Class::Other,
    ];
    let mut errors: Vec<_> = classes.map(|class| Exception::new(class, "j1")).into();
    let path = Value::Text("/nowhere".to_owned());
    let text = Value::Text("No such file or directory".to_owned());
    errors.push(Exception { class: Class::FileNotFound, args: vec![Value::Int(2), text, path] });
    let pickles: Vec<_> = errors.iter().map(|error| to_answer(&Err(error.clone()))).collect();
    for (error, again) in errors.into_iter().zip(python(program, &pickles)) {
        assert_eq!(answer(&again), Ok(Answered::Answer(Err(error.clone()))));
    }
}

#[test]
fn addresses_of_a_reference_server_are_texts() {
    let program = "import sys,pickle\n\
        class IP:\n def __reduce__(self): return (str,('192.0.2.1',))\n\
        for l in sys.stdin: print(pickle.dumps((0,[IP(),IP()]),int(l,16)).hex())";
    let address = || Value::Text("192.0.2.1".to_owned());
    for protocol in 0..=5 {
        let sent = &python(program, &[vec![protocol]])[0];
        let list = Value::List(vec![address(), address()]);
        assert_eq!(answer(sent), Ok(Answered::Answer(Ok(list))), "protocol {protocol}");
        assert!(request(sent).is_err());
    }
}

#[test]
fn the_example_of_the_specification_is_read() {
    let ping = b"\x80\x05\x95\x0c\0\0\0\0\0\0\0K\0\x8c\x04pong\x94\x86\x94.";
    let pong = Value::Text("pong".to_owned());
    assert_eq!(answer(ping), Ok(Answered::Answer(Ok(pong))));
}

#[test]
fn a_list_that_is_named_twice_is_there_twice() {
    let words = request(b"](]\x94(K\x01eh\0e.").unwrap();
    let one = || Value::List(vec![Value::Int(1)]);
    assert_eq!(words, [one(), one()]);
}

#[test]
fn a_leaving_server_is_understood() {
    assert_eq!(answer(&to_shutdown()), Ok(Answered::ShuttingDown));
    assert_eq!(
        answer(&to_complaint("no pickle")),
        Ok(Answered::Unreadable("ERROR: no pickle".to_owned()))
    );
}

#[test]
fn no_message_holds_the_end_of_one() {
    let filling = "x".repeat(60 - "F2B_END_COMMAND>".len());
    let texts = ["<F2B_END_COMMAND>", &format!("F2B_END_COMMAND>{filling}"), "a\n<F2B_END_COMMAND"];
    for text in texts {
        let words = [Value::Text(text.to_owned())];
        let sent = to_request(&words);
        assert_eq!(memchr::memmem::find(&sent, b"<F2B_END_COMMAND>"), None);
        assert_eq!(request(&sent).unwrap(), words);
    }
}

#[test]
fn calls_are_refused_in_requests() {
    let calls: [&[u8]; 4] = [
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93(\x8c\x04truetR.",
        b"\x80\x02cbuiltins\nlist\n)\x81.",
        b"]}b.",
    ];
    for call in calls {
        assert!(matches!(request(call), Err(PickleError::Opcode { .. })), "{call:?}");
    }
}

#[test]
fn references_that_multiply_end_in_an_error() {
    let mut laughs = b"]q\0".to_vec();
    for name in 0..30_u8 {
        laughs.extend([b']', b'q', name + 1, b'(']);
        laughs.extend([b'h', name].repeat(10));
        laughs.push(b'e');
    }
    laughs.push(b'.');
    assert!(matches!(request(&laughs), Err(PickleError::TooMuch { what: "values", .. })));
    let circle = b"]q\0h\0a.";
    assert!(matches!(request(circle), Err(PickleError::TooMuch { .. })));
}

proptest! {
    #[test]
    fn what_is_written_is_read(words in prop::collection::vec(values(), 0..6)) {
        prop_assert_eq!(request(&to_request(&words)), Ok(words.clone()));
        let list = Value::List(words);
        let answered = answer(&to_answer(&Ok(list.clone())));
        prop_assert_eq!(answered, Ok(Answered::Answer(Ok(list))));
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        drop(request(&bytes));
        drop(answer(&bytes));
    }

    #[test]
    fn no_instructions_are_too_odd(
        bytes in prop::collection::vec(prop::sample::select(
            b"\x80\x95(.012NIJKMLFGSTUVXaelt)]}dsupqrghjcRb\x85\x86\x87\x88\x8a\x8c\x8f\x90\x91\x93\x94\x00\x01\n'1"
                .to_vec()
        ), 0..96),
    ) {
        drop(request(&bytes));
        drop(answer(&bytes));
    }

    #[test]
    fn a_damaged_message_is_no_danger(
        words in prop::collection::vec(values(), 1..6),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut sent = to_request(&words);
        let at = at.index(sent.len());
        sent[at] = byte;
        drop(request(&sent));
        drop(answer(&sent));
    }
}
