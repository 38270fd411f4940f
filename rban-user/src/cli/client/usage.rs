//! How the client is used.

/// As `--help` prints it.
pub(super) fn usage(program: &str) -> String {
    format!("Usage: {program} [OPTIONS] COMMAND [ARGUMENT...]\n\n{OPTIONS}\n{COMMANDS}")
}

const OPTIONS: &str = "Asks the daemon of rban, in the words of fail2ban's client.

Options, which stand before the command:
  -c, --conf DIR          configuration directory
  -s, --socket FILE       socket of the daemon
  -p, --pidfile FILE      where a started daemon writes its process id
      --pname NAME        accepted, without effect
      --loglevel LEVEL    these three: in place of what fail2ban.conf says
      --logtarget TARGET
      --syslogsocket auto|FILE
  -d                      print the commands that the configuration comes to
      --dp, --dump-pretty the same, long ones on several lines
  -t, --test              test the configuration, then run the command if there is one
  -i                      ask for commands, one a line
  -v, -q                  say more, or less, on standard error
  -x                      accepted: a socket that a dead daemon left is replaced anyway
  -b, -f                  start the daemon in the background, or in place of this process
      --async             accepted, without effect
      --timeout TIME      how long the daemon may take to start (30s)
      --str2sec TIME      print a time in seconds
  -h, --help              print this
  -V, --version           print the version of fail2ban that this stands in for
";

const COMMANDS: &str = "Commands of the client:
  start                   start the daemon
  restart                 stop it, wait, start it
  restart [--unban] [--if-exists] JAIL
                          the same as reload --restart
  reload [--restart] [--unban] [--if-exists] [JAIL | --all]
                          have the daemon take the configuration as it is now
  ping [SECONDS]          does the daemon answer, within that time?
  help                    print this (with -i)

Commands of the daemon:
  stop                    version                 flushlogs
  status [JAIL | --all] [basic | short | cymru | stats]
  stats | statistics      the numbers of all jails as a table
  banned [ID...]          who is banned where
  unban --all | ID...     in all jails
  add JAIL BACKEND        start JAIL              stop JAIL | --all

Settings of the daemon, with set and a value, or with get:
  loglevel  logtarget  syslogsocket  dbfile  dbmaxmatches  dbpurgeage  thread  allowipv6 (only set)

Settings of a jail, with set JAIL and a value, or with get JAIL:
  ignoreself  ignorecommand  ignorecache  logencoding  logtimezone  prefregex  usedns  findtime  maxretry
  maxmatches  maxlines  bantime  bantime.OPTION  datepattern  idle on|off (only set)
  addignoreip  delignoreip          get: ignoreip
  addlogpath FILE [head | tail]     dellogpath      get: logpath
  addjournalmatch  deljournalmatch  get: journalmatch
  addfailregex  delfailregex        get: failregex
  addignoreregex  delignoreregex    get: ignoreregex

Bans of a jail:
  set JAIL banip ID...
  set JAIL unbanip [--report-absent] ID...
  set JAIL attempt ID [LINE...]
  get JAIL banned [ID...]
  get JAIL banip [SEPARATOR | --with-time]

Actions of a jail:
  set JAIL addaction ACTION [FILE JSON]             set JAIL delaction ACTION
  set JAIL action ACTION PROPERTY VALUE             get JAIL action ACTION PROPERTY
  set JAIL action ACTION METHOD [JSON]              get JAIL actions
  get JAIL actionproperties ACTION                  get JAIL actionmethods ACTION
";
