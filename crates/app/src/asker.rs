//! Who asks: the name under which an entry is taken back, an export or an erasure is
//! recorded.
//!
//! It is the user of the operating system, and behind `sudo` the one who typed it. Whoever
//! can ask at all can write to the ledger's file as well, so this tells colleagues apart;
//! it is no defence against one of them.

use std::path::Path;

/// Longest name that is recorded, in bytes.
const NAME_MAX: usize = 64;

/// The user this process was started by.
pub fn name() -> String {
    let id = rustix::process::getuid().as_raw();
    let accounts = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
    named(id, &accounts, std::env::var("SUDO_USER").ok().as_deref())
}

fn named(id: u32, accounts: &str, sudo: Option<&str>) -> String {
    let own = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse::<u32>().ok()? == id).then(|| name.to_owned())
    });
    let own = own.unwrap_or_else(|| format!("uid {id}"));
    let name = match sudo.filter(|sudo| id == 0 && !sudo.is_empty() && *sudo != own) {
        Some(sudo) => format!("{sudo} ({own})"),
        None => own,
    };
    let plain = name.chars().filter(|c| !c.is_control());
    let fits = |(at, c): &(usize, char)| at + c.len_utf8() <= NAME_MAX;
    plain.collect::<String>().char_indices().take_while(fits).map(|(_, c)| c).collect()
}

#[cfg(test)]
mod tests {
    use super::named;

    const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";

    #[test]
    fn names_come_from_the_accounts_and_from_sudo_for_root_alone() {
        assert_eq!(named(1000, ACCOUNTS, None), "ann");
        assert_eq!(named(1000, ACCOUNTS, Some("bob")), "ann");
        assert_eq!(named(0, ACCOUNTS, Some("ann")), "ann (root)");
        assert_eq!(named(0, ACCOUNTS, Some("root")), "root");
        assert_eq!(named(77, ACCOUNTS, None), "uid 77");
        assert_eq!(named(77, "broken\n\n:::\n", None), "uid 77");
        assert!(named(0, ACCOUNTS, Some(&"ü".repeat(100))).len() <= 64);
    }
}
