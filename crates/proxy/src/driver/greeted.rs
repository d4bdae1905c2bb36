//! Which greeting was shown to whom, and when: once it was written to the client, and not before.
//!
//! A session is greeted once, and once more for each client that a front end names by XCLIENT.
//! The record costs no write of its own: it goes out in front of the session's first other
//! records, or when the session ends.

use std::net::IpAddr;
use std::sync::Arc;

use relay::SessionFacts;
use smtp_session::Moment;
use suppression::Timestamp;

use crate::notice::Notice;
use crate::recorder::Recorder;

pub(super) struct Greeted {
    notice: Arc<Notice>,
    clients: Vec<Client>,
    /// What the greeting says is among the lines that are being written.
    with_text: bool,
}

/// Whom a greeting is for, and when it was written.
struct Client {
    address: IpAddr,
    shown: Option<Timestamp>,
}

impl Greeted {
    /// The greeting is in the session's output.
    pub(super) fn new(notice: Arc<Notice>, client: IpAddr) -> Self {
        // Not the four that a first push would make room for.
        let mut clients = Vec::with_capacity(1);
        clients.push(Client { address: client, shown: None });
        Self { notice, clients, with_text: false }
    }

    /// It is there again, for another client.
    pub(super) fn again(&mut self, client: IpAddr) {
        self.clients.push(Client { address: client, shown: None });
    }

    /// All output was written to the client.
    pub(super) fn written(&mut self, now: Moment) {
        for client in self.clients.iter_mut().filter(|client| client.shown.is_none()) {
            client.shown = Some(timestamp(now));
        }
    }

    /// Puts what is to be recorded in front of the other lines of the session.
    pub(super) fn before(
        &mut self,
        lines: Vec<u8>,
        recorder: &dyn Recorder,
        facts: &SessionFacts,
    ) -> Vec<u8> {
        if self.clients.iter().all(|client| client.shown.is_none()) {
            return lines;
        }
        let mut all = Vec::with_capacity(512 + lines.len());
        for client in std::mem::take(&mut self.clients) {
            let Some(time) = client.shown else {
                self.clients.push(client);
                continue;
            };
            if !self.with_text
                && let Some(text) = self.notice.unrecorded(time)
            {
                recorder.notice_text(&text, &mut all);
                self.with_text = true;
            }
            let record = evidence::Notice {
                time,
                session: Arc::clone(&facts.id),
                client: client.address,
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
        if std::mem::take(&mut self.with_text) && written {
            self.notice.is_recorded();
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

    struct Lines;

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
        let take = |greeted: &mut Greeted| {
            let lines = greeted.before(b"more\n".to_vec(), &Lines, &facts());
            told(&lines)
        };
        assert_eq!(take(&mut greeted), ["more"], "not written yet");
        greeted.written(at(1));
        greeted.again("2001:db8::7".parse().unwrap());
        assert_eq!(take(&mut greeted), ["notice-text - 00:01", "notice 192.0.2.7 00:01", "more"]);
        // That was not written; another session tells the text again.
        greeted.recorded(false);
        let mut other = Greeted::new(Arc::clone(&notice), "192.0.2.8".parse().unwrap());
        other.written(at(2));
        assert_eq!(take(&mut other), ["notice-text - 00:02", "notice 192.0.2.8 00:02", "more"]);
        other.recorded(true);
        greeted.written(at(3));
        assert_eq!(take(&mut greeted), ["notice 2001:db8::7 00:03", "more"]);
        greeted.written(at(4));
        assert_eq!(take(&mut greeted), ["more"], "each once");
    }
}
