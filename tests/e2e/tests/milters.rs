//! Milters: real ones, and what each does to a message through Postfix must it do through
//! the gate.

mod clamav;
mod failing;
mod held;
mod opendkim;
mod parity;
mod rspamd;
mod scripted;
mod streaming;

use e2e::{Dialogue, Door, Gate, Letter, Postfix, Reply, Scratch, Setup, Smarthost, Stored};
use serde_json::Value;

use crate::SENDER;

/// The only recipient of most messages here.
const RECIPIENT: &str = "alice@example.com";

/// A gate with these milters in front of a smarthost.
fn gate_with(scratch: &Scratch, smarthost: std::net::SocketAddr, tables: &str) -> Gate {
    let setup = Setup { tables: tables.to_owned(), ..Setup::new(smarthost) };
    Gate::start(&scratch.path().join("gate"), &setup)
}

/// A gate with one milter.
fn gate_with_one(scratch: &Scratch, server: &Postfix, door: &Door, lines: &str) -> Gate {
    gate_with(scratch, server.address(), &door.table("it", lines))
}

/// Sends a letter on a session of its own. Gives the last reply, be it the greeting.
fn send(server: std::net::SocketAddr, to: &[&str], letter: &Letter) -> Reply {
    send_from(server, SENDER, to, letter)
}

fn send_from(server: std::net::SocketAddr, from: &str, to: &[&str], letter: &Letter) -> Reply {
    let (mut dialogue, greeting) = Dialogue::open(server).expect("somebody answers");
    if greeting.code != 220 {
        return greeting;
    }
    let hello = dialogue.ask("EHLO client.test").expect("an answer");
    if hello.code != 250 {
        return hello;
    }
    dialogue.mail(from, to, &letter.content).expect("an answer")
}

/// A plain letter with this body and a Message-ID of its own.
fn letter(id: &str, body: &str) -> Letter {
    let mut letter = Letter::plain(id);
    letter.content.extend_from_slice(body.as_bytes());
    letter.content.extend_from_slice(b"\r\n");
    letter
}

/// The one message that a server has stored.
fn only(server: &dyn Smarthost) -> Stored {
    let mut stored = server.stored();
    assert_eq!(stored.len(), 1, "{}", server.log());
    stored.remove(0)
}

/// The header fields of a message, each with its folded lines and CRLF, and its body with the
/// empty line above it.
fn parted(content: &[u8]) -> (Vec<String>, Vec<u8>) {
    let mut fields: Vec<String> = Vec::new();
    let mut at = 0;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        if line == b"\r\n" {
            break;
        }
        at += line.len();
        let text = String::from_utf8_lossy(line);
        match fields.last_mut() {
            Some(field) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                field.push_str(&text);
            }
            _ => fields.push(text.into_owned()),
        }
    }
    (fields, content[at..].to_vec())
}

/// The first field of this name, unfolded, without its name.
fn field(content: &[u8], name: &str) -> Option<String> {
    let (fields, _) = parted(content);
    let value = fields.iter().find_map(|field| {
        let (is, value) = field.split_once(':')?;
        is.eq_ignore_ascii_case(name).then_some(value)
    })?;
    Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The findings of the evidence, once there are as many. They are written behind the reply.
fn findings(gate: &Gate, count: usize) -> Vec<Value> {
    gate.records("finding", count)
}
