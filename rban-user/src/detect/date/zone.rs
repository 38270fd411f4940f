//! Names of time zones and offsets from Greenwich, as dates and `logtimezone` write them (spec, filter 3.8).
//!
//! They are fixed offsets: no name here knows of summer time.

use super::chars;
use super::fields::NotATime;

/// What the abbreviations stand for: seconds east of Greenwich, and who uses them.
const ZONES: [(i32, &str); 38] = [
    (-43_200, "Y"),
    (-39_600, "X NUT SST"),
    (-36_000, "W CKT HAST HST TAHT TKT"),
    (-34_200, "MART MIT"),
    (-32_400, "V AKST GAMT GIT HADT HNY"),
    (-28_800, "U AKDT CIST HAY HNP PST PT"),
    (-25_200, "T HAP HNR MST PDT"),
    (-21_600, "S CST EAST GALT HAR HNC MDT"),
    (-18_000, "R CDT COT EASST ECT EST ET HAC HNE PET"),
    (-16_200, "HLV VET"),
    (-14_400, "Q AST BOT CLT COST EDT FKT GYT HAE HNA PYT"),
    (-12_600, "HNT NST NT"),
    (-10_800, "P ADT ART BRT CLST FKST GFT HAA PMST PYST SRT UYT WGT"),
    (-9_000, "HAT NDT"),
    (-7_200, "O BRST FNT PMDT UYST WGST"),
    (-3_600, "N AZOT CVT EGT"),
    (0, "Z EGST GMT UTC WET WT"),
    (3_600, "A CET DFT WAT WEDT WEST"),
    (7_200, "B CAT CEDT CEST EET SAST WAST"),
    (10_800, "C EAT EEDT EEST IDT MSK"),
    (12_600, "IRST"),
    (14_400, "D AMT AZT GET GST KUYT MSD MUT RET SAMT SCT"),
    (16_200, "AFT IRDT"),
    (18_000, "E AMST AQTT AZST HMT MAWT MVT PKT TFT TJT TMT UZT YEKT"),
    (19_800, "SLT"),
    (20_700, "NPT"),
    (21_600, "F ALMT BIOT BTT IOT KGT NOVT OMST YEKST"),
    (23_400, "CCT MMT"),
    (25_200, "G CXT DAVT HOVT ICT KRAT NOVST OMSST THA WIB"),
    (28_800, "H ACT AWST BDT BNT CAST HKT IRKT KRAST MYT PHT SGT ULAT WITA WST"),
    (32_400, "I AWDT IRKST JST KST PWT TLT WDT WIT YAKT"),
    (34_200, "ACST"),
    (36_000, "K AEST PGT VLAT YAKST YAPT"),
    (37_800, "ACDT LHST"),
    (39_600, "L AEDT LHDT MAGT NCT PONT SBT VLAST VUT"),
    (41_400, "NFT"),
    (43_200, "M ANAST ANAT FJT GILT MAGST MHT NZST PETST PETT TVT WFT"),
    (46_800, "FJST NZDT"),
];

/// Seconds east of Greenwich: an abbreviation, an offset, or both, which are added up. Nothing at all is Greenwich.
pub(super) fn offset_secs(text: &str) -> Result<i32, NotATime> {
    let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let (name, offset) = text.split_at(letters);
    let offset = if offset.is_empty() { 0 } else { signed(offset).ok_or(NotATime::Impossible)? };
    match name.len() {
        0 => Ok(offset),
        1 | 3..=5 => Ok(named(name).ok_or(NotATime::UnknownZone)? + offset),
        _ => Err(NotATime::Impossible),
    }
}

fn named(name: &str) -> Option<i32> {
    let zone = ZONES.iter().find(|(_, names)| names.split(' ').any(|known| known == name));
    zone.map(|(secs, _)| *secs)
}

/// `+hh`, `+hhmm` or `+hh:mm`; hours to 19, minutes to 99.
fn signed(text: &str) -> Option<i32> {
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, rest) = two_digits(rest)?;
    let rest = rest.strip_prefix(':').filter(|rest| !rest.is_empty()).unwrap_or(rest);
    let (minutes, rest) = if rest.is_empty() { (0, rest) } else { two_digits(rest)? };
    (hours < 20 && rest.is_empty()).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn two_digits(text: &str) -> Option<(i32, &str)> {
    let mut chars = text.chars();
    let tens = chars::digit(chars.next()?)?;
    let ones = chars::digit(chars.next()?)?;
    Some(((tens * 10 + ones) as i32, chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, offset: Result<i32, NotATime>) {
        assert_eq!(offset_secs(text), offset, "{text}");
    }

    #[test]
    fn offsets_are_hours_and_minutes() {
        check("+02", Ok(7_200));
        check("+0200", Ok(7_200));
        check("-03:30", Ok(-12_600));
        check("+1960", Ok(72_000));
        check("+0\u{661}", Ok(3_600));
    }

    #[test]
    fn names_are_fixed_offsets() {
        check("", Ok(0));
        check("Z", Ok(0));
        check("UTC", Ok(0));
        check("CET", Ok(3_600));
        check("NPT", Ok(20_700));
        check("MART", Ok(-34_200));
        check("NZDT", Ok(46_800));
    }

    #[test]
    fn name_and_offset_add_up() {
        check("UTC+0200", Ok(7_200));
        check("GMT-0100", Ok(-3_600));
        check("EST-0100", Ok(-21_600));
        check("A+01", Ok(7_200));
    }

    #[test]
    fn other_words_are_none() {
        for text in [
            "UTC+1",
            "Europe/Paris",
            "utc",
            "AA",
            "ABCDEF",
            "+2",
            "+20",
            "+020",
            "+02000",
            "+02:",
            "UTC ",
            " UTC",
            "+02:0",
            "UTC+",
            "+",
            "EST5",
        ] {
            check(text, Err(NotATime::Impossible));
        }
    }

    #[test]
    fn capitals_that_name_no_zone_are_worse() {
        check("XYZ", Err(NotATime::UnknownZone));
        check("XYZ+01", Err(NotATime::UnknownZone));
        check("J", Err(NotATime::UnknownZone));
    }
}
