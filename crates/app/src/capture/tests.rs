use super::message::Received;
use super::session::{Next, Session};

/// Feeds in pieces of `cut` bytes; gives the replies and what was taken.
fn talk(input: &[u8], cut: usize) -> (String, Vec<Received>, Next) {
    let mut session = Session::new("sink.test");
    let (mut out, mut taken, mut next) = (Vec::new(), Vec::new(), Next::GoOn);
    for piece in input.chunks(cut) {
        next = session.feed(piece, &mut out, &mut |received| {
            taken.push(received);
            Ok(taken.len() as u64)
        });
        if next == Next::Close {
            break;
        }
    }
    (String::from_utf8(out).unwrap(), taken, next)
}

fn codes(replies: &str) -> Vec<&str> {
    let last = replies.lines().filter(|l| l.as_bytes().get(3) == Some(&b' '));
    last.map(|l| &l[..3]).collect()
}

#[test]
fn a_pipelined_message_is_taken_whole_however_it_is_cut() {
    let input = b"EHLO me.test\r\nMAIL FROM:<a@a.test> SIZE=10 BODY=8BITMIME\r\nRCPT TO:<b@b.test> NOTIFY=NEVER\r\nRCPT TO:<c@c.test>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n\xff\r\n.\r\nQUIT\r\n";
    for cut in [1, 2, 3, 7, 1000] {
        let (replies, taken, next) = talk(input, cut);
        assert_eq!(codes(&replies), ["250", "250", "250", "250", "354", "250", "221"]);
        assert_eq!(next, Next::Close);
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].content, b"Subject: x\r\n\r\n.dot\r\n\xff\r\n");
        assert_eq!(taken[0].from, "<a@a.test>");
        assert_eq!(taken[0].from_params, "SIZE=10 BODY=8BITMIME");
        let to: Vec<_> =
            taken[0].recipients.iter().map(|r| (r.to.as_str(), r.params.as_str())).collect();
        assert_eq!(to, [("<b@b.test>", "NOTIFY=NEVER"), ("<c@c.test>", "")]);
    }
}

#[test]
fn what_ehlo_offers_is_what_the_brief_of_a_smarthost_needs() {
    let (replies, _, _) = talk(b"EHLO me.test\r\n", 100);
    for word in ["PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE ", "ENHANCEDSTATUSCODES"] {
        assert!(replies.contains(word), "{word} in {replies}");
    }
}

#[test]
fn commands_out_of_order_are_refused_and_the_session_goes_on() {
    let input = b"MAIL FROM:<a@a.test>\r\nEHLO me.test\r\nRCPT TO:<b@b.test>\r\nDATA\r\nMAIL FROM:<>\r\nDATA\r\nMAIL FROM:<>\r\nRSET\r\nBOGUS\r\nNOOP\r\n";
    let (replies, taken, next) = talk(input, 9);
    assert_eq!(
        codes(&replies),
        ["503", "250", "503", "503", "250", "554", "503", "250", "500", "250"]
    );
    assert!(taken.is_empty());
    assert_eq!(next, Next::GoOn);
}

#[test]
fn bare_line_ends_in_the_data_are_refused_at_its_true_end() {
    let input =
        b"EHLO me.test\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\nDATA\r\na\n.\nb\r\n.\r\nNOOP\r\n";
    let (replies, taken, _) = talk(input, 4);
    assert_eq!(codes(&replies), ["250", "250", "250", "354", "550", "250"]);
    assert!(taken.is_empty());
}

#[test]
fn a_message_that_cannot_be_stored_is_not_acknowledged() {
    let mut session = Session::new("sink.test");
    let mut out = Vec::new();
    let input = b"EHLO me.test\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\nDATA\r\nx\r\n.\r\n";
    session.feed(input, &mut out, &mut |_| Err(std::io::Error::other("disk full")));
    let out = String::from_utf8(out).unwrap();
    assert_eq!(codes(&out).last(), Some(&"452"));
}

mod over_tcp {
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::{Capture, CaptureSettings};

    #[test]
    fn messages_are_kept_and_stored_byte_for_byte() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let seen = Arc::new(Mutex::new(Vec::new()));
            let seen_by = seen.clone();
            let capture = Capture::bind(CaptureSettings {
                listen: "127.0.0.1:0".parse().unwrap(),
                hostname: "sink.test".to_owned(),
                folder: Some(folder.path().join("mail")),
                on_message: Box::new(move |m| seen_by.lock().unwrap().push(m.number)),
            })
            .await
            .unwrap();
            let address = capture.address().unwrap();
            let kept = capture.kept();
            let (stop, stopped) = tokio::sync::watch::channel(false);
            let server = tokio::spawn(capture.run(stopped));

            let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
            client
                .write_all(b"EHLO me.test\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\nSubject: a\r\n folded\x1b one\r\nMessage-ID: <1@a.test>\r\n\r\nbody\r\n.\r\nQUIT\r\n")
                .await
                .unwrap();
            let mut replies = String::new();
            client.read_to_string(&mut replies).await.unwrap();
            assert!(replies.starts_with("220 sink.test ESMTP"), "{replies}");
            assert!(replies.contains("captured as 1"), "{replies}");

            let messages = kept.messages();
            assert_eq!(messages.len(), 1);
            assert_eq!(messages[0].subject.as_deref(), Some("a folded one"));
            assert_eq!(messages[0].message_id.as_deref(), Some("<1@a.test>"));
            assert_eq!(*seen.lock().unwrap(), [1]);
            let file = messages[0].file.clone().unwrap();
            assert_eq!(std::fs::read(&file).unwrap(), &*messages[0].content);
            let side: serde_json::Value =
                serde_json::from_slice(&std::fs::read(file.with_extension("json")).unwrap()).unwrap();
            assert_eq!(side["from"], "<a@a.test>");
            assert_eq!(side["recipients"][0]["to"], "<b@b.test>");

            stop.send(true).unwrap();
            server.await.unwrap();
        });
    }
}
