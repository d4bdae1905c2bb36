//! What is mailed, to whom, and who has opted out: made by rule, so that the load
//! generator, the list files and the sink agree without passing a million addresses
//! to each other. An opted-out address is known by its first letters.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context, Result};

/// How every address on the opt-out list begins, and no other.
pub(super) const OPT_OUT_MARK: &str = "optout";

/// Domains in use. A prime, so that a stride through the list meets all of them.
const DOMAINS: u64 = 997;

/// Writes the `index`-th address of the opt-out list.
pub(super) fn opt_out(index: u64, out: &mut String) {
    let _ = write!(out, "{OPT_OUT_MARK}{index:07}@list{}.example", index % DOMAINS);
}

/// Writes an address that never opted out; the same number gives the same person.
pub(super) fn person(number: u64, out: &mut String) {
    let _ = write!(out, "person{number:07}@shop{}.example", number % DOMAINS);
}

/// An entry of a list of `length`, far from that of the number before: a proxy that
/// remembers its last look-ups must not profit.
pub(super) fn scattered(number: u64, length: u64) -> u64 {
    number.wrapping_mul(2_654_435_761) % length.max(1)
}

/// A message of about `size` bytes as it goes over the wire: header, lines of 76
/// characters, one line that begins with a dot (doubled, RFC 5321 s4.5.2), the end of data.
pub(super) fn message(size: usize) -> Vec<u8> {
    const LINE: &[u8] =
        b"TWFpbCBpcyBhIGJvZHkgb2YgdGV4dCBsaW5lcyB0aGF0IHNvbWVib2R5IGhhZCB0byByZWFkLiBB\r\n";
    let mut text = Vec::with_capacity(size + 2 * LINE.len());
    text.extend_from_slice(
        b"From: Shop <news@shop.example>\r\nTo: undisclosed-recipients:;\r\n\
          Subject: News of the week\r\nMIME-Version: 1.0\r\n\
          Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: base64\r\n\
          Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n\
          Message-ID: <bench.1@shop.example>\r\n\r\n..dot\r\n",
    );
    while text.len() < size {
        text.extend_from_slice(LINE);
    }
    text.extend_from_slice(b".\r\n");
    text
}

/// Writes the opt-out list as a CSV file, as a customer system would export it.
pub(super) fn write_csv(path: &Path, length: u64) -> Result<()> {
    write_list(path, length, "Email Address,Opted out\r\n", |line, index| {
        opt_out(index, line);
        let _ = write!(line, ",2025-{:02}-{:02}\r\n", 1 + index % 12, 1 + index % 28);
    })
}

/// Writes the opt-out list as the text from which `postmap` makes an access map.
pub(super) fn write_access(path: &Path, length: u64) -> Result<()> {
    write_list(path, length, "", |line, index| {
        opt_out(index, line);
        line.push_str(" REJECT opted out\n");
    })
}

fn write_list(
    path: &Path,
    length: u64,
    head: &str,
    mut entry: impl FnMut(&mut String, u64),
) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut file = BufWriter::new(file);
    file.write_all(head.as_bytes())?;
    let mut line = String::new();
    for index in 0..length {
        line.clear();
        entry(&mut line, index);
        file.write_all(line.as_bytes())?;
    }
    file.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_addresses_bear_the_mark() {
        let (mut listed, mut free) = (String::new(), String::new());
        opt_out(12, &mut listed);
        person(12, &mut free);
        assert_eq!(listed, "optout0000012@list12.example");
        assert!(!free.starts_with(OPT_OUT_MARK));
    }

    #[test]
    fn a_message_has_one_end_and_about_its_size() {
        let text = message(2048);
        assert!((2048..2200).contains(&text.len()));
        assert!(text.ends_with(b"\r\n.\r\n"));
        assert_eq!(memchr::memmem::find_iter(&text, b"\r\n.\r\n").count(), 1);
    }
}
