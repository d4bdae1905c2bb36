//! The byte sequences by which mail is smuggled, each sent through a whole session:
//! what ends mail data and what does not (RFC 5321 s4.1.1.4, s2.3.8).

use crate::stage::{Scenery, Stage};

const SMUGGLED: &[u8] =
    b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nevil\r\n";

/// What must come of a sequence put into the middle of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The data ends here; what follows is commands.
    Ends,
    /// The data ends here, and is refused for the bare CR before.
    EndsRefused,
    /// Content as it stands.
    Content,
    /// Not the end; refused at the true end.
    Refused,
}

const SEQUENCES: &[(u32, &[u8], Expected)] = &[
    (1, b"\r\n.\r\n", Expected::Ends),
    (2, b"\n.\n", Expected::Refused),
    (3, b"\n.\r\n", Expected::Refused),
    (4, b"\r\n.\n", Expected::Refused),
    (5, b"\r.\r", Expected::Refused),
    (6, b"\r.\n", Expected::Refused),
    (7, b"\n.\r", Expected::Refused),
    (8, b"\r.\r\n", Expected::Refused),
    (9, b"\r\n.\rtext", Expected::Refused),
    (10, b"\r\n.\r\r\n", Expected::Refused),
    (11, b"\r\r\n.\r\r\n", Expected::Refused),
    (12, b"\r\r\n.\r\n", Expected::EndsRefused),
    (13, b"\r\n\0.\r\n", Expected::Refused),
    (14, b"\r\n.\0\r\n", Expected::Refused),
    (16, b"\r\n..\r\n", Expected::Content),
    (17, b"\r\n. \r\n", Expected::Content),
    (18, b"\n..\r\n", Expected::Refused),
    (18, b"\n..\n", Expected::Refused),
    (19, b"\x0b.\x0b", Expected::Content),
    (19, b"\x0c.\x0c", Expected::Content),
    (19, b"\xc2\x85.\xc2\x85", Expected::Content),
    (19, b"\xe2\x80\xa8.\xe2\x80\xa8", Expected::Content),
];

fn in_data() -> Stage {
    let mut stage = Stage::new(Scenery {
        suppressed: vec![(String::new(), "bob@example.com".to_owned())],
        ..Scenery::default()
    });
    stage.client_says(
        b"EHLO pc.example\r\nMAIL FROM:<a@corp.example>\r\nRCPT TO:<carol@there.example>\r\nDATA\r\n",
    );
    stage.smarthost_says(b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n");
    assert!(text(&stage.to_client).contains("\n354 "), "{}", text(&stage.to_client));
    stage.to_client.clear();
    stage.to_smarthost.clear();
    stage
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Sends `bytes` in pieces of `step`, answering the smarthost's dot.
fn send(stage: &mut Stage, bytes: &[u8], step: usize) {
    let mut answered = false;
    for piece in bytes.chunks(step) {
        stage.client_says(piece);
        if !answered && stage.to_smarthost.ends_with(b"\r\n.\r\n") {
            stage.smarthost_says(b"250 2.0.0 taken\r\n");
            answered = true;
        }
    }
}

#[test]
fn each_sequence_in_the_middle_of_a_message_at_every_split() {
    for (row, sequence, expected) in SEQUENCES {
        let mut message = b"Subject: x\r\n\r\nline1".to_vec();
        message.extend_from_slice(sequence);
        message.extend_from_slice(SMUGGLED);
        message.extend_from_slice(b"\r\n.\r\n");
        for step in [1, 2, 3, 5, message.len()] {
            let mut stage = in_data();
            send(&mut stage, &message, step);
            let (said, upstream) = (text(&stage.to_client), text(&stage.to_smarthost));
            let context = format!("row {row}, step {step}: {said:?} upstream {upstream:?}");
            let first = said.lines().next().unwrap_or_default();
            match expected {
                Expected::Ends => {
                    assert!(first.starts_with("250 2.0.0 taken"), "{context}");
                    // The smuggled envelope is commands now, and bob is on the list.
                    assert!(said.contains("550 5.7.1 <bob@example.com>"), "{context}");
                    assert!(!upstream.contains("bob"), "{context}");
                }
                Expected::EndsRefused => {
                    assert!(first.starts_with("550 5.5.2"), "{context}");
                    assert!(!upstream.ends_with("\r\n.\r\n"), "{context}");
                }
                Expected::Content => {
                    assert_eq!(said, "250 2.0.0 taken\r\n", "{context}");
                    assert!(upstream.contains("evil@x.example"), "content, not commands");
                }
                Expected::Refused => {
                    assert!(first.starts_with("550 5.5.2"), "{context}");
                    assert_eq!(said.lines().count(), 1, "{context}");
                    assert!(!upstream.contains("\r\n.\r\n"), "{context}");
                    assert_eq!(stage.dropped, 1, "{context}");
                }
            }
        }
    }
}

#[test]
fn row_15_a_dot_straight_behind_354_is_an_empty_message() {
    let mut stage = in_data();
    stage.client_says(b".\r\n");
    assert_eq!(text(&stage.to_client), "554 5.6.0 message has no header\r\n");
    assert_eq!(stage.dropped, 1);
}

#[test]
fn row_16_a_doubled_dot_arrives_doubled() {
    let mut stage = in_data();
    send(&mut stage, b"..x\r\n..\r\n.y\r\n.\r\n", 4);
    // `.y` loses its dot (RFC 5321 s4.5.2); the others are doubled again.
    assert!(text(&stage.to_smarthost).ends_with("..x\r\n..\r\ny\r\n.\r\n"));
}

#[test]
fn row_21_a_second_transaction_in_the_same_segment_is_judged_like_the_first() {
    let mut stage = in_data();
    stage.client_says(
        b"x: y\r\n\r\nz\r\n.\r\nMAIL FROM:<a@corp.example>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n",
    );
    stage.smarthost_says(b"250 2.0.0 taken\r\n");
    let said = text(&stage.to_client);
    assert!(said.contains("550 5.7.1 <bob@example.com>") && said.contains("554 5.5.1"), "{said}");
}

#[test]
fn row_22_the_same_without_pipelining_is_cut_off() {
    let mut stage = Stage::new(Scenery::default());
    stage.client_says(b"HELO pc.example\r\n");
    stage.client_says(b"MAIL FROM:<a@corp.example>\r\n");
    stage.client_says(b"RCPT TO:<carol@there.example>\r\n");
    stage.smarthost_says(b"250 ok\r\n250 ok\r\n");
    stage.client_says(b"DATA\r\n");
    stage.smarthost_says(b"354 go\r\n");
    stage.to_client.clear();
    stage.client_says(b"x: y\r\n\r\nz\r\n.\r\nMAIL FROM:<a@corp.example>\r\n");
    assert!(text(&stage.to_client).starts_with("554 5.5.0"), "{}", text(&stage.to_client));
    assert!(stage.closed);
}

#[test]
fn row_23_chunking_is_not_offered_and_bdat_closes() {
    let mut stage = Stage::new(Scenery::default());
    stage.client_says(b"EHLO pc.example\r\nMAIL FROM:<a@corp.example>\r\n");
    stage.client_says(b"BDAT 20 LAST\r\nRCPT TO:<b@c.example>\r\n");
    let said = text(&stage.to_client);
    assert!(!said.contains("CHUNKING\r\n") && said.contains("502 5.5.1"), "{said}");
    assert!(stage.closed && stage.to_smarthost.is_empty());
}

#[test]
fn row_24_a_bare_line_feed_ends_no_command() {
    let mut stage = Stage::new(Scenery::default());
    stage.client_says(b"EHLO pc.example\r\nMAIL FROM:<a@b.example>\nRCPT TO:<c@d.example>\r\n");
    let said = text(&stage.to_client);
    assert!(said.contains("500 5.5.2"), "{said}");
    assert!(stage.closed && stage.to_smarthost.is_empty());
}

#[test]
fn row_25_a_carriage_return_inside_a_command_gives_one_reply() {
    let mut stage = Stage::new(Scenery::default());
    stage.client_says(b"EHLO pc.example\r\nMAIL FROM:<a@b.example>\r\n");
    stage.to_client.clear();
    stage.client_says(b"RCPT TO:<a@b.example>\rRCPT TO:<c@d.example>\r\n");
    assert_eq!(text(&stage.to_client).lines().count(), 1);
    assert!(text(&stage.to_client).starts_with("500 5.5.2"));
    assert!(stage.to_smarthost.is_empty());
}
