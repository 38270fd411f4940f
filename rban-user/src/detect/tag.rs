//! Fail2ban's tags in patterns, as named groups.
//!
//! `<HOST>` takes whatever a daemon may write where an address belongs, host names and scoped addresses included,
//! rather than addresses alone: were it choosier, a pattern that finds no address at the end of a line could find one
//! further left, in text that the client chose. Whether it is an address is asked afterwards.

/// The group that says who failed.
pub(super) const HOST: &str = "host";
/// The group of the prefix pattern that says which lines belong to one session.
pub(super) const SESSION: &str = "mlfid";
/// The group of the prefix pattern that the failure patterns are to look at.
pub(super) const CONTENT: &str = "content";

const TAGS: [(&str, &str); 5] = [
    ("<HOST>", r"\[?(?P<host>[\w.:^-]+(?:%[^\s\]]+)?)\]?"),
    ("<F-MLFID>", "(?P<mlfid>"),
    ("</F-MLFID>", ")"),
    ("<F-CONTENT>", "(?P<content>"),
    ("</F-CONTENT>", ")"),
];

/// The pattern with each known tag replaced; unknown ones stay as text (spec, filter 5).
pub(super) fn expand(pattern: &str) -> String {
    TAGS.iter().fold(pattern.to_owned(), |text, (tag, group)| text.replace(tag, group))
}

#[cfg(test)]
mod tests {
    use regex::bytes::RegexBuilder;

    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, host: Option<&str>) {
        let regex = RegexBuilder::new(&expand(pattern)).unicode(false).build().unwrap();
        let found = regex.captures(text.as_bytes());
        let found = found.map(|caps| String::from_utf8(caps[HOST].to_vec()).unwrap());
        assert_eq!(found.as_deref(), host, "{pattern} in {text}");
    }

    #[test]
    fn a_host_is_whatever_stands_where_an_address_belongs() {
        for host in
            ["192.0.2.7", "2001:db8::7", "2001:db8::", "fe80::1%eth0", "a-b.example", "1.2.3.999"]
        {
            check("^from <HOST>$", &format!("from {host}"), Some(host));
            check("^from <HOST> port", &format!("from {host} port 22"), Some(host));
        }
        check("^from <HOST>$", "from two words", None);
    }

    #[test]
    fn brackets_and_what_follows_stay_outside() {
        check("^from <HOST>$", "from [2001:db8::7]", Some("2001:db8::7"));
        check(r"^client <HOST>:\d+$", "client 192.0.2.7:4000", Some("192.0.2.7"));
        check("rhost=<HOST>(?: |$)", "rhost=192.0.2.7  user=x", Some("192.0.2.7"));
    }

    #[test]
    fn unknown_tags_stay_text() {
        assert_eq!(expand("<F-NOPE>x<host>"), "<F-NOPE>x<host>");
    }
}
