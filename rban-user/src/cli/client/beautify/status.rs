//! How jails are, as a tree (spec, client 5.2).

use super::texts;
use crate::cli::client::repr::shown;
use crate::control::value::Value;

/// `status`, and `status --all`.
pub(super) fn of_all(value: &Value) -> Option<String> {
    let mut branches = Vec::new();
    for item in items(value)? {
        branches.push(match item {
            Value::Dict(jails) => jails_of(jails)?,
            Value::Tuple(pair) => match &pair[..] {
                [_, Value::Dict(jails)] => jails_of(jails)?,
                _ => branch(item)?,
            },
            other => branch(other)?,
        });
    }
    Some(drawn("Status", &branches))
}

/// `status JAIL`.
pub(super) fn of_jail(jail: &str, value: &Value) -> Option<String> {
    let branches: Vec<Branch> = items(value)?.iter().map(branch).collect::<Option<_>>()?;
    Some(drawn(&format!("Status for the jail: {jail}"), &branches))
}

enum Branch {
    Leaf(String),
    Bough(String, Vec<Branch>),
}

fn jails_of(jails: &[(Value, Value)]) -> Option<Branch> {
    let jail = |(name, status): &(Value, Value)| {
        let branches = items(status)?.iter().map(branch).collect::<Option<_>>()?;
        Some(Branch::Bough(format!("Jail: {}", shown(name)), branches))
    };
    let jails = jails.iter().map(jail).collect::<Option<_>>()?;
    Some(Branch::Bough("Status for the jails:".to_owned(), jails))
}

fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(items) | Value::Tuple(items) => Some(items),
        _ => None,
    }
}

/// A name and a value; or a name, and below it more of the kind.
fn branch(item: &Value) -> Option<Branch> {
    let [name, value] = items(item)? else { return None };
    let is_pair = |item: &Value| matches!(item, Value::Tuple(pair) if pair.len() == 2);
    if let Value::List(pairs) = value
        && !pairs.is_empty()
        && pairs.iter().all(is_pair)
    {
        let below = pairs.iter().map(branch).collect::<Option<_>>()?;
        return Some(Branch::Bough(shown(name), below));
    }
    Some(Branch::Leaf(format!("{}:\t{}", shown(name), leaf(value)?)))
}

fn leaf(value: &Value) -> Option<String> {
    match value {
        // Conditions on the journal.
        Value::List(groups)
            if !groups.is_empty() && groups.iter().all(|it| matches!(it, Value::List(_))) =>
        {
            let groups = groups.iter().map(|group| Some(texts(group)?.join(" ")));
            Some(groups.collect::<Option<Vec<_>>>()?.join(" + "))
        }
        Value::List(_) | Value::Tuple(_) | Value::Set(_) => Some(texts(value)?.join(" ")),
        other => Some(shown(other)),
    }
}

fn drawn(title: &str, branches: &[Branch]) -> String {
    let mut text = title.to_owned();
    draw(&mut text, "", branches);
    text
}

fn draw(text: &mut String, margin: &str, branches: &[Branch]) {
    for (number, branch) in branches.iter().enumerate() {
        let is_last = number + 1 == branches.len();
        let (mark, below) = if is_last { ("`- ", "   ") } else { ("|- ", "|  ") };
        let (Branch::Leaf(name) | Branch::Bough(name, _)) = branch;
        text.push_str(&format!("\n{margin}{mark}{name}"));
        if let Branch::Bough(_, branches) = branch {
            draw(text, &format!("{margin}{below}"), branches);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn pair(name: &str, value: Value) -> Value {
        Value::Tuple(vec![text(name), value])
    }

    fn jail(files: Value) -> Value {
        let filter = vec![pair("Currently failed", Value::Int(0)), pair("File list", files)];
        let banned = Value::List(vec![text("192.0.2.5")]);
        let actions = vec![pair("Banned IP list", banned)];
        Value::List(vec![
            pair("Filter", Value::List(filter)),
            pair("Actions", Value::List(actions)),
        ])
    }

    #[test]
    fn all_jails_stand_below_the_list() {
        let jails = Value::Dict(vec![
            (text("j1"), jail(Value::List(vec![text("/a"), text("/b")]))),
            (text("j2"), jail(Value::List(Vec::new()))),
        ]);
        let list = pair("Jail list", text("j1, j2"));
        let expected = "Status
|- Jail list:\tj1, j2
`- Status for the jails:
   |- Jail: j1
   |  |- Filter
   |  |  |- Currently failed:\t0
   |  |  `- File list:\t/a /b
   |  `- Actions
   |     `- Banned IP list:\t192.0.2.5
   `- Jail: j2
      |- Filter
      |  |- Currently failed:\t0
      |  `- File list:\t
      `- Actions
         `- Banned IP list:\t192.0.2.5";
        let bare = Value::List(vec![list.clone(), jails.clone()]);
        assert_eq!(of_all(&bare).unwrap(), expected);
        let named = Value::List(vec![list, pair("Jails", jails)]);
        assert_eq!(of_all(&named).unwrap(), expected);
    }

    #[test]
    fn another_shape_is_none() {
        for value in [Value::Int(1), Value::List(vec![Value::Int(1)]), Value::Dict(Vec::new())] {
            assert_eq!(of_jail("j1", &value), None);
        }
    }
}
