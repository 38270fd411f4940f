//! Dates as logs write them.

use jiff::civil::DateTime;

/// A way to write a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Date {
    /// `Mar 29 01:02:03`
    Syslog,
    /// `2026-03-29T01:02:03.123456+01:00`
    Rfc3339,
    /// `2026-03-29 01:02:03`
    Iso,
    /// `2026-03-29 01:02:03,123`
    IsoComma,
    /// `2026/03/29 01:02:03`
    Slashes,
    /// `Sun Mar 29 01:02:03.123456 2026`
    Long,
    /// `29/Mar/2026:01:02:03 +0000`
    Access,
    /// `Sun Mar 29 01:02:03 2026`
    Ctime,
    /// `1774746123.123`
    Epoch,
    /// `@400000006...`
    Tai64n,
    /// `29-03-2026 01:02:03`
    DayFirst,
    /// None.
    Missing,
    /// One that there is not.
    Impossible,
}

impl Date {
    pub(super) const ALL: [Self; 13] = [
        Self::Syslog,
        Self::Rfc3339,
        Self::Iso,
        Self::IsoComma,
        Self::Slashes,
        Self::Long,
        Self::Access,
        Self::Ctime,
        Self::Epoch,
        Self::Tai64n,
        Self::DayFirst,
        Self::Missing,
        Self::Impossible,
    ];

    pub(super) fn written(self, at: DateTime) -> String {
        let secs = || at.to_zoned(jiff::tz::TimeZone::UTC).expect("a year of ours").timestamp();
        let format = match self {
            Self::Syslog => "%b %e %H:%M:%S",
            Self::Rfc3339 => "%Y-%m-%dT%H:%M:%S%.6f+01:00",
            Self::Iso => "%Y-%m-%d %H:%M:%S",
            Self::IsoComma => "%Y-%m-%d %H:%M:%S,123",
            Self::Slashes => "%Y/%m/%d %H:%M:%S",
            Self::Long => "%a %b %d %H:%M:%S%.6f %Y",
            Self::Access => "%d/%b/%Y:%H:%M:%S +0000",
            Self::Ctime => "%a %b %e %H:%M:%S %Y",
            Self::Epoch => return format!("{:.3}", secs().as_microsecond() as f64 / 1e6),
            Self::Tai64n => {
                return format!("@4{:015x}{:08x}", secs().as_second(), at.subsec_nanosecond());
            }
            Self::DayFirst => "%d-%m-%Y %H:%M:%S",
            Self::Missing => return String::new(),
            Self::Impossible => "Feb 30 %H:%M:%S",
        };
        at.strftime(format).to_string()
    }
}
