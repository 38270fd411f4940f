//! Our own filter for OpenSSH 7 to 10.
//!
//! Written from the messages in OpenSSH's source (auth.c, auth2.c, auth-pam.c, monitor.c, session.c). Three rules:
//!
//! - Only failures to authenticate count. Keys that do not fit, connections closed early and scanners' noise do not: a
//!   good client tries all its keys, and every client begins with the method `none`.
//! - A client chooses its user name, blanks and all, so a name may read like the rest of the message. Hence every
//!   pattern begins and ends with sshd's own words, and the last address, which sshd wrote, is the one that counts.
//!   Messages that end in words of the client's are left alone: `Failed publickey` and `Failed hostbased` would end
//!   in a certificate's name or a client's.
//! - The patterns are the kinds of lines of which sshd writes at most one each for one attempt; see
//!   `detect/session.rs`.

#[cfg(test)]
mod tests;

use crate::detect;

/// What syslog daemons, and sshd itself, put before the message: nothing at all in a file of `sshd -E`. A process id
/// tells sessions apart; OpenSSH 9.8 and later name themselves sshd-session. A host stands only behind a date, that is
/// behind a blank, for otherwise the first word of a message would be taken for one.
const PREFIX: &str = concat!(
    r"^(?:<\d{1,3}>(?:1 )?)?",
    r"(?:<F-MLFID>(?:\s+\S+ |\s*)(?:kernel: )?(?:\[ *\d+\.\d+\] )?sshd(?:-\w+)?(?:\[\d+\]| \d+)</F-MLFID>",
    r"(?:: | - (?:-|\[[^\]]*\]) )",
    r"|(?:\s+\S+ |\s*)sshd(?:-\w+)?: )?",
    r"\s*(?:message repeated \d+ times: \[ )?",
    r"(?:error: )?<F-CONTENT>.+</F-CONTENT>$",
);

/// Messages up to what may follow: `[preauth]`, and the bracket of `message repeated 2 times: [ … ]`.
const MESSAGES: [&str; 7] = [
    r"^Failed (?:password|keyboard-interactive(?:/[\w-]+)?) for .* from <HOST> port \d+(?: ssh2)?",
    r"^(?:Invalid|Illegal) user .* from <HOST>(?: port \d+)?",
    r"^PAM: .* for .* from <HOST>(?: via \S+)?",
    concat!(
        r"^User .* from <HOST> not allowed because ",
        r"(?:(?:not|a group is|none of user's groups are)? ?(?:listed in|in) ",
        r"(?:AllowUsers|DenyUsers|AllowGroups|DenyGroups|any group))",
    ),
    r"^maximum authentication attempts exceeded for .* from <HOST> port \d+(?: ssh2)?",
    r"^ROOT LOGIN REFUSED FROM <HOST>(?: port \d+)?",
    r"^refused connect from \S+ \(<HOST>\)",
];

pub(super) fn filter() -> detect::Spec {
    let whole = |message: &str| format!(r"{message}(?: \[preauth\])?\]?\s*$");
    detect::Spec {
        prefregex: PREFIX.to_owned(),
        failregex: MESSAGES.iter().map(|message| whole(message)).collect(),
    }
}
