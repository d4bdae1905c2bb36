//! miltertest, the mail server of OpenDKIM's makers: it shows a milter one transaction
//! and tells what the milter said. What it tells, Postfix and the gate must hear as well.

use std::fmt::Write as _;
use std::time::Duration;

use crate::door::Door;
use crate::peers::Peers;
use crate::process::run;
use crate::scratch::Scratch;

const NAME: &str = "miltertest";

/// What a milter said to a transaction: its last word, and what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The step of the last word, such as `rcpt`.
    pub step: String,
    /// The last word, a letter of the protocol: `c` continue, `a` accept, `r` reject, `t`
    /// tempfail, `d` discard, `y` a reply of its own.
    pub word: char,
    /// The fields of those asked for that it put into the header.
    pub fields: Vec<String>,
    /// It replaced the body.
    pub body: bool,
}

/// Shows a milter a session with one transaction, to its end or to a word that ends it, and
/// asks whether it put these fields into the header.
///
/// # Panics
/// When the milter does not keep to the protocol.
pub fn miltertest(
    scratch: &Scratch,
    door: &Door,
    from: &str,
    to: &[&str],
    content: &[u8],
    fields: &[&str],
) -> Said {
    let script = scratch.write("transaction.lua", script(door, from, to, content, fields));
    let mut command = Peers::get().command(NAME);
    let ran = run(command.arg("-s").arg(script), Duration::from_secs(60));
    assert_eq!(ran.code, 0, "miltertest: {}", ran.text());
    let mut said = Said { step: String::new(), word: 'c', fields: Vec::new(), body: false };
    for line in ran.out.lines() {
        match line.split_once(' ') {
            Some(("field", name)) => said.fields.push(name.to_owned()),
            Some(("changed", _)) => said.body = true,
            Some((step, word)) => {
                step.clone_into(&mut said.step);
                said.word = word.chars().next().expect("a word has a letter");
            }
            None => {}
        }
    }
    said
}

/// The functions that the script is made of. A step that the milter does not want is left
/// out; one whose answer it does not give has none.
const PROLOGUE: &str = r#"
mt.set_timeout(30)
local function step(name, unwanted, unanswered, go, ...)
  if unwanted and mt.test_option(conn, unwanted) then return end
  local wrong = go(conn, ...)
  if wrong ~= nil then error(name .. ": " .. wrong) end
  if unanswered and mt.test_option(conn, unanswered) then return end
  local word = string.char(mt.getreply(conn))
  print(name .. " " .. word)
  local going = word == "c" or word == "s"
  if name == "rcpt" and (word == "r" or word == "t" or word == "y") then
    left = left - 1
    going = left > 0
  end
  if not going then os.exit(0) end
end
"#;

fn script(door: &Door, from: &str, to: &[&str], content: &[u8], fields: &[&str]) -> String {
    let mut lua = PROLOGUE.to_owned();
    let mut line = |text: String| {
        lua.push_str(&text);
        lua.push('\n');
    };
    line(format!("left = {}", to.len()));
    line(format!("conn = mt.connect({})", quoted(door.for_milter().as_bytes())));
    line("if conn == nil then error('no connection') end".to_owned());
    line("local wrong = mt.negotiate(conn, nil, nil, nil)".to_owned());
    line("if wrong ~= nil then error('negotiation: ' .. wrong) end".to_owned());
    line(step("connect", "CONNECT", "CONN", "conninfo", &[b"localhost", b"127.0.0.1"]));
    line(step("helo", "HELO", "HELO", "helo", &[b"client.test"]));
    line("mt.macro(conn, SMFIC_MAIL, 'i', 'REFERENCE')".to_owned());
    line(step("mail", "MAIL", "MAIL", "mailfrom", &[format!("<{from}>").as_bytes()]));
    for recipient in to {
        line(step("rcpt", "RCPT", "RCPT", "rcptto", &[format!("<{recipient}>").as_bytes()]));
    }
    line(step("data", "DATA", "DATA", "data", &[]));
    let (header, body) = parted(content);
    for (name, value) in header {
        line(step("header", "HDRS", "HDR", "header", &[&name, &value]));
    }
    line(step("eoh", "EOH", "EOH", "eoh", &[]));
    for chunk in body.chunks(60_000) {
        line(step("body", "BODY", "BODY", "bodystring", &[chunk]));
    }
    // What was done is asked for before the last word can end the script.
    line("local wrong = mt.eom(conn)".to_owned());
    line("if wrong ~= nil then error('eom: ' .. wrong) end".to_owned());
    for field in fields {
        let name = quoted(field.as_bytes());
        line(format!(
            "if mt.eom_check(conn, MT_HDRADD, {name}) or mt.eom_check(conn, MT_HDRINSERT, {name}) \
             or mt.eom_check(conn, MT_HDRCHANGE, {name}) then print('field ' .. {name}) end"
        ));
    }
    line("if mt.eom_check(conn, MT_BODYCHANGE) then print('changed body') end".to_owned());
    line("print('eom ' .. string.char(mt.getreply(conn)))".to_owned());
    line("mt.disconnect(conn)".to_owned());
    lua
}

fn step(name: &str, unwanted: &str, unanswered: &str, function: &str, words: &[&[u8]]) -> String {
    let mut text =
        format!("step('{name}', SMFIP_NO{unwanted}, SMFIP_NR_{unanswered}, mt.{function}");
    for word in words {
        let _ = write!(text, ", {}", quoted(word));
    }
    text + ")"
}

/// Name and value.
type Field = (Vec<u8>, Vec<u8>);

/// The fields of a header, and the body.
fn parted(content: &[u8]) -> (Vec<Field>, &[u8]) {
    let mut fields: Vec<Field> = Vec::new();
    let mut rest = content;
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let (line, below) = rest.split_at(end);
        rest = below.split_at(2).1;
        match (line.first(), fields.last_mut()) {
            (None, _) => break,
            (Some(b' ' | b'\t'), Some((_, value))) => {
                // Milters are shown folded lines with LF between them.
                value.push(b'\n');
                value.extend_from_slice(line);
            }
            _ => {
                let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
                let (name, value) = line.split_at(colon);
                let value = value.strip_prefix(b":").unwrap_or(value);
                let value = value.strip_prefix(b" ").unwrap_or(value);
                fields.push((name.to_vec(), value.to_vec()));
            }
        }
    }
    (fields, rest)
}

/// A string of Lua.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes {
        let _ = write!(text, "\\{byte:03}");
    }
    text + "\""
}
