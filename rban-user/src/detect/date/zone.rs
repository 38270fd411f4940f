//! Names of time zones and offsets from Greenwich, as dates and `logtimezone` write them (spec, filter 3.8).
//!
//! They are fixed offsets: no name here knows of summer time.

use super::chars;
use super::fields::NotATime;

/// What the abbreviations stand for: minutes east of Greenwich.
const ZONES: [(i16, &str); 38] = [
    (-720, "Y"),
    (-660, "X NUT SST"),
    (-600, "W CKT HAST HST TAHT TKT"),
    (-570, "MART MIT"),
    (-540, "V AKST GAMT GIT HADT HNY"),
    (-480, "U AKDT CIST HAY HNP PST PT"),
    (-420, "T HAP HNR MST PDT"),
    (-360, "S CST EAST GALT HAR HNC MDT"),
    (-300, "R CDT COT EASST ECT EST ET HAC HNE PET"),
    (-270, "HLV VET"),
    (-240, "Q AST BOT CLT COST EDT FKT GYT HAE HNA PYT"),
    (-210, "HNT NST NT"),
    (-180, "P ADT ART BRT CLST FKST GFT HAA PMST PYST SRT UYT WGT"),
    (-150, "HAT NDT"),
    (-120, "O BRST FNT PMDT UYST WGST"),
    (-60, "N AZOT CVT EGT"),
    (0, "Z EGST GMT UTC WET WT"),
    (60, "A CET DFT WAT WEDT WEST"),
    (120, "B CAT CEDT CEST EET SAST WAST"),
    (180, "C EAT EEDT EEST IDT MSK"),
    (210, "IRST"),
    (240, "D AMT AZT GET GST KUYT MSD MUT RET SAMT SCT"),
    (270, "AFT IRDT"),
    (300, "E AMST AQTT AZST HMT MAWT MVT PKT TFT TJT TMT UZT YEKT"),
    (330, "SLT"),
    (345, "NPT"),
    (360, "F ALMT BIOT BTT IOT KGT NOVT OMST YEKST"),
    (390, "CCT MMT"),
    (420, "G CXT DAVT HOVT ICT KRAT NOVST OMSST THA WIB"),
    (480, "H ACT AWST BDT BNT CAST HKT IRKT KRAST MYT PHT SGT ULAT WITA WST"),
    (540, "I AWDT IRKST JST KST PWT TLT WDT WIT YAKT"),
    (570, "ACST"),
    (600, "K AEST PGT VLAT YAKST YAPT"),
    (630, "ACDT LHST"),
    (660, "L AEDT LHDT MAGT NCT PONT SBT VLAST VUT"),
    (690, "NFT"),
    (720, "M ANAST ANAT FJT GILT MAGST MHT NZST PETST PETT TVT WFT"),
    (780, "FJST NZDT"),
];

/// Minutes east of Greenwich: an abbreviation, an offset, or both, which are added up. Nothing at all is Greenwich.
pub(super) fn offset_mins(text: &str) -> Result<i16, NotATime> {
    let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let (name, offset) = text.split_at(letters);
    let offset = if offset.is_empty() { 0 } else { signed(offset).ok_or(NotATime::Impossible)? };
    match name.len() {
        0 => Ok(offset),
        1 | 3..=5 => Ok(named(name).ok_or(NotATime::UnknownZone)? + offset),
        _ => Err(NotATime::Impossible),
    }
}

fn named(name: &str) -> Option<i16> {
    let zone = ZONES.iter().find(|(_, names)| names.split(' ').any(|known| known == name));
    zone.map(|(mins, _)| *mins)
}

/// `+hh`, `+hhmm` or `+hh:mm`; hours to 19, minutes to 99.
fn signed(text: &str) -> Option<i16> {
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, rest) = two_digits(rest)?;
    let rest = rest.strip_prefix(':').filter(|rest| !rest.is_empty()).unwrap_or(rest);
    let (minutes, rest) = if rest.is_empty() { (0, rest) } else { two_digits(rest)? };
    (hours < 20 && rest.is_empty()).then_some(sign * (hours * 60 + minutes))
}

fn two_digits(text: &str) -> Option<(i16, &str)> {
    let mut chars = text.chars();
    let tens = chars::digit(chars.next()?)?;
    let ones = chars::digit(chars.next()?)?;
    Some(((tens * 10 + ones) as i16, chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, offset: Result<i16, NotATime>) {
        assert_eq!(offset_mins(text), offset, "{text}");
    }

    #[test]
    fn offsets_are_hours_and_minutes() {
        check("+02", Ok(120));
        check("+0200", Ok(120));
        check("-03:30", Ok(-210));
        check("+1960", Ok(1200));
        check("+0\u{661}", Ok(60));
    }

    #[test]
    fn names_are_fixed_offsets() {
        check("", Ok(0));
        check("Z", Ok(0));
        check("UTC", Ok(0));
        check("CET", Ok(60));
        check("NPT", Ok(345));
        check("MART", Ok(-570));
        check("NZDT", Ok(780));
    }

    #[test]
    fn name_and_offset_add_up() {
        check("UTC+0200", Ok(120));
        check("GMT-0100", Ok(-60));
        check("EST-0100", Ok(-360));
        check("A+01", Ok(120));
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
