//! What is wrong with a pattern, where, and what to write.

/// A pattern that Python would refuse too, or that is larger than we allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("position {position}: {problem}")]
pub struct Error {
    /// At which character, counted from 0.
    pub(crate) position: usize,
    pub(crate) problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("a pattern of {bytes} bytes; write at most {}", super::PATTERN_BYTES_MAX)]
    TooLong { bytes: usize },
    #[error("nested more than {} deep; write it flatter", super::DEPTH_MAX)]
    TooDeep,
    #[error("more than {} groups; write (?:…) where nothing is captured", super::GROUPS_MAX)]
    TooManyGroups,
    #[error("larger than {max} steps with its repeats written out; repeat less")]
    TooLarge { max: usize },
    #[error("unbalanced parenthesis; write \\) for the character itself")]
    UnbalancedParenthesis,
    #[error(
        "the group that begins here is not closed; write ) at its end, or \\( for the character itself"
    )]
    UnclosedGroup,
    #[error("the comment that begins here is not closed; write ) at its end")]
    UnclosedComment,
    #[error(
        "the set that begins here is not closed; write ] at its end, or \\[ for the character itself"
    )]
    UnclosedSet,
    #[error("bad range {range}; write the lower character first, or \\- for the character itself")]
    BadRange { range: String },
    #[error("unknown escape {escape}; write the letter without \\ or \\\\ for a backslash")]
    BadEscape { escape: String },
    #[error("incomplete escape {escape}; write {digits} hexadecimal digits")]
    IncompleteEscape { escape: String, digits: usize },
    #[error("octal escape {escape} beyond \\377; write \\x and two digits")]
    OctalTooLarge { escape: String },
    #[error("characters by name (\\N) are not supported; write \\u and four digits")]
    NamedCharacter,
    #[error("\\ at the end; write \\\\ for the character itself")]
    TrailingBackslash,
    #[error("nothing to repeat before {found}; write \\{found} for the character itself")]
    NothingToRepeat { found: char },
    #[error(
        "a repeat of a repeat; write (?:…) round the inner one, or \\{found} for the character itself"
    )]
    MultipleRepeat { found: char },
    #[error("minimum {min} greater than maximum {max}; write the lower number first")]
    RepeatMinAboveMax { min: u32, max: u32 },
    #[error("repetition number {number} too large; write * for any number")]
    RepeatTooLarge { number: String },
    #[error("the pattern ends within (?; write what kind of group it is")]
    UnexpectedEnd,
    #[error("unknown kind of group ({found}; write (?:…) for a plain one")]
    UnknownExtension { found: String },
    #[error("missing group name; write one before {before}")]
    MissingName { before: char },
    #[error("group name {name} is not closed; write {end} behind it")]
    UnclosedName { name: String, end: char },
    #[error("bad character in group name {name}; write letters, digits and _, no digit first")]
    BadName { name: String },
    #[error("group name {name} is used a second time; write each name once")]
    DuplicateName { name: String },
    #[error("unknown group name {name}; write the name of a group to the left")]
    UnknownName { name: String },
    #[error("no group {number}; write the number or name of one that there is")]
    UnknownGroup { number: String },
    #[error("group {number} is not closed yet; write the reference behind its end")]
    OpenGroup { number: usize },
    #[error("a look-behind refers to group {number} inside itself; write the group before it")]
    GroupInLookBehind { number: usize },
    #[error("look-behind requires fixed width; write alternatives of one length, without * + ?")]
    LookBehindWidth,
    #[error("a conditional group with more than two branches; write (?:…) round the alternatives")]
    TooManyBranches,
    #[error("unknown flag {found}; write some of i m s x a u")]
    UnknownFlag { found: char },
    #[error("flags {flags} are not closed; write ) or : behind them")]
    UnclosedFlags { flags: String },
    #[error("flag {flag} {why}; leave it out")]
    BadFlag { flag: char, why: &'static str },
    #[error(
        "flags for all of the pattern that are not at its start; write them first, or (?{flags}:…)"
    )]
    FlagsNotAtStart { flags: String },
}
