//! Which greeting was shown to whom, and when: once it was written to the client, and not before.
//!
//! A session is greeted once, and once more for each client that a front end names by XCLIENT.
//! The record is written at once: a session that says nothing more, and is still there when the
//! process dies, was shown it all the same. If that fails it is tried again with the session's
//! next records, and at its end.

use std::net::IpAddr;
use std::sync::Arc;

use relay::SessionFacts;
use smtp_session::Moment;
use suppression::Timestamp;

use crate::notice::Notice;
use crate::recorder::Recorder;

pub(super) struct Greeted {
    notice: Arc<Notice>,
    /// Those of whom no record is written.
    clients: Vec<Client>,
    /// Somebody was shown it, and nobody has tried to record that.
    due: bool,
    /// What the greeting says is among the lines that are being written, to this file.
    with_text: Option<u64>,
}

/// Whom a greeting is for, and when it was written.
struct Client {
    address: IpAddr,
    shown: Option<Timestamp>,
}

impl Greeted {
    /// The greeting is in the session's output.
    pub(super) fn new(notice: Arc<Notice>, client: IpAddr) -> Self {
        // Room for one, and not the four that a first push would make room for.
        let clients = vec![Client { address: client, shown: None }];
        Self { notice, clients, due: false, with_text: None }
    }

    /// It is there again, for another client.
    pub(super) fn again(&mut self, client: IpAddr) {
        self.clients.push(Client { address: client, shown: None });
    }

    /// All output was written to the client.
    pub(super) fn written(&mut self, now: Moment) {
        for client in self.clients.iter_mut().filter(|client| client.shown.is_none()) {
            client.shown = Some(timestamp(now));
            self.due = true;
        }
    }

    /// There is something to record.
    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// Puts what is to be recorded in front of the other lines of the session.
    pub(super) fn before(
        &mut self,
        lines: Vec<u8>,
        recorder: &dyn Recorder,
        facts: &SessionFacts,
    ) -> Vec<u8> {
        self.due = false;
        let mut shown = self.clients.iter().filter_map(|one| Some((one.address, one.shown?)));
        let Some(first) = shown.next() else { return lines };
        let mut all = Vec::with_capacity(512 + lines.len());
        let file = recorder.file();
        if let Some(text) = self.notice.unrecorded(first.1, file) {
            recorder.notice_text(&text, &mut all);
            self.with_text = Some(file);
        }
        for (client, time) in std::iter::once(first).chain(shown) {
            let record = evidence::Notice {
                time,
                session: Arc::clone(&facts.id),
                client,
                listener: facts.listener,
                greeting: self.notice.digest(),
                version: self.notice.version().cloned(),
            };
            recorder.notice(&record, &mut all);
        }
        all.extend_from_slice(&lines);
        all
    }

    /// The lines were written, or that failed.
    pub(super) fn recorded(&mut self, written: bool) {
        let with_text = self.with_text.take();
        if !written {
            return;
        }
        if let Some(file) = with_text {
            self.notice.is_recorded(file);
        }
        self.clients.retain(|client| client.shown.is_none());
        if self.clients.is_empty() {
            self.clients = Vec::new();
        }
    }
}

fn timestamp(now: Moment) -> Timestamp {
    // A clock outside of the years that can be written is wrong anyway.
    Timestamp::from_micros(now.unix_micros()).unwrap_or(Timestamp::EPOCH)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use evidence::{Decision, Finding, Intent, NoticeText, Outcome, Record};

    use super::*;

    /// Into a file of this number.
    struct Lines(u64);

    impl Recorder for Lines {
        fn decided(&self, _: &Decision, _: &mut Vec<u8>) {}
        fn found(&self, _: &Finding, _: &mut Vec<u8>) {}
        fn intent(&self, _: &Intent, _: &mut Vec<u8>) {}
        fn outcome(&self, _: &Outcome, _: &mut Vec<u8>) {}
        fn notice(&self, record: &evidence::Notice, lines: &mut Vec<u8>) {
            Record::Notice(record).write_line(lines).unwrap();
        }
        fn notice_text(&self, record: &NoticeText, lines: &mut Vec<u8>) {
            Record::NoticeText(record).write_line(lines).unwrap();
        }
        fn write(&self, _: &[u8]) -> bool {
            true
        }
        fn file(&self) -> u64 {
            self.0
        }
    }

    fn facts() -> SessionFacts {
        SessionFacts {
            id: "s1".into(),
            client: "192.0.2.1".parse().unwrap(),
            port: None,
            listener: "0.0.0.0:25".parse().unwrap(),
            login: None,
            mechanism: None,
            tls: None,
        }
    }

    fn at(seconds: u64) -> Moment {
        Moment::new(Duration::from_secs(seconds), i64::try_from(seconds).unwrap() * 1_000_000)
    }

    /// Kind, client and second of each line.
    fn told(lines: &[u8]) -> Vec<String> {
        let lines = std::str::from_utf8(lines).unwrap().lines();
        lines
            .map(|line| match serde_json::from_str::<serde_json::Value>(line) {
                Ok(record) => {
                    let field = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
                    format!("{} {} {}", field("record"), field("client"), &field("time")[14..19])
                }
                Err(_) => line.to_owned(),
            })
            .collect()
    }

    #[test]
    fn only_what_was_written_is_recorded_and_in_front_of_the_rest() {
        let notice = Arc::new(Notice::new("220 mail.example.com ESMTP\r\n", None));
        let mut greeted = Greeted::new(Arc::clone(&notice), "192.0.2.7".parse().unwrap());
        let mut file = 0;
        let take = |greeted: &mut Greeted, file: u64| {
            let lines = greeted.before(b"more\n".to_vec(), &Lines(file), &facts());
            told(&lines)
        };
        assert_eq!(take(&mut greeted, file), ["more"], "not written yet");
        assert!(!greeted.is_due());
        greeted.written(at(1));
        assert!(greeted.is_due());
        greeted.again("2001:db8::7".parse().unwrap());
        let first = ["notice-text - 00:01", "notice 192.0.2.7 00:01", "more"];
        assert_eq!(take(&mut greeted, file), first);
        // That was not written; it is tried again, but not for itself.
        greeted.recorded(false);
        assert!(!greeted.is_due());
        assert_eq!(take(&mut greeted, file), first);
        greeted.recorded(false);
        // Another session tells the text first.
        let mut other = Greeted::new(Arc::clone(&notice), "192.0.2.8".parse().unwrap());
        other.written(at(2));
        let second = ["notice-text - 00:02", "notice 192.0.2.8 00:02", "more"];
        assert_eq!(take(&mut other, file), second);
        other.recorded(true);
        greeted.written(at(3));
        assert!(greeted.is_due());
        let third = ["notice 192.0.2.7 00:01", "notice 2001:db8::7 00:03", "more"];
        assert_eq!(take(&mut greeted, file), third);
        greeted.recorded(true);
        greeted.written(at(4));
        assert!(!greeted.is_due());
        assert_eq!(take(&mut greeted, file), ["more"], "each once");
        // Older files may be taken away: each says it for itself.
        file += 1;
        let mut later = Greeted::new(Arc::clone(&notice), "192.0.2.9".parse().unwrap());
        later.written(at(5));
        let fourth = ["notice-text - 00:05", "notice 192.0.2.9 00:05", "more"];
        assert_eq!(take(&mut later, file), fourth);
        later.recorded(true);
        later.again("192.0.2.9".parse().unwrap());
        later.written(at(6));
        assert_eq!(take(&mut later, file), ["notice 192.0.2.9 00:06", "more"]);
    }
}
