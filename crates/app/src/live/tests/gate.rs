//! A whole gate in front of a capture smarthost, with a file of SQLite that is asked live.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;

use super::*;
use crate::capture::{Capture, CaptureSettings};
use crate::clerk::{
    Candidate, JudgeQuestion, JudgedLine, Request, StatusAnswer, VerdictWord, WhyAnswer,
};
use crate::config::Settings;
use crate::control::Reach;
use crate::daemon::Daemon;

struct Running {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    settings: Arc<Settings>,
    gate: SocketAddr,
    captured: crate::capture::Kept,
    stop: watch::Sender<bool>,
}

fn database(folder: &Path) -> PathBuf {
    folder.join("crm.db")
}

impl Running {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = rusqlite::Connection::open(database(folder.path())).unwrap();
        let rows = "CREATE TABLE out (email TEXT, opted_out_at TEXT);
            INSERT INTO out VALUES ('bob@example.com', '2026-02-03 10:00:00'),
                ('carol@example.com', '2026-02-04')";
        db.execute_batch(rows).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (stop, stopped) = watch::channel(false);
        let sink = runtime.block_on(Capture::bind(CaptureSettings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            hostname: "sink.example".to_owned(),
            folder: None,
            on_message: Box::new(|_| ()),
        }));
        let (sink, captured) = sink.map(|sink| (sink.address().unwrap(), sink)).map_or_else(
            |error| panic!("{error}"),
            |(address, sink)| {
                let kept = sink.kept();
                runtime.spawn(sink.run(stopped.clone()));
                (address, kept)
            },
        );
        let text = format!(
            "[smarthost]\naddress = \"{sink}\"\n[server]\nhostname = \"mail.example.com\"\n\
             [[listener]]\naddress = \"127.0.0.1:0\"\nallow = [\"127.0.0.0/8\"]\n\
             [evidence]\npath = \"evidence.ndjson\"\n\
             [[stream]]\nname = \"receipts\"\nclass = \"transactional\"\n\
             sender = [\"billing@corp.example\"]\n\
             [[source]]\nname = \"crm\"\nsqlite = \"crm.db\"\nmode = \"live\"\ncache = \"never\"\n\
             query = \"SELECT opted_out_at FROM out WHERE email = @recipient\"\n"
        );
        let loaded =
            load_text(&folder.path().join("optgate.toml"), &text, &Surroundings::default());
        let settings = loaded.settings.unwrap_or_else(|| panic!("{}", loaded.report.render(false)));
        let settings = Arc::new(settings);
        let daemon = runtime.block_on(Daemon::start(Arc::clone(&settings))).unwrap();
        let gate = daemon.addresses()[0];
        runtime.spawn(daemon.serve(stopped));
        Self { runtime, folder, settings, gate, captured, stop }
    }

    fn ask<T: serde::de::DeserializeOwned>(&self, request: &Request) -> T {
        let mut reach = Reach::find(&self.settings, ledger::IfMissing::Refuse).unwrap();
        assert!(reach.is_gate());
        serde_json::from_value(reach.ask(request, &mut |_| ()).unwrap()).unwrap()
    }

    fn why(&self, address: &str) -> WhyAnswer {
        self.ask(&Request::Why { address: address.to_owned(), stream: None })
    }

    /// The replies to one pipelined group, and to the content if it is asked for.
    fn send(&self, sender: &str, to: &[&str]) -> Vec<String> {
        let mut stream = TcpStream::connect(self.gate).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut reply = || {
            let mut line = String::new();
            loop {
                line.clear();
                reader.read_line(&mut line).unwrap();
                if line.as_bytes().get(3) != Some(&b'-') {
                    return line.trim_end().to_owned();
                }
            }
        };
        reply();
        stream.write_all(b"EHLO pc.example\r\n").unwrap();
        reply();
        let recipients = to.iter().map(|to| format!("RCPT TO:<{to}>\r\n")).collect::<String>();
        let group = format!("MAIL FROM:<{sender}>\r\n{recipients}DATA\r\n");
        stream.write_all(group.as_bytes()).unwrap();
        reply();
        let mut replies: Vec<_> = to.iter().map(|_| reply()).collect();
        let data = reply();
        if data.starts_with("354") {
            stream.write_all(b"Subject: x\r\n\r\nx\r\n.\r\n").unwrap();
            replies.push(reply());
        } else {
            replies.push(data);
        }
        replies
    }

    fn evidence(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.path().join("evidence.ndjson")).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn stop(self) {
        self.stop.send(true).unwrap();
        self.runtime.shutdown_timeout(Duration::from_secs(60));
    }
}

#[test]
fn a_pipelined_envelope_is_answered_by_a_database() {
    let running = Running::start();
    let to = ["eve@example.com", "Bob+Offers@example.com", "carol@example.com"];
    let replies = running.send("news@corp.example", &to);
    assert!(replies[0].starts_with("250"), "{replies:?}");
    let bob = "550 5.7.1 <Bob+Offers@example.com> opted out on 2026-02-03 (list crm); ref ";
    assert!(replies[1].starts_with(bob), "{replies:?}");
    assert!(replies[2].starts_with("550 5.7.1 <carol@example.com> opted out on 2026-02-04"));
    assert!(replies[3].starts_with("250"), "{replies:?}");
    let messages = running.captured.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].recipients.len(), 1);

    // The records are those of a list that is kept in step, but for the row of the ledger.
    let evidence = running.evidence();
    let refused: Vec<_> = evidence.iter().filter(|one| one["verdict"] == "refuse").collect();
    assert_eq!(refused.len(), 2, "{evidence:?}");
    assert!(refused.iter().all(|one| one["list"] == "crm" && one["gate"] == "opt-out"));
    assert_eq!(refused[0]["since"], "2026-02-03");
    assert_eq!(refused[0]["reason"], "opted out on 2026-02-03 (list crm)");
    assert!(refused.iter().all(|one| one.get("entry").is_none_or(|entry| entry.is_null())));

    let status: StatusAnswer = running.ask(&Request::Status);
    let live = &status.live[0];
    assert_eq!((live.asked, live.found, live.failed, live.questions), (3, 2, 0, 1), "{live:?}");
    assert!(status.unknown.is_empty() && status.sources.is_empty(), "{status:?}");
    running.stop();
}

#[test]
fn a_database_that_is_away_defers_the_mail_that_it_could_stop() {
    let running = Running::start();
    let db = database(running.folder.path());
    std::fs::rename(&db, db.with_extension("away")).unwrap();
    let replies = running.send("news@corp.example", &["eve@example.com", "bob@example.com"]);
    for (reply, address) in replies.iter().zip(["eve@example.com", "bob@example.com"]) {
        let text = format!("451 4.3.0 <{address}> cannot be checked right now; try again later");
        assert!(reply.starts_with(&text), "{replies:?}");
    }
    let receipt = running.send("billing@corp.example", &["eve@example.com"]);
    assert!(receipt[1].starts_with("250"), "{receipt:?}");
    let why = running.why("eve@example.com");
    assert_eq!(why.verdict, VerdictWord::Defer);
    assert!(why.live[0].words.starts_with("no answer: "), "{:?}", why.live);
    let deferred = running.evidence();
    let deferred: Vec<_> = deferred.iter().filter(|one| one["verdict"] == "defer").collect();
    assert_eq!(deferred.len(), 2);
    assert!(deferred[0]["reason"].as_str().unwrap().starts_with("unknown: list crm: "));
    for _ in 0..3 {
        running.send("news@corp.example", &["eve@example.com"]);
    }
    let status: StatusAnswer = running.ask(&Request::Status);
    assert_eq!(status.live[0].breaker, "open", "{:?}", status.live);
    assert!(status.unknown["crm"].contains("not asked"), "{:?}", status.unknown);
    running.stop();
}

#[test]
fn why_and_judge_ask_the_database_too() {
    let running = Running::start();
    let why = running.why("bob+x@example.com");
    assert_eq!((why.verdict, why.entries.len()), (VerdictWord::Refuse, 0));
    assert!(why.reply.contains("opted out on 2026-02-03 (list crm)"), "{}", why.reply);
    let live = &why.live[0];
    assert_eq!((live.list.as_str(), live.found), ("crm", Some(1)));
    assert_eq!(live.words, "opt-out for commercial since 2026-02-03");
    assert!(live.took_ms.is_some());
    let verdicts: Vec<_> =
        why.streams.iter().map(|one| (one.stream.as_str(), one.verdict)).collect();
    assert_eq!(verdicts, [("receipts", VerdictWord::Permit), ("default", VerdictWord::Refuse)]);

    let candidates = (0..300).map(|n| format!("u{n}@example.com"));
    let candidates = candidates.chain(["carol@example.com".to_owned()]);
    let candidates = candidates.map(|address| Candidate { address, envelope: None }).collect();
    let stream = Some("default".to_owned());
    let question = JudgeQuestion { candidates, stream, listener: None };
    let before: StatusAnswer = running.ask(&Request::Status);
    let lines: Vec<Vec<JudgedLine>> = running.ask(&Request::Judge(question));
    let refused: Vec<_> =
        lines.iter().flatten().filter(|line| line.verdict == VerdictWord::Refuse).collect();
    assert_eq!((lines.len(), refused.len()), (301, 1));
    assert_eq!(refused[0].list.as_deref(), Some("crm"));
    assert_eq!((refused[0].address.as_str(), refused[0].entry), ("carol@example.com", None));
    let after: StatusAnswer = running.ask(&Request::Status);
    assert_eq!(after.live[0].questions - before.live[0].questions, 2, "asked in bulk");

    // Without a gate the command asks by itself.
    let settings = Arc::clone(&running.settings);
    let folder = running.folder.path().to_owned();
    let Running { runtime, folder: keep, stop, .. } = running;
    stop.send(true).unwrap();
    runtime.shutdown_timeout(Duration::from_secs(60));
    assert!(database(&folder).exists());
    let mut reach = Reach::find(&settings, ledger::IfMissing::Refuse).unwrap();
    assert!(!reach.is_gate());
    let request = Request::Why { address: "carol@example.com".to_owned(), stream: None };
    let why = reach.ask(&request, &mut |_| ()).unwrap();
    let why: WhyAnswer = serde_json::from_value(why).unwrap();
    assert_eq!((why.verdict, why.live[0].found), (VerdictWord::Refuse, Some(1)));
    drop(keep);
}
