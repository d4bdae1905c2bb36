//! Decoded content: whatever a message is, reading it ends, within its bounds, and is the same
//! each time.

use message::Content;
use message::content::{DECODED_MAX, PARTS_MAX};

/// A message.
pub fn content(data: &[u8]) {
    let ours = Content::decode(data);
    assert_eq!(ours, Content::decode(data));
    assert!(ours.texts.len() + ours.attachments.len() <= 2 * PARTS_MAX);
    assert!(ours.texts.iter().map(|text| text.visible.len()).sum::<usize>() <= 2 * DECODED_MAX);
    for at in 0..ours.texts.len() + 1 {
        assert!(!ours.is_shown(at) || at < ours.texts.len());
    }
    for text in &ours.texts {
        let places = text.links.iter().map(|link| text.visible.get(link.place.clone()));
        assert!(places.into_iter().all(|place| place.is_some()), "a link is in its text");
    }
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn seeds_and_mutations() {
        let words: &[&[u8]] = &[
            b"--b\r\n",
            b"--b--\r\n",
            b"--b \r\n",
            b"\r\n\r\n",
            b"Content-Type: text/html\r\n",
            b"Content-Type: text/plain; charset=utf-7\r\n",
            b"Content-Type: multipart/mixed; boundary=b\r\n",
            b"Content-Type: message/rfc822\r\n",
            b"Content-Type: application/octet-stream; name=a.exe\r\n",
            b"Content-Disposition: attachment; filename*0=a; filename*1=.exe\r\n",
            b"Content-Transfer-Encoding: base64\r\n",
            b"Content-Transfer-Encoding: quoted-printable\r\n",
            b"; charset=",
            b"; filename=\"",
            b"=\r\n",
            b"=20",
            b"<!--",
            b"-->",
            b"<b>",
            b"</p>",
            b"&shy",
            b"(",
            b"\\",
        ];
        exercise("content", super::content, words);
    }
}
