//! Commands: what was understood is written, and understood again as the same, by us and by
//! another server's parser (Stalwart's): that two programs read one address differently is the way
//! past an opt-out.

use address::Mailbox;
use smtp_proto::Request;
use smtp_wire::{Capabilities, Command, CommandError, Group, Offered, Verb, parse};

/// One line without its CRLF.
pub fn command(line: &[u8]) {
    let everything = Capabilities {
        size: Some(0),
        eight_bit_mime: true,
        smtputf8: true,
        dsn: true,
        ..Capabilities::default()
    };
    let nothing = Offered::default();
    match (parse(line, &everything), parse(line, &nothing)) {
        (Ok(read), plain) => {
            is_sound(&read, &everything);
            others_read_the_same(&read);
            // What is offered only adds to what is understood.
            match plain {
                Ok(plain) => assert_eq!(plain, read),
                Err(error) => assert!(matches!(error, CommandError::UnknownParameter(_))),
            }
        }
        (Err(error), plain) => {
            let text = error.to_string();
            assert!(text.len() < 200 && text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            assert!(plain.is_err());
        }
    }
}

fn is_sound(command: &Command, offered: &Offered) {
    let mut out = Vec::new();
    command.encode(&mut out);
    let written = out.strip_suffix(b"\r\n").unwrap_or_default();
    assert!(!written.iter().any(u8::is_ascii_control), "one clean line");
    assert_eq!(parse(written, offered).as_ref(), Ok(command));
    let row = Verb::named(command.name());
    assert_eq!(row.map(|row| row.group == Group::Last), Some(command.ends_group()));
    if let Command::Ehlo(name) | Command::Helo(name) = command {
        assert!(name.len() <= 255 && name.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!name.contains(['(', ')', ';', '<', '>', '"', '\\']));
    }
}

/// What another server reads in the path that we write. Without ORCPT, of which it knows only
/// `rfc822`, and without SIZE, which it keeps in 64 bits with a sign.
fn others_read_the_same(command: &Command) {
    let mut command = command.clone();
    let ours = match &mut command {
        Command::Mail { from, params } => {
            params.size = None;
            from.mailbox().map(unquoted)
        }
        Command::Rcpt { to, params } => {
            params.orcpt = None;
            to.mailbox().map(unquoted)
        }
        _ => return,
    };
    let mut out = Vec::new();
    command.encode(&mut out);
    let theirs = match Request::parse(&mut out.iter()) {
        Ok(Request::Mail { from }) => Some(from.address.into_owned()),
        Ok(Request::Rcpt { to }) => Some(to.address.into_owned()),
        // It refuses some senders, such as `<""@b.example>`; that is no other reading.
        _ if matches!(command, Command::Mail { .. }) => return,
        _ => None,
    };
    // It has an empty address for `<>` and for `<postmaster>`.
    assert_eq!(theirs, Some(ours.unwrap_or_default()), "{command}");
}

fn unquoted(mailbox: &Mailbox) -> String {
    format!("{}@{}", mailbox.local(), mailbox.domain())
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn corpus() {
        let words: &[&[u8]] = &[
            b" SIZE=1000",
            b" BODY=8BITMIME",
            b" SMTPUTF8",
            b" RET=HDRS",
            b" ENVID=a+2B",
            b" NOTIFY=SUCCESS,DELAY",
            b" ORCPT=rfc822;A+2Bb",
            b"MAIL FROM:",
            b"RCPT TO:",
            b"<>",
            b"<a@b.example>",
            b"\"",
            b"\\",
            b"\r\n",
            b"\t",
            b"\xc3\xbc",
            b"=",
            b" ",
        ];
        exercise("command", super::command, words);
    }
}
