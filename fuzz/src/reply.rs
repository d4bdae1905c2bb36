//! Replies: whatever a server sends, what goes on to the client is well formed.

use smtp_wire::{Capabilities, REPLY_LINE_MAX, Reply, ReplyDecoder, ReplyFault};

use crate::cut::{cut, ways};

/// The first byte says how to cut, the rest is the stream.
pub fn reply(data: &[u8]) {
    let Some((size, stream)) = cut(data) else { return };
    let [whole, cut, bytes] = ways(size, stream).map(|pieces| decoded(&pieces));
    assert_eq!(whole, cut, "in pieces of {size}");
    assert_eq!(whole, bytes, "byte by byte");
    for reply in whole.into_iter().flatten() {
        is_sound(&reply);
    }
}

fn decoded(pieces: &[&[u8]]) -> Vec<Result<Reply, ReplyFault>> {
    let mut decoder = ReplyDecoder::new();
    let mut replies = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while let (used, Some(reply)) = decoder.decode(rest) {
            rest = rest.get(used..).unwrap_or_default();
            let broken = reply.is_err();
            replies.push(reply);
            if broken {
                return replies;
            }
        }
    }
    replies
}

fn is_sound(reply: &Reply) {
    assert!((200..600).contains(&reply.code));
    assert!(reply.text.len() <= 4096 && reply.lines().count() <= 200);
    assert!(!reply.text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')));
    let mut out = Vec::new();
    reply.encode(&mut out);
    for line in out.split_inclusive(|byte| *byte == b'\n') {
        assert!(line.len() <= REPLY_LINE_MAX && line.ends_with(b"\r\n"));
        let text = line.strip_suffix(b"\r\n").unwrap_or_default();
        assert!(text.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')));
    }
    // Cutting and cleaning happen once: from then on nothing changes any more.
    let once = decoded(&[&out]);
    assert_eq!(once.len(), 1);
    for again in once.into_iter().flatten() {
        assert_eq!((again.code, again.enhanced), (reply.code, reply.enhanced));
        assert_eq!(again.lines().count(), reply.lines().count());
        let mut second = Vec::new();
        again.encode(&mut second);
        assert_eq!(second, out);
    }
    // What it offers is what we would say that it offers.
    let offers = Capabilities::from_ehlo(reply);
    let mut written = Vec::new();
    offers.encode("name.example", &mut written);
    for listed in decoded(&[&written]).into_iter().flatten() {
        let again = Capabilities::from_ehlo(&listed);
        assert_eq!(again.auth.is_empty(), offers.auth.is_empty());
        assert_eq!(
            Capabilities { auth: Vec::new(), ..again },
            Capabilities { auth: Vec::new(), ..offers.clone() }
        );
    }
    assert_eq!(offers.intersect(&offers), offers);
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn corpus() {
        let words: &[&[u8]] = &[
            b"250-",
            b"250 ok\r\n",
            b"250\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"5.7.1 ",
            b"2.0.0",
            b"SIZE 100\r\n",
            b"LIMITS RCPTMAX=5",
            b"AUTH PLAIN",
            b"SMTPUTF8\r\n",
            b"\x1b",
            b"\xc3\xbc",
            b"354",
        ];
        exercise("reply", super::reply, words);
    }
}
