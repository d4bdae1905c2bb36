//! Sessions with real filters, recorded: what we say must be the same octets, and what was
//! answered must mean the same, however it is cut.
//!
//! `recorded/filter.py` says what it needs. To record anew, start it with a port and run
//! `OPTGATE_RECORD_MILTER=127.0.0.1:PORT cargo test -p milter recorded`: the same test then
//! speaks with the filter, and writes what it hears. `recorded/miltertest.txt` is the traffic of
//! `miltertest -D port=PORT -s recorded/miltertest.lua` (2.11) with the same filter, told by a
//! process that passed it on.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Actions, Awaits, Change, Connection, Event, Macros, Verdict, Wanted};

/// A filter as it was, or as it is.
enum Filter {
    Recorded { lines: Vec<String>, piece: usize },
    Live(TcpStream),
}

struct Session {
    connection: Connection,
    filter: Filter,
    /// `> ` what we said, `< ` what was answered, `= ` what it meant.
    told: String,
}

impl Session {
    fn flush(&mut self) {
        let output = std::mem::take(self.connection.output());
        if let Filter::Live(stream) = &mut self.filter {
            stream.write_all(&output).unwrap();
        }
        writeln!(self.told, "> {}", output.escape_ascii()).unwrap();
    }

    /// Says what a command wrote, and has the events up to its verdict.
    fn ask(&mut self, awaits: Awaits) -> Vec<Event> {
        if awaits == Awaits::Nothing {
            return Vec::new();
        }
        self.flush();
        let mut events = Vec::new();
        let mut answer = Vec::new();
        while !events.last().is_some_and(|event| {
            matches!(event, Event::Verdict(_) | Event::Negotiated(_) | Event::Failed(_))
        }) {
            let bytes = self.hear();
            assert!(!bytes.is_empty(), "the filter has gone after:\n{}", self.told);
            answer.extend_from_slice(&bytes);
            self.connection.handle_bytes(&bytes);
            events.extend(std::iter::from_fn(|| self.connection.poll_event()));
        }
        writeln!(self.told, "< {}", answer.escape_ascii()).unwrap();
        for event in &events {
            writeln!(self.told, "= {}", shown(event)).unwrap();
        }
        events
    }

    fn hear(&mut self) -> Vec<u8> {
        match &mut self.filter {
            Filter::Live(stream) => {
                let mut bytes = vec![0; 65536];
                stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                let octets = stream.read(&mut bytes).unwrap_or_default();
                bytes.truncate(octets);
                bytes
            }
            Filter::Recorded { lines, piece } => {
                let at = lines.iter().position(|line| line.starts_with("< ")).unwrap();
                let bytes = unescaped(&lines[at][2..]);
                let (now, later) = bytes.split_at((*piece).min(bytes.len()));
                if later.is_empty() {
                    lines.drain(..=at);
                } else {
                    lines[at] = format!("< {}", later.escape_ascii());
                }
                now.to_vec()
            }
        }
    }
}

/// As `Debug`, with texts that can be read.
fn shown(event: &Event) -> String {
    let text = |octets: &[u8]| octets.escape_ascii().to_string();
    match event {
        Event::Change(Change::AddHeader { name, value }) => {
            format!("add {}:{}", text(name), text(value))
        }
        Event::Change(Change::InsertHeader { index, name, value }) => {
            format!("insert below {index}: {}:{}", text(name), text(value))
        }
        Event::Change(Change::SetHeader { index, name, value: Some(value) }) => {
            format!("set number {index}: {}:{}", text(name), text(value))
        }
        Event::Change(Change::SetHeader { index, name, value: None }) => {
            format!("delete number {index}: {}", text(name))
        }
        Event::Change(Change::Body(piece)) => format!("body {}", text(piece)),
        other => format!("{other:?}"),
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        if octet != b'\\' {
            out.push(octet);
            continue;
        }
        out.push(match octets.next().unwrap() {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let digits = [octets.next().unwrap(), octets.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    out
}

/// Plays `play` against the recording of that name, in pieces of several sizes, or against the
/// filter at the address in the environment, for a new recording.
fn recorded(name: &str, play: fn(&mut Session)) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/tests/recorded")
        .join(format!("{name}.txt"));
    let wanted = Wanted { actions: Actions::content(), changes_max: 100_000 };
    let session =
        |filter| Session { connection: Connection::new(wanted), filter, told: String::new() };
    if let Ok(address) = std::env::var("OPTGATE_RECORD_MILTER") {
        let mut session = session(Filter::Live(TcpStream::connect(address).unwrap()));
        play(&mut session);
        std::fs::write(&file, session.told).unwrap();
    }
    let recording = std::fs::read_to_string(&file).unwrap();
    for piece in [1, 2, 7, 100, usize::MAX] {
        let lines = recording.lines().map(str::to_owned).collect();
        let mut session = session(Filter::Recorded { lines, piece });
        play(&mut session);
        assert_eq!(session.told, recording, "in pieces of {piece}");
    }
}

fn introduced(session: &mut Session) -> Macros {
    let awaits = session.connection.negotiate().unwrap();
    session.ask(awaits);
    let mut macros = Macros::new();
    macros.set("j", "gate.example");
    macros.set("{daemon_name}", "optgate");
    macros.set("v", "optgate 1");
    macros.set("{client_addr}", "192.0.2.1");
    let client = "192.0.2.1:12345".parse().ok();
    let awaits = session.connection.connect("client.example", client, &macros).unwrap();
    session.ask(awaits);
    let awaits = session.connection.helo("client.example", &macros).unwrap();
    session.ask(awaits);
    macros
}

fn envelope(session: &mut Session, macros: &mut Macros, sender: &str) -> Vec<Event> {
    macros.set("i", "REF1");
    macros.set("{mail_addr}", sender.trim_matches(['<', '>']));
    let awaits = session.connection.mail(sender, &["SIZE=100", "BODY=8BITMIME"], macros).unwrap();
    session.ask(awaits)
}

fn recipient(session: &mut Session, macros: &mut Macros, path: &str) -> Vec<Event> {
    macros.set("{rcpt_addr}", path.trim_matches(['<', '>']));
    let awaits = session.connection.rcpt(path, &[], macros).unwrap();
    session.ask(awaits)
}

fn content(session: &mut Session, macros: &Macros, fields: &[(&str, &str)], body: &[&[u8]]) {
    let awaits = session.connection.data(macros).unwrap();
    session.ask(awaits);
    for (name, value) in fields {
        let awaits = session.connection.header(name.as_bytes(), value.as_bytes()).unwrap();
        session.ask(awaits);
    }
    let awaits = session.connection.end_of_header(macros).unwrap();
    session.ask(awaits);
    for piece in body {
        let awaits = session.connection.body(piece).unwrap();
        session.ask(awaits);
    }
    let awaits = session.connection.end_of_body(macros).unwrap();
    session.ask(awaits);
}

#[test]
fn recorded_two_messages_with_changes() {
    recorded("two-messages", |session| {
        let mut macros = introduced(session);
        assert_eq!(
            envelope(session, &mut macros, "<a@corp.example>"),
            [Event::Verdict(Verdict::Continue)]
        );
        for path in ["<x@example.net>", "<no@example.net>", "<never@example.net>"] {
            recipient(session, &mut macros, path);
        }
        let fields = [
            ("From", " a@corp.example"),
            ("Subject", "  two\r\n\tlines "),
            ("X-Gone", ""),
            ("x-gone", "\tsecond"),
        ];
        content(session, &macros, &fields, &[b"first\r\n", b"enough\r\n", b"never shown\r\n"]);
        session.connection.abort().unwrap();
        envelope(session, &mut macros, "<later@corp.example>");
        session.connection.abort().unwrap();
        // Skipped in the first message, shown in the next.
        envelope(session, &mut macros, "<b@corp.example>");
        recipient(session, &mut macros, "<x@example.net>");
        content(session, &macros, &[("From", " b@corp.example")], &[b"first\r\n", b"more\r\n"]);
        session.connection.quit();
        session.flush();
    });
}

/// The packets of a recording's lines that begin so, up to the first verdict on a whole message;
/// without what two servers may say in different ways: the offer, macros.
fn packets(recording: &str, who: &str) -> Vec<Vec<u8>> {
    let message = recording.split_inclusive('\n').take_while(|line| !line.contains("\\x01A"));
    let said: Vec<u8> =
        message.flat_map(|line| line.strip_prefix(who)).fold(Vec::new(), |mut said, line| {
            said.extend(unescaped(line.trim_end_matches('\n')));
            said
        });
    let mut rest = said.as_slice();
    let mut packets = Vec::new();
    while let Some((length, data)) = rest.split_first_chunk() {
        let (packet, next) = data.split_at(u32::from_be_bytes(*length) as usize);
        packets.extend((!matches!(packet[0], b'O' | b'D' | b'Q')).then(|| packet.to_vec()));
        rest = next;
    }
    packets
}

#[test]
fn miltertest_says_the_same_to_the_same_filter_and_hears_the_same() {
    let ours = include_str!("tests/recorded/two-messages.txt");
    let other = include_str!("tests/recorded/miltertest.txt");
    let said = packets(ours, "> ");
    assert_eq!(said.last().unwrap(), b"E");
    assert_eq!(said, packets(other, "> "));
    assert_eq!(packets(ours, "< "), packets(other, "< "));
}

/// OpenDKIM 2.11 as a signer (`Mode s`, `Canonicalization simple/simple`): it wants values with their leading
/// space, several steps not at all, and puts its field below the server's own Received.
#[test]
fn recorded_opendkim_signs() {
    recorded("opendkim", |session| {
        let mut macros = introduced(session);
        envelope(session, &mut macros, "<a@corp.example>");
        recipient(session, &mut macros, "<x@example.net>");
        let fields = [("From", " a@corp.example"), ("Subject", "  two\r\n\tlines ")];
        content(session, &macros, &fields, &[b"first\r\n", b"second\r\n"]);
        session.connection.quit();
        session.flush();
        assert!(session.told.contains("insert below 0: DKIM-Signature: v=1;"), "{}", session.told);
    });
}
