//! How much is measured: enough to trust, or just enough to see that it works.

/// What the two kinds of run differ in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Rounds of everything that takes turns with its peers.
    pub(crate) rounds: usize,
    /// The few bans.
    pub(crate) few: u32,
    /// The many bans, also those that are loaded.
    pub(crate) many: u32,
    /// Bans of each family that rban's maps are made for: its default for IPv4.
    pub(crate) room: u32,
    /// Runs of a program in a round.
    pub(crate) repeat: u32,
    /// Runs before the first round, where sources are many: enough to meet nearly all of the many bans.
    pub(crate) warm_up: u32,
    /// Frames of a flood in a round. Starting and ending one takes the kernel some 30 ms, so few of many.
    pub(crate) flood_frames: u32,
    /// Bans in each set that is flooded.
    pub(crate) flood_bans: u32,
    /// Rules of the firewall that has one for each ban.
    pub(crate) rules: u32,
    /// Bans whose latency is taken.
    pub(crate) latencies: u32,
    /// How often the many bans are loaded.
    pub(crate) loads: usize,
    /// Lines of a log that is nearly all of interest.
    pub(crate) sshd_lines: u32,
    /// Lines of a log that is nearly all of none.
    pub(crate) access_lines: u32,
    /// How long lines come without a pause.
    pub(crate) seconds: u32,
    /// How often a crowd attacks.
    pub(crate) bursts: usize,
    /// Bans of fail2ban whose latency is taken: each takes a while.
    pub(crate) peer_latencies: u32,
    /// The few and the many bans that are stored.
    pub(crate) stored_few: u32,
    pub(crate) stored_many: u32,
    /// How often a daemon is started on them.
    pub(crate) restarts: usize,
    /// How long an idle daemon is watched.
    pub(crate) quiet_seconds: u64,
    /// How often a client asks.
    pub(crate) asked: usize,
}

/// The figures that we publish; some ten minutes.
pub(crate) const FULL: Sizes = Sizes {
    rounds: 9,
    few: 10,
    many: 1_000_000,
    room: 1 << 20,
    repeat: 2_000_000,
    warm_up: 8_000_000,
    flood_frames: 500_000,
    flood_bans: 100_000,
    rules: 1_000,
    latencies: 200,
    loads: 5,
    sshd_lines: 200_000,
    access_lines: 1_000_000,
    seconds: 10,
    bursts: 5,
    peer_latencies: 40,
    stored_few: 20_000,
    stored_many: 1_000_000,
    restarts: 5,
    quiet_seconds: 60,
    asked: 11,
};

/// Does it work; about a minute.
pub(crate) const QUICK: Sizes = Sizes {
    rounds: 1,
    few: 10,
    many: 20_000,
    room: 1 << 16,
    repeat: 100_000,
    warm_up: 200_000,
    flood_frames: 100_000,
    flood_bans: 1_000,
    rules: 100,
    latencies: 10,
    loads: 1,
    sshd_lines: 20_000,
    access_lines: 20_000,
    seconds: 1,
    bursts: 1,
    peer_latencies: 3,
    stored_few: 1_000,
    stored_many: 20_000,
    restarts: 1,
    quiet_seconds: 2,
    asked: 1,
};

/// With thousands marked: 1,000,000.
pub(crate) fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_marked() {
        assert_eq!([7, 1_000, 1_048_576].map(grouped), ["7", "1,000", "1,048,576"]);
    }
}
