//! A formula's text → its tree, with Python's precedence.

use super::functions::{CONSTANTS, FUNCTIONS, Function};
use super::lexer::{self, Token};
use super::number::{Number, Operator, Relation};

/// A longer text is no formula.
const TEXT_MAX_BYTES: usize = 1_024;

/// No formula is nested deeper.
const DEPTH_MAX: usize = 48;

/// What is wrong with a formula.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A piece that no formula has.
    #[error("{found:?} means nothing in a formula; write {ALLOWED}")]
    Strange {
        /// The piece.
        found: String,
    },
    /// A piece that does not belong where it stands.
    #[error("{found:?} does not belong where it stands; write it as Python has it, with {ALLOWED}")]
    Misplaced {
        /// The piece.
        found: String,
    },
    /// The formula stops in the middle.
    #[error("the formula stops in the middle; write it to its end, with every bracket closed")]
    Unfinished,
    /// A function with too few or too many arguments.
    #[error("{name} does not take {found} arguments; write between {min} and {max}")]
    Arguments {
        /// The function.
        name: &'static str,
        /// How many it was given.
        found: usize,
        /// How many it takes at least,
        min: usize,
        /// and at most.
        max: usize,
    },
    /// Too long, or nested too deeply.
    #[error(
        "too large a formula; write at most {TEXT_MAX_BYTES} bytes, nested {DEPTH_MAX} deep at most"
    )]
    TooLarge,
}

/// What a formula may be made of.
const ALLOWED: &str = "numbers, + - * / // % ** << >> ( ), comparisons, x if c else y, and, or, not, math.exp and its like, min, max, float, int, round, abs, ban.Time, ban.Count, banFactor";

/// A formula's tree.
#[derive(Debug)]
pub(super) enum Node {
    Number(Number),
    Name(Name),
    Negated(Box<Node>),
    Not(Box<Node>),
    Operation(Box<Node>, Operator, Box<Node>),
    /// `a < b <= c`: each is compared with the one before it.
    Comparison(Box<Node>, Vec<(Relation, Node)>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Choice {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Box<Node>,
    },
    Call(Function, Vec<Node>),
}

/// What only a ban can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Time,
    Count,
    Factor,
}

/// Reads a formula.
pub(super) fn parse(text: &str) -> Result<Node, Mistake> {
    if text.len() > TEXT_MAX_BYTES {
        return Err(Mistake::TooLarge);
    }
    let mut parser = Parser { token: None, rest: text, depth: 0 };
    parser.advance()?;
    let node = parser.choice()?;
    match parser.token {
        None => Ok(node),
        Some(_) => Err(parser.misplaced()),
    }
}

struct Parser<'a> {
    token: Option<Token<'a>>,
    rest: &'a str,
    depth: usize,
}

/// Operators that bind alike, from those that bind least.
const LEVELS: [&[(&str, Operator)]; 3] = [
    &[("<<", Operator::ShiftLeft), (">>", Operator::ShiftRight)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("//", Operator::FloorDivide),
        ("%", Operator::Remainder),
    ],
];

const RELATIONS: [(&str, Relation); 6] = [
    ("<", Relation::Less),
    ("<=", Relation::LessOrEqual),
    (">", Relation::Greater),
    (">=", Relation::GreaterOrEqual),
    ("==", Relation::Equal),
    ("!=", Relation::Unequal),
];

impl Parser<'_> {
    /// `x if c else y`; every way into a deeper level leads through here or through [`deeper`](Self::deeper).
    fn choice(&mut self) -> Result<Node, Mistake> {
        let then = self.deeper(Self::either)?;
        if !self.eat(Token::Word("if"))? {
            return Ok(then);
        }
        let condition = self.either()?.into();
        self.expect(Token::Word("else"))?;
        let otherwise = self.deeper(Self::choice)?.into();
        Ok(Node::Choice { condition, then: then.into(), otherwise })
    }

    fn deeper(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Node, Mistake>,
    ) -> Result<Node, Mistake> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Mistake::TooLarge);
        }
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn either(&mut self) -> Result<Node, Mistake> {
        let mut node = self.both()?;
        while self.eat(Token::Word("or"))? {
            node = Node::Or(node.into(), self.both()?.into());
        }
        Ok(node)
    }

    fn both(&mut self) -> Result<Node, Mistake> {
        let mut node = self.inversion()?;
        while self.eat(Token::Word("and"))? {
            node = Node::And(node.into(), self.inversion()?.into());
        }
        Ok(node)
    }

    fn inversion(&mut self) -> Result<Node, Mistake> {
        if self.eat(Token::Word("not"))? {
            return Ok(Node::Not(self.deeper(Self::inversion)?.into()));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Node, Mistake> {
        let first = self.operation(&LEVELS)?;
        let mut others = Vec::new();
        while let Some(relation) = self.symbol(&RELATIONS)? {
            others.push((relation, self.operation(&LEVELS)?));
        }
        Ok(if others.is_empty() { first } else { Node::Comparison(first.into(), others) })
    }

    fn operation(&mut self, levels: &[&[(&str, Operator)]]) -> Result<Node, Mistake> {
        let Some((level, tighter)) = levels.split_first() else { return self.signed() };
        let mut node = self.operation(tighter)?;
        while let Some(operator) = self.symbol(level)? {
            node = Node::Operation(node.into(), operator, self.operation(tighter)?.into());
        }
        Ok(node)
    }

    fn signed(&mut self) -> Result<Node, Mistake> {
        if self.eat(Token::Symbol("-"))? {
            return Ok(Node::Negated(self.deeper(Self::signed)?.into()));
        }
        if self.eat(Token::Symbol("+"))? {
            return self.deeper(Self::signed);
        }
        let base = self.primary()?;
        if !self.eat(Token::Symbol("**"))? {
            return Ok(base);
        }
        let exponent = self.deeper(Self::signed)?;
        Ok(Node::Operation(base.into(), Operator::Power, exponent.into()))
    }

    fn primary(&mut self) -> Result<Node, Mistake> {
        let node = match self.token {
            Some(Token::Number(number)) => Node::Number(number),
            Some(Token::Symbol("(")) => {
                self.advance()?;
                let node = self.choice()?;
                self.expect(Token::Symbol(")"))?;
                return Ok(node);
            }
            Some(Token::Word(word)) => return self.word(word),
            _ => return Err(self.misplaced()),
        };
        self.advance()?;
        Ok(node)
    }

    fn word(&mut self, word: &str) -> Result<Node, Mistake> {
        if let "if" | "else" | "and" | "or" | "not" = word {
            return Err(self.misplaced());
        }
        let name = match word {
            "ban.Time" => Some(Name::Time),
            "ban.Count" => Some(Name::Count),
            "banFactor" => Some(Name::Factor),
            _ => None,
        };
        let constant = CONSTANTS.iter().find(|(name, _)| *name == word);
        let known = name.map(Node::Name).or(constant.map(|(_, number)| Node::Number(*number)));
        if let Some(known) = known {
            self.advance()?;
            return Ok(known);
        }
        let function = FUNCTIONS.iter().find(|function| function.name == word);
        let function = function.ok_or_else(|| Mistake::Strange { found: word.to_owned() })?;
        self.advance()?;
        self.expect(Token::Symbol("("))?;
        self.call(*function)
    }

    fn call(&mut self, function: Function) -> Result<Node, Mistake> {
        let mut arguments = Vec::new();
        while !self.eat(Token::Symbol(")"))? {
            if !arguments.is_empty() {
                self.expect(Token::Symbol(","))?;
                if self.eat(Token::Symbol(")"))? {
                    break;
                }
            }
            arguments.push(self.choice()?);
        }
        let ((min, max), found) = (function.arguments, arguments.len());
        if !(min..=max).contains(&found) {
            return Err(Mistake::Arguments { name: function.name, found, min, max });
        }
        Ok(Node::Call(function, arguments))
    }

    fn symbol<T: Copy>(&mut self, among: &[(&str, T)]) -> Result<Option<T>, Mistake> {
        let Some(Token::Symbol(symbol)) = self.token else { return Ok(None) };
        let Some((_, found)) = among.iter().find(|(it, _)| *it == symbol) else { return Ok(None) };
        self.advance()?;
        Ok(Some(*found))
    }

    fn eat(&mut self, token: Token<'static>) -> Result<bool, Mistake> {
        let is_next = self.token == Some(token);
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    fn expect(&mut self, token: Token<'static>) -> Result<(), Mistake> {
        if self.eat(token)? { Ok(()) } else { Err(self.misplaced()) }
    }

    fn advance(&mut self) -> Result<(), Mistake> {
        let next = lexer::next(self.rest);
        let next = next.map_err(|found| Mistake::Strange { found: found.to_owned() })?;
        (self.token, self.rest) = match next {
            Some((token, rest)) => (Some(token), rest),
            None => (None, ""),
        };
        Ok(())
    }

    fn misplaced(&self) -> Mistake {
        let found = match self.token {
            None => return Mistake::Unfinished,
            Some(Token::Number(number)) => number.float().to_string(),
            Some(Token::Word(word)) => word.to_owned(),
            Some(Token::Symbol(symbol)) => symbol.to_owned(),
        };
        Mistake::Misplaced { found }
    }
}
