//! Files within plain text, as before MIME: mail programs still show them as attachments.

use super::found::Attachment;
use super::limits::PARTS_MAX;
use super::sniff;

/// `begin MODE NAME`, lines of encoded octets, `end` (POSIX uuencode).
pub(super) fn files(text: &str) -> Vec<Attachment> {
    let mut found = Vec::new();
    if !text.contains("begin ") {
        return found;
    }
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(name) = begins(line) else { continue };
        let Some(first) = lines.peek().copied().filter(|line| length(line).is_some()) else {
            continue;
        };
        let mut size = 0;
        while let Some(octets) = lines.peek().copied().and_then(length) {
            size += octets;
            lines.next();
        }
        found.push(Attachment {
            names: vec![name.to_owned()],
            media: "application/octet-stream".into(),
            sniffed: sniff::sniffed(&decoded(first)),
            size,
            inline: true,
        });
        // More of them than a message may have parts is nobody's mail.
        if found.len() >= PARTS_MAX {
            break;
        }
    }
    found
}

fn begins(line: &str) -> Option<&str> {
    let (mode, name) = line.strip_prefix("begin ")?.split_once(' ')?;
    let octal = (3..=4).contains(&mode.len()) && mode.bytes().all(|c| (b'0'..=b'7').contains(&c));
    (octal && !name.trim().is_empty()).then(|| name.trim())
}

/// The octets that a line says it holds, if it is long enough for them.
fn length(line: &str) -> Option<u64> {
    let (first, rest) = line.as_bytes().split_first()?;
    let octets = usize::from(first.checked_sub(b' ').filter(|n| (1..=45).contains(n))?);
    let encoded = rest.iter().all(|c| (b' '..=b'`').contains(c));
    // Spaces at the end of a line may have been lost.
    (encoded && rest.len() + 2 >= octets.div_ceil(3) * 4).then_some(octets as u64)
}

fn decoded(line: &str) -> Vec<u8> {
    let values = line.bytes().skip(1).map(|c| u32::from(c.wrapping_sub(b' ') & 0x3f));
    let values: Vec<u32> = values.collect();
    let groups = values.chunks_exact(4).flat_map(|group| {
        let bits = group.iter().fold(0, |bits, value| bits << 6 | value);
        bits.to_be_bytes().into_iter().skip(1)
    });
    groups.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_a_text() {
        let text = "See below.\n\nbegin 644 cat.txt\n#0V%T\n`\nend\nbegin with courage\n";
        let found = files(text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].names[0].as_str(), found[0].size), ("cat.txt", 3));
        assert_eq!(decoded("#0V%T"), b"Cat");
        assert!(files("begin 644 nothing\nwe begin the year\n").is_empty());
    }
}
