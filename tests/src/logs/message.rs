//! What services write, with places for what differs: `{addr}`, `{user}`, `{port}`, `{pid}`, `{path}`, `{agent}`, `{size}`.

use super::date::Date;

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the services' names say it all")]
pub enum Service {
    Sshd,
    Dovecot,
    Postfix,
    NginxError,
    ApacheError,
    Vsftpd,
    Access,
    /// An access log that robots fill.
    Probe,
    Named,
    Pam,
}

type Script = &'static [&'static str];

impl Service {
    pub(super) const ALL: [Self; 10] = [
        Self::Sshd,
        Self::Dovecot,
        Self::Postfix,
        Self::NginxError,
        Self::ApacheError,
        Self::Vsftpd,
        Self::Access,
        Self::Probe,
        Self::Named,
        Self::Pam,
    ];

    /// How it writes dates.
    pub(super) fn date(self) -> Date {
        match self {
            Self::Sshd | Self::Dovecot | Self::Postfix | Self::Pam => Date::Syslog,
            Self::NginxError => Date::Slashes,
            Self::ApacheError => Date::Long,
            Self::Vsftpd => Date::Ctime,
            Self::Access | Self::Probe => Date::Access,
            Self::Named => Date::IsoComma,
        }
    }

    /// What stands around the date.
    pub(super) fn around_date(self) -> (&'static str, &'static str) {
        match self {
            Self::Sshd => ("", " srv sshd[{pid}]: "),
            Self::Dovecot => ("", " srv dovecot: "),
            Self::Postfix => ("", " srv postfix/smtpd[{pid}]: "),
            Self::NginxError => ("", " [error] {pid}#{pid}: *{port} "),
            Self::ApacheError => ("[", "] "),
            Self::Vsftpd => ("", " [pid {pid}] "),
            Self::Access | Self::Probe => ("{addr} - - [", "] "),
            Self::Named => ("", " "),
            Self::Pam => ("", " srv su[{pid}]: "),
        }
    }

    /// What it writes about one client, in order.
    pub(super) fn scripts(self) -> &'static [Script] {
        match self {
            Self::Sshd => SSHD,
            Self::Dovecot => DOVECOT,
            Self::Postfix => POSTFIX,
            Self::NginxError => NGINX_ERROR,
            Self::ApacheError => APACHE_ERROR,
            Self::Vsftpd => VSFTPD,
            Self::Access => ACCESS,
            Self::Probe => PROBE,
            Self::Named => NAMED,
            Self::Pam => PAM,
        }
    }
}

const SSHD: &[Script] = &[
    &[
        "Invalid user {user} from {addr} port {port}",
        "pam_unix(sshd:auth): check pass; user unknown",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={addr} ",
        "Failed password for invalid user {user} from {addr} port {port} ssh2",
        "Connection closed by invalid user {user} {addr} port {port} [preauth]",
    ],
    &[
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={addr}  user={user}",
        "Failed password for {user} from {addr} port {port} ssh2",
        "Failed password for {user} from {addr} port {port} ssh2",
        "error: maximum authentication attempts exceeded for {user} from {addr} port {port} ssh2 [preauth]",
        "Disconnecting authenticating user {user} {addr} port {port}: Too many authentication failures [preauth]",
        "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost={addr}  user={user}",
    ],
    &[
        "Failed password for {user} from {addr} port {port} ssh2",
        "Accepted password for {user} from {addr} port {port} ssh2",
        "pam_unix(sshd:session): session opened for user {user}(uid=1000) by (uid=0)",
    ],
    &[
        "Connection from {addr} port {port} on 192.0.2.250 port 22 rdomain \"\"",
        "Failed publickey for {user} from {addr} port {port} ssh2: RSA SHA256:Zm9yIHRoZSBzYWtlIG9mIGV4YW1wbGUsIG5vdCBhIGtleQ",
        "Failed publickey for {user} from {addr} port {port} ssh2: ED25519 SHA256:Zm9yIHRoZSBzYWtlIG9mIGV4YW1wbGUsIG5vdCBhIGtleQ",
        "Connection closed by authenticating user {user} {addr} port {port} [preauth]",
    ],
    &[
        "User {user} from {addr} not allowed because not listed in AllowUsers",
        "Failed password for invalid user {user} from {addr} port {port} ssh2",
        "Received disconnect from {addr} port {port}:11: Bye Bye [preauth]",
        "Disconnected from invalid user {user} {addr} port {port} [preauth]",
    ],
    &[
        "User {user} not allowed because account is locked",
        "Connection closed by {addr} port {port} [preauth]",
    ],
    &[
        "User {user} not allowed because account is locked",
        "Accepted password for {user} from {addr} port {port} ssh2",
    ],
    &[
        "Unable to negotiate with {addr} port {port}: no matching key exchange method found. Their offer: diffie-hellman-group1-sha1 [preauth]",
    ],
    &["Did not receive identification string from {addr} port {port}"],
    &["Bad protocol version identification '{user}' from {addr} port {port}"],
    &[
        "error: PAM: Authentication failure for {user} from {addr}",
        "Connection reset by {addr} port {port} [preauth]",
    ],
    &["ROOT LOGIN REFUSED FROM {addr} port {port}", "Connection closed by {addr} port {port}"],
    &["message repeated 2 times: [ Failed password for {user} from {addr} port {port} ssh2]"],
];

const DOVECOT: &[Script] = &[
    &[
        "imap-login: Disconnected (auth failed, 3 attempts in 12 secs): user=<{user}>, method=PLAIN, rip={addr}, lip=192.0.2.250, TLS, session=<ses51on>",
    ],
    &[
        "auth: pam({user},{addr}): pam_authenticate() failed: Authentication failure (password mismatch?)",
        "pop3-login: Aborted login (auth failed, 1 attempts in 2 secs): user=<{user}>, method=LOGIN, rip={addr}, lip=192.0.2.250",
    ],
    &["auth-worker({pid}): sql({user},{addr}): Password mismatch"],
    &[
        "imap-login: Aborted login (no auth attempts in 0 secs): user=<>, rip={addr}, lip=192.0.2.250, session=<x>",
    ],
    &[
        "imap-login: Login: user=<{user}>, method=PLAIN, rip={addr}, lip=192.0.2.250, mpid={pid}, TLS",
        "imap({user}): Logged out in=10 out=900",
    ],
    &["auth: passwd-file({user},{addr}): unknown user"],
];

const POSTFIX: &[Script] = &[
    &[
        "connect from unknown[{addr}]",
        "warning: unknown[{addr}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
        "lost connection after AUTH from unknown[{addr}]",
        "disconnect from unknown[{addr}] ehlo=1 auth=0/1 commands=1/2",
    ],
    &[
        "NOQUEUE: reject: RCPT from host.example.org[{addr}]: 554 5.7.1 <{user}>: Relay access denied; from=<a@example.com> to=<{user}> proto=ESMTP helo=<{user}>",
    ],
    &[
        "NOQUEUE: reject: RCPT from unknown[{addr}]: 450 4.7.1 Client host rejected: cannot find your hostname, [{addr}]; from=<{user}> to=<b@example.com> proto=ESMTP helo=<x>",
    ],
    &[
        "NOQUEUE: reject: RCPT from unknown[{addr}]: 550 5.1.1 <{user}>: Recipient address rejected: User unknown in local recipient table; from=<a@example.com> to=<{user}> proto=SMTP helo=<x>",
    ],
    &["improper command pipelining after HELO from unknown[{addr}]: {user}"],
    &["warning: non-SMTP command from unknown[{addr}]: GET {path} HTTP/1.1"],
];

const NGINX_ERROR: &[Script] = &[
    &[
        "user \"{user}\": password mismatch, client: {addr}, server: example.org, request: \"GET {path} HTTP/1.1\", host: \"example.org\"",
        "user \"{user}\" was not found in \"/etc/nginx/.htpasswd\", client: {addr}, server: example.org, request: \"GET {path} HTTP/1.1\", host: \"example.org\"",
    ],
    &[
        "no user/password was provided for basic authentication, client: {addr}, server: _, request: \"GET {path} HTTP/1.1\", host: \"x\"",
    ],
    &[
        "open() \"/usr/share/nginx/html{path}\" failed (2: No such file or directory), client: {addr}, server: _, request: \"GET {path} HTTP/1.1\", host: \"x\", referrer: \"{user}\"",
    ],
    &[
        "limiting requests, excess: 15.2 by zone \"login\", client: {addr}, server: _, request: \"POST {path} HTTP/1.1\", host: \"x\"",
    ],
];

const APACHE_ERROR: &[Script] = &[
    &[
        "[auth_basic:error] [pid {pid}:tid 140] [client {addr}:{port}] AH01618: user {user} not found: {path}",
        "[auth_basic:error] [pid {pid}:tid 140] [client {addr}:{port}] AH01617: user {user}: authentication failure for \"{path}\": Password Mismatch",
    ],
    &[
        "[authz_core:error] [pid {pid}] [client {addr}:{port}] AH01630: client denied by server configuration: /var/www{path}",
    ],
    &[
        "[core:error] [pid {pid}] [client {addr}:{port}] AH00126: Invalid URI in request GET {user} HTTP/1.1",
    ],
    &["[error] [client {addr}] user {user} in realm `x' not found: {path}"],
    &[
        "[auth_digest:error] [pid {pid}] [client {addr}:{port}] AH01790: user `{user}' in realm `x' not found: {path}, referer: http://example.org/",
    ],
];

const VSFTPD: &[Script] = &[
    &[
        "CONNECT: Client \"{addr}\"",
        "[{user}] FAIL LOGIN: Client \"{addr}\"",
        "[{user}] FAIL LOGIN: Client \"{addr}\"",
    ],
    &["[{user}] OK LOGIN: Client \"{addr}\""],
    &["[{user}] FAIL LOGIN: Client \"{addr}\", \"{user}\""],
];

const ACCESS: &[Script] = &[
    &[
        "\"GET {path} HTTP/1.1\" 200 {size} \"-\" \"{agent}\"",
        "\"GET {path} HTTP/2.0\" 304 0 \"https://example.org/\" \"{agent}\"",
    ],
    &["\"POST {path} HTTP/1.1\" 302 {size} \"https://example.org{path}\" \"{agent}\""],
];

const PROBE: &[Script] = &[
    &[
        "\"GET /phpmyadmin/scripts/setup.php HTTP/1.1\" 404 {size} \"-\" \"{agent}\"",
        "\"GET /wp-login.php HTTP/1.1\" 404 {size} \"-\" \"{agent}\"",
    ],
    &[
        "\"GET /cgi-bin/x.sh HTTP/1.1\" 404 {size} \"-\" \"{agent}\"",
        "\"POST /roundcube/ HTTP/1.0\" 404 {size} \"-\" \"{agent}\"",
    ],
];

const NAMED: &[Script] = &[
    &[
        "security: info: client @0x55d0c0ffee00 {addr}#{port} ({user}): query (cache) '{user}/A/IN' denied",
    ],
    &["client {addr}#{port}: zone transfer 'example.org/AXFR/IN' denied"],
];

const PAM: &[Script] = &[
    &[
        "pam_unix(su:auth): authentication failure; logname=x uid=1000 euid=0 tty=/dev/pts/1 ruser={user} rhost={addr}  user=root",
    ],
    &["pam_unix(su:session): session opened for user root by (uid=0)"],
];
