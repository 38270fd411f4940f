//! Conditions of sample files: comparisons of the filter's name, or of an option, with a text.

use serde_json::Value;

use crate::annotation::Options;

/// Whether `name == 'sshd'` or `opts.get('mode') != 'aggressive'` holds.
pub(crate) fn holds(condition: &str, filter: &str, options: &Options) -> bool {
    let known = "name == 'x', or opts.get('y') != 'x'";
    let expected = format!("{condition}: not a condition that this runner knows; write {known}");
    let (left, equal, right) = match (condition.split_once("=="), condition.split_once("!=")) {
        (Some((left, right)), None) => (left, true, right),
        (None, Some((left, right))) => (left, false, right),
        _ => panic!("{expected}"),
    };
    let quoted = |text: &str| Some(text.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_owned());
    let left = match left.trim() {
        "name" => Some(filter.to_owned()),
        option => {
            let key = option.strip_prefix("opts.get(").and_then(|it| it.strip_suffix(')'));
            let key = key.and_then(quoted).expect(&expected);
            options.get(&key).and_then(Value::as_str).map(str::to_owned)
        }
    };
    let right = quoted(right).expect(&expected);
    (left.as_deref() == Some(&*right)) == equal
}

#[test]
fn names_and_options_are_compared() {
    let options = serde_json::from_str(r#"{"mode": "ddos"}"#).unwrap();
    assert!(holds("name=='sshd'", "sshd", &options));
    assert!(!holds("name == 'sshd'", "exim", &options));
    assert!(holds("opts.get('mode') != 'aggressive'", "sshd", &options));
    assert!(holds("opts.get('logtype') != 'journal'", "sshd", &options));
}
