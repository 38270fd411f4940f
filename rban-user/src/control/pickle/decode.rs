//! Bytes → values: a machine with a stack of references, as lists may be filled after they were named.

use std::borrow::Cow;
use std::collections::HashMap;

use super::input::Input;
use super::text;
use super::{DEPTH_MAX, PickleError, TEXT_MAX_BYTES, VALUES_OF_ANSWER_MAX, VALUES_OF_REQUEST_MAX};
use crate::control::value::{Answer, Class, Exception, Value};

/// What a server answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// The value, or why there is none.
    Answer(Answer),
    /// It could not read the request; its words.
    Unreadable(String),
    /// It is about to leave.
    ShuttingDown,
}

/// The words of a request.
///
/// # Errors
/// Bytes that are no pickle of a list, or hold more than data.
pub fn request(bytes: &[u8]) -> Result<Vec<Value>, PickleError> {
    let mut machine = Machine::new(bytes, Calls::Refused);
    let root = machine.run()?;
    match machine.value(root)? {
        Value::List(words) | Value::Tuple(words) => Ok(words),
        _ => Err(machine.expected("a list of words")),
    }
}

/// An answer, of rban or of fail2ban's server.
///
/// # Errors
/// Bytes that are no pickle of an answer.
pub fn answer(bytes: &[u8]) -> Result<Answered, PickleError> {
    let mut machine = Machine::new(bytes, Calls::Told);
    let root = machine.run()?;
    if let Node::Tuple(pair) = &machine.nodes[root.0]
        && let [code, it] = pair[..]
        && let Node::Int(code) = machine.nodes[code.0]
    {
        let answer = if code == 0 { Ok(machine.value(it)?) } else { Err(machine.exception(it)?) };
        return Ok(Answered::Answer(answer));
    }
    match machine.value(root)? {
        Value::Text(reason) => Ok(Answered::Unreadable(reason)),
        Value::List(words) if words == [Value::Text("SHUTDOWN".to_owned())] => {
            Ok(Answered::ShuttingDown)
        }
        _ => Err(machine.expected("a pair of code and value")),
    }
}

/// What becomes of calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    /// They are not allowed.
    Refused,
    /// Nothing is called, but it is noted what would have been.
    Told,
}

/// A value that others may refer to.
#[derive(Clone, Copy)]
struct Ref(usize);

enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Ref>),
    Tuple(Vec<Ref>),
    Set(Vec<Ref>),
    /// Keys and values in turn.
    Dict(Vec<Ref>),
    /// Something that can be called, by its name.
    Global(Cow<'a, str>),
    /// What calling the first with the second comes to.
    Called(Ref, Ref),
}

struct Machine<'a> {
    input: Input<'a>,
    calls: Calls,
    nodes: Vec<Node<'a>>,
    stack: Vec<Ref>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Ref>,
    values_left: usize,
    text_left: usize,
}

impl Calls {
    fn values_max(self) -> usize {
        match self {
            Self::Refused => VALUES_OF_REQUEST_MAX,
            Self::Told => VALUES_OF_ANSWER_MAX,
        }
    }
}

impl<'a> Machine<'a> {
    fn new(bytes: &'a [u8], calls: Calls) -> Self {
        Self {
            input: Input::new(bytes),
            calls,
            nodes: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            values_left: calls.values_max(),
            text_left: TEXT_MAX_BYTES,
        }
    }

    /// Runs to the end; what is on top then is the whole.
    fn run(&mut self) -> Result<Ref, PickleError> {
        loop {
            let at = self.input.at();
            match self.input.byte()? {
                b'.' => return self.pop(),
                opcode => self.step(opcode, at)?,
            }
        }
    }

    fn step(&mut self, opcode: u8, at: usize) -> Result<(), PickleError> {
        match opcode {
            0x80 => drop(self.input.byte()?),
            0x95 => drop(self.input.take(8)?),
            b'N' | 0x88 | 0x89 | b'I' | b'J' | b'K' | b'M' | b'L' | 0x8a | 0x8b | b'F' | b'G' => {
                let node = self.scalar(opcode)?;
                self.push(node)?;
            }
            b'S' | b'T' | b'U' | b'V' | b'X' | 0x8c | 0x8d => {
                let text = self.text(opcode)?;
                self.push(Node::Text(text))?;
            }
            b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.remember(opcode)?,
            b'c' | 0x93 | b'R' | b'b' if self.calls == Calls::Told => self.call(opcode)?,
            _ => self.collect(opcode, at)?,
        }
        Ok(())
    }

    fn scalar(&mut self, opcode: u8) -> Result<Node<'a>, PickleError> {
        Ok(match opcode {
            b'N' => Node::None,
            0x88 => Node::Bool(true),
            0x89 => Node::Bool(false),
            b'I' => match self.input.line()? {
                b"00" => Node::Bool(false),
                b"01" => Node::Bool(true),
                digits => Node::Int(self.input.parsed(digits, "a whole number of 64 bits")?),
            },
            b'L' => {
                let digits = self.input.line()?;
                let digits = digits.strip_suffix(b"L").unwrap_or(digits);
                Node::Int(self.input.parsed(digits, "a whole number of 64 bits")?)
            }
            b'J' => Node::Int(i32::from_le_bytes(self.input.array()?).into()),
            b'K' => Node::Int(self.input.byte()?.into()),
            b'M' => Node::Int(u16::from_le_bytes(self.input.array()?).into()),
            b'F' => {
                let digits = self.input.line()?;
                Node::Float(self.input.parsed(digits, "a number")?)
            }
            b'G' => Node::Float(f64::from_be_bytes(self.input.array()?)),
            _ => {
                let len = self.input.len(if opcode == 0x8a { 1 } else { 4 })?;
                let bytes = self.input.take(len)?;
                let sign = if bytes.last().is_some_and(|byte| *byte >= 0x80) { 0xff } else { 0 };
                let mut all = [sign; 8];
                let Some(room) = all.get_mut(..len) else {
                    return Err(self.expected("a whole number of 64 bits"));
                };
                room.copy_from_slice(bytes);
                Node::Int(i64::from_le_bytes(all))
            }
        })
    }

    fn text(&mut self, opcode: u8) -> Result<Cow<'a, str>, PickleError> {
        let of_line = match opcode {
            b'S' => text::quoted(self.input.line()?),
            b'V' => text::unicode(self.input.line()?),
            _ => {
                let len = self.input.len(match opcode {
                    b'U' | 0x8c => 1,
                    b'T' | b'X' => 4,
                    _ => 8,
                })?;
                return Ok(String::from_utf8_lossy(self.input.take(len)?));
            }
        };
        of_line.map(Cow::Owned).ok_or_else(|| self.expected("a text"))
    }

    /// Names the value on top, or gets one by its name.
    fn remember(&mut self, opcode: u8) -> Result<(), PickleError> {
        let name = match opcode {
            b'p' | b'g' => {
                let digits = self.input.line()?;
                self.input.parsed(digits, "a number")?
            }
            b'q' | b'h' => self.input.byte()?.into(),
            b'r' | b'j' => u32::from_le_bytes(self.input.array()?).into(),
            _ => self.memo.len() as u64,
        };
        if matches!(opcode, b'g' | b'h' | b'j') {
            let it = self.memo.get(&name).copied();
            let it = it.ok_or_else(|| self.expected("a value that was memoized"))?;
            self.stack.push(it);
        } else {
            let it = self.pop()?;
            self.stack.push(it);
            self.memo.insert(name, it);
        }
        Ok(())
    }

    /// Marks, and what is made of several values.
    fn collect(&mut self, opcode: u8, at: usize) -> Result<(), PickleError> {
        match opcode {
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let it = self.pop()?;
                self.stack.extend([it, it]);
            }
            b']' => self.push(Node::List(Vec::new()))?,
            b')' => self.push(Node::Tuple(Vec::new()))?,
            b'}' => self.push(Node::Dict(Vec::new()))?,
            0x8f => self.push(Node::Set(Vec::new()))?,
            b'l' => {
                let items = self.pop_mark()?;
                self.push(Node::List(items))?;
            }
            b't' => {
                let items = self.pop_mark()?;
                self.push(Node::Tuple(items))?;
            }
            0x85..=0x87 => {
                let mut items = vec![Ref(0); usize::from(opcode - 0x84)];
                for item in items.iter_mut().rev() {
                    *item = self.pop()?;
                }
                self.push(Node::Tuple(items))?;
            }
            0x91 => {
                let items = self.pop_mark()?;
                self.push(Node::Set(items))?;
            }
            b'd' => {
                let items = self.pop_mark()?;
                self.push(Node::Dict(Vec::new()))?;
                self.fill(b'u', &items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.fill(opcode, &[item])?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.fill(opcode, &[key, value])?;
            }
            b'e' | b'u' | 0x90 => {
                let items = self.pop_mark()?;
                self.fill(opcode, &items)?;
            }
            opcode => return Err(PickleError::Opcode { at, opcode }),
        }
        Ok(())
    }

    /// Adds to the list, set or dict on top.
    fn fill(&mut self, opcode: u8, items: &[Ref]) -> Result<(), PickleError> {
        let top = self.pop()?;
        self.stack.push(top);
        match (&mut self.nodes[top.0], opcode) {
            (Node::List(all), b'a' | b'e') => all.extend(items),
            (Node::Set(all), 0x90) => all.extend(items),
            (Node::Dict(all), b's' | b'u') if items.len().is_multiple_of(2) => all.extend(items),
            _ => return Err(self.expected("something that these can be put into")),
        }
        Ok(())
    }

    /// Notes what would be called.
    fn call(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            b'c' => {
                self.input.line()?;
                let name = String::from_utf8_lossy(self.input.line()?);
                self.push(Node::Global(name))
            }
            0x93 => {
                let (name, _) = (self.pop()?, self.pop()?);
                let Node::Text(name) = &self.nodes[name.0] else {
                    return Err(self.expected("a name"));
                };
                let name = name.clone();
                self.push(Node::Global(name))
            }
            b'R' => {
                let (args, callee) = (self.pop()?, self.pop()?);
                let (Node::Tuple(all), Node::Global(name)) =
                    (&self.nodes[args.0], &self.nodes[callee.0])
                else {
                    return Err(self.expected("a call"));
                };
                match all[..] {
                    // Of a text: every address of a reference server is one.
                    [only] if matches!(&**name, "str" | "unicode") => self.stack.push(only),
                    _ => self.push(Node::Called(callee, args))?,
                }
                Ok(())
            }
            // What else an exception carries is not asked for.
            _ => self.pop().map(drop),
        }
    }

    fn value(&mut self, root: Ref) -> Result<Value, PickleError> {
        self.value_below(root, DEPTH_MAX)
    }

    /// The value with all that it refers to. References in a circle end at the limit of the depth.
    fn value_below(&mut self, it: Ref, depth: usize) -> Result<Value, PickleError> {
        let limit = |what, max| PickleError::TooMuch { what, max };
        let depth = depth.checked_sub(1).ok_or(limit("values in one another", DEPTH_MAX))?;
        let left = self.values_left.checked_sub(1);
        self.values_left = left.ok_or(limit("values", self.calls.values_max()))?;
        Ok(match &self.nodes[it.0] {
            Node::None => Value::None,
            Node::Bool(flag) => Value::Bool(*flag),
            Node::Int(number) => Value::Int(*number),
            Node::Float(number) => Value::Float(*number),
            Node::Text(text) => {
                let left = self.text_left.checked_sub(text.len());
                self.text_left = left.ok_or(limit("bytes of text", TEXT_MAX_BYTES))?;
                Value::Text(text.clone().into_owned())
            }
            Node::List(_) => Value::List(self.all(it, depth)?),
            Node::Tuple(_) => Value::Tuple(self.all(it, depth)?),
            Node::Set(_) => Value::Set(self.all(it, depth)?),
            Node::Dict(_) => {
                let mut items = self.all(it, depth)?.into_iter();
                let pair = |()| items.next().zip(items.next());
                Value::Dict(std::iter::repeat(()).map_while(pair).collect())
            }
            Node::Global(_) | Node::Called(..) => return Err(self.expected("data")),
        })
    }

    fn all(&mut self, it: Ref, depth: usize) -> Result<Vec<Value>, PickleError> {
        let (Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::Dict(items)) =
            &self.nodes[it.0]
        else {
            return Ok(Vec::new());
        };
        let items = items.clone();
        items.into_iter().map(|item| self.value_below(item, depth)).collect()
    }

    fn exception(&mut self, it: Ref) -> Result<Exception, PickleError> {
        let Node::Called(callee, args) = self.nodes[it.0] else {
            return Err(self.expected("an exception"));
        };
        let class = match &self.nodes[callee.0] {
            Node::Global(name) => class(name),
            _ => Class::Other,
        };
        Ok(Exception { class, args: self.all(args, DEPTH_MAX)? })
    }

    fn push(&mut self, node: Node<'a>) -> Result<(), PickleError> {
        let max = self.calls.values_max();
        if self.nodes.len() >= max {
            return Err(PickleError::TooMuch { what: "values", max });
        }
        self.stack.push(Ref(self.nodes.len()));
        self.nodes.push(node);
        Ok(())
    }

    fn pop(&mut self) -> Result<Ref, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(self.expected("a value"));
        }
        self.stack.pop().ok_or_else(|| self.expected("a value"))
    }

    /// All since the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Ref>, PickleError> {
        let mark = self.marks.pop().ok_or_else(|| self.expected("a mark"))?;
        Ok(self.stack.split_off(mark))
    }

    fn expected(&self, what: &'static str) -> PickleError {
        self.input.expected(what)
    }
}

fn class(name: &str) -> Class {
    match name {
        "UnknownJailException" => Class::UnknownJail,
        "DuplicateJailException" => Class::DuplicateJail,
        "IndexError" => Class::Index,
        "KeyError" => Class::Key,
        "ValueError" => Class::Value,
        "AttributeError" => Class::Attribute,
        "FileNotFoundError" => Class::FileNotFound,
        _ => Class::Other,
    }
}
