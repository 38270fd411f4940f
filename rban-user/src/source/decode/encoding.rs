//! The encodings that a log may have, by Python's names.
//!
//! Names are compared without their case, hyphens and the like: `UTF-8`, `utf_8` and `utf8` are one. Tables are those of
//! Python where the web's differ: its latin-1 is ISO 8859-1 and not windows-1252, and bytes that a code page leaves
//! undefined mean nothing. Elsewhere they are the web's: two characters of koi8-u differ, one of cp1255, and East Asian
//! encodings know a few more.

use std::fmt;
use std::str::FromStr;

use encoding_rs as rs;

/// How a log's bytes make text.
#[derive(Clone, Copy)]
pub struct Encoding(&'static Known);

/// The text names no encoding that we know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?}: not an encoding that rban knows; write auto, ascii, utf-8, utf-16, utf-16-le, utf-16-be, latin-1, \
     iso8859-2 (to 16), cp1250 (to 1258), cp866, cp874, koi8-r, koi8-u, mac-roman, mac-cyrillic, gbk, gb18030, big5, \
     shift_jis, euc-jp, iso-2022-jp or euc-kr"
)]
pub struct UnknownEncoding {
    /// What stood there.
    pub found: String,
}

struct Known {
    /// Python's name of it, for messages.
    name: &'static str,
    /// Other names, as [`plain`] leaves them; the one above counts too.
    aliases: &'static [&'static str],
    table: Table,
}

/// Where the characters come from.
enum Table {
    Utf8,
    /// Bytes from 0x80 on mean nothing.
    Ascii,
    /// Each byte is the character of that number.
    Latin1,
    /// Bytes from 0x80 to 0x9f are the characters of those numbers, the others as here.
    Iso(&'static rs::Encoding),
    /// As here, except that control characters from 0x80 on mean nothing.
    CodePage(&'static rs::Encoding),
    Utf16(Order),
    Multi(&'static rs::Encoding),
}

/// Which byte of UTF-16 comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// As the stream's first two bytes tell; the low one if they do not.
    Told,
    Big,
    Little,
}

/// What a decoder needs to know.
pub(super) enum Bits {
    /// It is UTF-8.
    Utf8,
    /// A byte is a character: below 0x80 of ASCII, from there on of this table.
    Single(Box<[char; 128]>),
    /// Two bytes, or four.
    Utf16(Order),
    /// One byte or more; those of ASCII stand for themselves.
    Multi(&'static rs::Encoding),
}

const fn known(name: &'static str, aliases: &'static [&'static str], table: Table) -> Known {
    Known { name, aliases, table }
}

static KNOWN: [Known; 44] = [
    // Python's `auto` asks the locale, and that of a service is UTF-8.
    known("utf-8", &["auto", "u8", "utf", "utf8sig", "cp65001"], Table::Utf8),
    known("ascii", &["646", "usascii", "ansix341968", "isoir6"], Table::Ascii),
    known("latin-1", &["iso88591", "88591", "8859", "cp819", "latin", "l1"], Table::Latin1),
    known("iso8859-2", &["latin2", "l2"], Table::Iso(rs::ISO_8859_2)),
    known("iso8859-3", &["latin3", "l3"], Table::Iso(rs::ISO_8859_3)),
    known("iso8859-4", &["latin4", "l4"], Table::Iso(rs::ISO_8859_4)),
    known("iso8859-5", &["cyrillic"], Table::Iso(rs::ISO_8859_5)),
    known("iso8859-6", &["arabic"], Table::Iso(rs::ISO_8859_6)),
    known("iso8859-7", &["greek", "greek8"], Table::Iso(rs::ISO_8859_7)),
    known("iso8859-8", &["hebrew"], Table::Iso(rs::ISO_8859_8)),
    known("iso8859-9", &["latin5", "l5"], Table::Iso(rs::WINDOWS_1254)),
    known("iso8859-10", &["latin6", "l6"], Table::Iso(rs::ISO_8859_10)),
    known("iso8859-11", &["thai", "tis620"], Table::Iso(rs::WINDOWS_874)),
    known("iso8859-13", &["latin7", "l7"], Table::Iso(rs::ISO_8859_13)),
    known("iso8859-14", &["latin8", "l8"], Table::Iso(rs::ISO_8859_14)),
    known("iso8859-15", &["latin9", "l9"], Table::Iso(rs::ISO_8859_15)),
    known("iso8859-16", &["latin10", "l10"], Table::Iso(rs::ISO_8859_16)),
    known("cp874", &["windows874"], Table::CodePage(rs::WINDOWS_874)),
    known("cp1250", &["windows1250", "1250"], Table::CodePage(rs::WINDOWS_1250)),
    known("cp1251", &["windows1251", "1251"], Table::CodePage(rs::WINDOWS_1251)),
    known("cp1252", &["windows1252", "1252"], Table::CodePage(rs::WINDOWS_1252)),
    known("cp1253", &["windows1253", "1253"], Table::CodePage(rs::WINDOWS_1253)),
    known("cp1254", &["windows1254", "1254"], Table::CodePage(rs::WINDOWS_1254)),
    known("cp1255", &["windows1255", "1255"], Table::CodePage(rs::WINDOWS_1255)),
    known("cp1256", &["windows1256", "1256"], Table::CodePage(rs::WINDOWS_1256)),
    known("cp1257", &["windows1257", "1257"], Table::CodePage(rs::WINDOWS_1257)),
    known("cp1258", &["windows1258", "1258"], Table::CodePage(rs::WINDOWS_1258)),
    known("cp866", &["866", "ibm866"], Table::CodePage(rs::IBM866)),
    known("koi8-r", &["cskoi8r"], Table::CodePage(rs::KOI8_R)),
    known("koi8-u", &[], Table::CodePage(rs::KOI8_U)),
    known("mac-roman", &["macintosh"], Table::CodePage(rs::MACINTOSH)),
    known("mac-cyrillic", &[], Table::CodePage(rs::X_MAC_CYRILLIC)),
    known("utf-16", &["u16"], Table::Utf16(Order::Told)),
    known("utf-16-le", &["unicodelittleunmarked"], Table::Utf16(Order::Little)),
    known("utf-16-be", &["unicodebigunmarked"], Table::Utf16(Order::Big)),
    known("gbk", &["936", "cp936", "ms936"], Table::Multi(rs::GBK)),
    known("gb2312", &["chinese", "euccn", "eucgb2312cn", "gb231280"], Table::Multi(rs::GBK)),
    known("gb18030", &["gb180302000"], Table::Multi(rs::GB18030)),
    known("big5", &["big5tw", "csbig5", "big5hkscs", "cp950", "950"], Table::Multi(rs::BIG5)),
    known("shift_jis", &["sjis", "csshiftjis"], Table::Multi(rs::SHIFT_JIS)),
    known("cp932", &["932", "ms932", "mskanji", "windows31j"], Table::Multi(rs::SHIFT_JIS)),
    known("euc-jp", &["ujis", "eucjpms"], Table::Multi(rs::EUC_JP)),
    known("iso-2022-jp", &["csiso2022jp"], Table::Multi(rs::ISO_2022_JP)),
    known("euc-kr", &["korean", "ksc5601", "cp949", "949", "uhc"], Table::Multi(rs::EUC_KR)),
];

impl Encoding {
    /// UTF-8, and what passes for it: whatever is not is left as it is.
    pub const UTF_8: Self = Self(&KNOWN[0]);

    /// Whether a byte 0x0a is a newline wherever it stands.
    pub(in crate::source) fn has_plain_newlines(self) -> bool {
        !matches!(self.0.table, Table::Utf16(_))
    }

    pub(super) fn bits(self) -> Bits {
        let table = |character: &dyn Fn(u8) -> char| {
            Bits::Single(Box::new(std::array::from_fn(|index| character(0x80 + index as u8))))
        };
        match self.0.table {
            Table::Utf8 => Bits::Utf8,
            Table::Ascii => table(&|_| char::REPLACEMENT_CHARACTER),
            Table::Latin1 => table(&char::from),
            Table::Iso(as_in) => table(&|byte| match byte {
                0x80..=0x9f => char::from(byte),
                _ => only_character(as_in, byte),
            }),
            Table::CodePage(as_in) => table(&|byte| match only_character(as_in, byte) {
                '\u{80}'..='\u{9f}' => char::REPLACEMENT_CHARACTER,
                character => character,
            }),
            Table::Utf16(order) => Bits::Utf16(order),
            Table::Multi(as_in) => Bits::Multi(as_in),
        }
    }
}

/// What one byte stands for in an encoding where a byte is a character.
fn only_character(encoding: &'static rs::Encoding, byte: u8) -> char {
    let bytes = [byte];
    let (text, _) = encoding.decode_without_bom_handling(&bytes);
    text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A name without what Python does not look at.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

impl PartialEq for Encoding {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Encoding {}

impl Default for Encoding {
    fn default() -> Self {
        Self::UTF_8
    }
}

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(text: &str) -> Result<Self, UnknownEncoding> {
        let name = plain(text);
        let is_it = |it: &&Known| plain(it.name) == name || it.aliases.contains(&name.as_str());
        let found = KNOWN.iter().find(is_it).map(Self);
        found.ok_or_else(|| UnknownEncoding { found: text.to_owned() })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}
