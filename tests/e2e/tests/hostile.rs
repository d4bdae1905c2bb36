//! Whatever a client or a smarthost sends: an SMTP reply or a closed connection,
//! bounded memory, and every other session untouched.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use e2e::{Aiosmtpd, Dialogue, Gate, Impostor, Letter, Scratch, Setup};

use crate::SENDER;

/// What the gate may grow by under any input, in kilobytes.
const GROWTH_MAX: u64 = 40_000;

/// Resident memory of a process in kilobytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// The gate does what it is for, whatever was done to it before.
fn is_well(gate: &mut Gate) {
    assert!(gate.is_running(), "{}", gate.log());
    assert_eq!(gate.verdict("bob@example.com").code, 550);
    assert_eq!(gate.verdict("alice@example.com").code, 250);
    assert!(!gate.log().contains("panicked"), "{}", gate.log());
}

/// Sends chunks until `total` bytes are out or the other side has had enough.
fn flood(stream: &mut TcpStream, chunk: &[u8], total: usize) -> usize {
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut sent = 0;
    while sent < total {
        match stream.write(chunk) {
            Ok(0) | Err(_) => break,
            Ok(n) => sent += n,
        }
    }
    sent
}

#[test]
fn endless_lines_are_cut_off_and_cost_no_memory_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    is_well(&mut gate);
    let before = resident(gate.process_id());

    const GIGABYTE: usize = 1 << 30;
    let chunk = vec![b'x'; 1 << 16];
    let (mut endless, _) = Dialogue::open(gate.address).unwrap();
    let sent = flood(endless.stream(), &chunk, GIGABYTE);
    // A command line without an end: refused, or cut off.
    match endless.read() {
        Ok(reply) => assert_eq!(reply.code, 500, "{reply:?}"),
        Err(_) => assert!(sent < GIGABYTE, "neither refused nor cut off"),
    }

    // A line of mail data may be long; the message may not be bigger than allowed.
    let mut dialogue = gate.dialogue();
    dialogue.ask(&format!("MAIL FROM:<{SENDER}>")).unwrap();
    assert_eq!(dialogue.ask("RCPT TO:<alice@example.com>").unwrap().code, 250);
    assert_eq!(dialogue.ask("DATA").unwrap().code, 354);
    dialogue.send(b"Subject: one line\r\n\r\n").unwrap();
    for _ in 0..3000 {
        dialogue.send(&chunk).unwrap();
    }
    dialogue.send(b"\r\n.\r\n").unwrap();
    let reply = dialogue.read().unwrap();
    assert_eq!(reply.code, 552, "{reply:?}");
    assert_eq!(dialogue.ask("NOOP").unwrap().code, 250, "the session goes on");

    let grown = resident(gate.process_id()).saturating_sub(before);
    assert!(grown < GROWTH_MAX, "grown by {grown} kB");
    is_well(&mut gate);
}

#[test]
fn garbage_gets_a_reply_or_a_closed_connection_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let mut bystander = gate.dialogue();
    let mut state = 20_26u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    for round in 0..40 {
        let mut stream = TcpStream::connect(gate.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let noise: Vec<u8> = (0..2000).map(|_| byte()).collect();
        let opening: &[u8] = match round % 4 {
            0 => b"",
            1 => b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n",
            2 => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            _ => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        };
        let _ = stream.write_all(opening);
        let _ = stream.write_all(&noise);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        for line in answer.split_inclusive(|b| *b == b'\n') {
            let well_formed = line.len() >= 5 && line[..3].iter().all(u8::is_ascii_digit);
            let cut = !line.ends_with(b"\r\n");
            assert!(well_formed || cut, "not a reply line: {:?}", String::from_utf8_lossy(line));
        }
        assert_eq!(bystander.ask("NOOP").unwrap().code, 250, "round {round}");
    }
    assert!(server.taken().is_empty());
    is_well(&mut gate);
}

#[test]
fn one_byte_at_a_time_is_the_same_message_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let letter = Letter::leading_dots();
    let stream = TcpStream::connect(gate.address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut session =
        format!("HELO x\r\nMAIL FROM:<{SENDER}>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n")
            .into_bytes();
    let content = String::from_utf8(letter.content.clone()).unwrap().replace("\r\n.", "\r\n..");
    let commands = session.iter().filter(|b| **b == b'\n').count();
    session.extend_from_slice(content.as_bytes());
    session.extend_from_slice(b".\r\n");
    let mut replies = 0;
    for byte in session {
        reader.get_mut().write_all(&[byte]).unwrap();
        if byte == b'\n' && replies < commands {
            line.clear();
            reader.read_line(&mut line).unwrap();
            replies += 1;
        }
    }
    line.clear();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("250 "), "{line}");
    let taken = server.taken().remove(0).content;
    assert!(taken.ends_with(&letter.content));
}

#[test]
fn half_a_command_and_then_silence_ends_the_session_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let setup = Setup {
        tables: "[limits]\ncommand_timeout = \"12s\"\n".to_owned(),
        ..Setup::new(server.address)
    };
    let mut gate = Gate::start(&scratch.path().join("gate"), &setup);
    let mut silent = gate.dialogue();
    silent.send(b"MAIL FR").unwrap();
    // The time-out by default is longer than this test waits for a reply.
    let reply = silent.read().unwrap();
    assert_eq!(reply.code, 421, "{reply:?}");
    assert!(silent.read().is_err(), "the connection is closed");
    is_well(&mut gate);
}

#[test]
fn a_thousand_idle_sessions_do_not_keep_others_out_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    is_well(&mut gate);
    let before = resident(gate.process_id());
    let idle: Vec<Dialogue> = (0..900).map(|_| gate.dialogue()).collect();
    let each = resident(gate.process_id()).saturating_sub(before) / 900;
    assert!(each < 20, "{each} kB for an idle session");
    is_well(&mut gate);
    drop(idle);
}

#[test]
fn nul_and_bare_line_ends_in_a_message_are_refused_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let smuggled = "MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nx";
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n\0.\r\n", "\r\n.\0\r\n"] {
        let content = format!("Subject: x\r\n\r\nbefore{end}{smuggled}\r\n");
        let reply =
            gate.dialogue().mail(SENDER, &["alice@example.com"], content.as_bytes()).unwrap();
        assert_eq!(reply.code, 550, "{end:?}: {reply:?}");
    }
    assert!(server.taken().is_empty(), "nothing of it arrived");
    is_well(&mut gate);
}

/// A smarthost says hello and goes on as `rest` does.
fn greeted(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"220 impostor.test ESMTP\r\n")?;
    next_line(stream)?;
    stream.write_all(b"250-impostor.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
}

fn next_line(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        line.extend_from_slice(&byte);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// What a client hears when the smarthost behaves like this: never a yes.
fn never_a_yes(script: fn(&mut TcpStream) -> std::io::Result<()>) {
    let scratch = Scratch::new();
    let impostor = Impostor::start(script);
    let setup = Setup {
        smarthost_lines:
            "connect_timeout = \"3s\"\ncommand_timeout = \"3s\"\ndata_timeout = \"3s\"\n\
             reply_timeout = \"3s\"\n"
                .to_owned(),
        ..Setup::new(impostor.address)
    };
    let mut gate = Gate::start(&scratch.path().join("gate"), &setup);
    for _ in 0..2 {
        let letter = Letter::plain("impostor");
        let mut dialogue = gate.dialogue();
        let reply = dialogue.mail(SENDER, &["alice@example.com"], &letter.content).unwrap();
        assert_eq!(reply.code, 451, "{reply:?}");
        // Its own session goes on, and so does everybody's.
        assert_eq!(dialogue.ask("NOOP").unwrap().code, 250);
    }
    assert!(gate.is_running());
    assert_eq!(gate.verdict("bob@example.com").code, 550);
    assert!(!gate.log().contains("panicked"), "{}", gate.log());
}

#[test]
fn a_smarthost_that_says_nothing() {
    never_a_yes(|stream| next_line(stream).map(|_| ()));
}

#[test]
fn a_smarthost_that_greets_with_garbage() {
    never_a_yes(|stream| stream.write_all(b"\x00\xff\xfehello\n\r\n\r\n"));
}

#[test]
fn a_smarthost_that_never_ends_its_reply() {
    never_a_yes(|stream| {
        stream.write_all(b"220 impostor.test ESMTP\r\n")?;
        next_line(stream)?;
        loop {
            stream.write_all(b"250-and another line, and another line, and another line\r\n")?;
        }
    });
}

#[test]
fn a_smarthost_that_stops_in_the_middle_of_a_reply() {
    never_a_yes(|stream| {
        greeted(stream)?;
        next_line(stream)?;
        stream.write_all(b"250-2.1.0 half of")?;
        // Until the gate has had enough.
        let _ = next_line(stream);
        let _ = next_line(stream);
        Ok(())
    });
}

#[test]
fn a_smarthost_that_changes_its_code_within_a_reply() {
    never_a_yes(|stream| {
        greeted(stream)?;
        next_line(stream)?;
        stream.write_all(b"250-2.1.0 yes\r\n550 5.1.0 no\r\n")?;
        let _ = next_line(stream);
        Ok(())
    });
}

#[test]
fn a_smarthost_that_answers_before_it_is_asked() {
    never_a_yes(|stream| {
        greeted(stream)?;
        // Enough for a whole message that was never sent.
        stream.write_all(b"250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n250 taken\r\n")?;
        loop {
            next_line(stream)?;
        }
    });
}

#[test]
fn a_smarthost_that_says_250_where_354_is_due() {
    never_a_yes(|stream| {
        greeted(stream)?;
        loop {
            next_line(stream)?;
            stream.write_all(b"250 whatever you say\r\n")?;
        }
    });
}

#[test]
fn a_smarthost_that_acknowledges_before_the_dot() {
    never_a_yes(|stream| {
        greeted(stream)?;
        loop {
            let line = next_line(stream)?;
            if line.starts_with("DATA") {
                stream.write_all(b"354 go\r\n250 taken, although nothing was sent\r\n")?;
            } else {
                stream.write_all(b"250 ok\r\n")?;
            }
        }
    });
}

#[test]
fn a_smarthost_that_hangs_up_after_the_dot() {
    never_a_yes(|stream| {
        greeted(stream)?;
        loop {
            let line = next_line(stream)?;
            match line.as_str() {
                ".\r\n" => return Ok(()),
                line if line.starts_with("DATA") => stream.write_all(b"354 go\r\n")?,
                line if line.contains(':') && !line.contains("TO:") && !line.contains("FROM:") => {}
                line if line.starts_with("MAIL") || line.starts_with("RCPT") => {
                    stream.write_all(b"250 ok\r\n")?;
                }
                line if line.starts_with("QUIT") || line.starts_with("RSET") => {
                    stream.write_all(b"250 ok\r\n")?;
                }
                _ => {}
            }
        }
    });
}

/// msmtp sends MAIL, RCPT, RCPT, DATA in one go and hangs up at the first refusal.
#[test]
fn a_client_that_leaves_while_354_is_on_its_way() {
    let scratch = Scratch::new();
    let impostor = Impostor::start(|stream| {
        greeted(stream)?;
        loop {
            let line = next_line(stream)?;
            if line.starts_with("DATA") {
                std::thread::sleep(Duration::from_millis(500));
                stream.write_all(b"354 go\r\n")?;
            } else {
                stream.write_all(b"250 ok\r\n")?;
            }
        }
    });
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(impostor.address));
    let mut dialogue = gate.dialogue();
    let burst = format!(
        "MAIL FROM:<{SENDER}>\r\nRCPT TO:<alice@example.com>\r\n\
         RCPT TO:<bob@example.com>\r\nDATA\r\n"
    );
    dialogue.send(burst.as_bytes()).unwrap();
    for code in [250, 250, 550] {
        assert_eq!(dialogue.read().unwrap().code, code);
    }
    drop(dialogue);
    let ended = e2e::wait_until(Duration::from_secs(60), || {
        let status = gate.ask(&["status", "-o", "json"]).out;
        status.contains("\"sessions_open\": 0").then_some(())
    });
    assert!(ended.is_some(), "the session and its smarthost connection are still there");
}

/// A slow writer is no fault: every reply arrives byte by byte.
#[test]
fn a_smarthost_that_splits_its_replies_is_understood() {
    let scratch = Scratch::new();
    let impostor = Impostor::start(|stream| {
        let slowly = |stream: &mut TcpStream, text: &str| {
            text.bytes().try_for_each(|byte| {
                std::thread::sleep(Duration::from_millis(1));
                stream.write_all(&[byte])
            })
        };
        stream.set_nodelay(true)?;
        slowly(stream, "220-impostor.test ESMTP\r\n220 be patient\r\n")?;
        let mut data = false;
        loop {
            let line = next_line(stream)?;
            let reply = match line.as_str() {
                ".\r\n" => {
                    data = false;
                    "250-2.0.0 taken\r\n250 2.0.0 in two lines\r\n"
                }
                _ if data => continue,
                line if line.starts_with("EHLO") => "250-impostor.test\r\n250 PIPELINING\r\n",
                line if line.starts_with("DATA") => {
                    data = true;
                    "354 go\r\n"
                }
                _ => "250 ok\r\n",
            };
            slowly(stream, reply)?;
        }
    });
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(impostor.address));
    let letter = Letter::plain("slow");
    let reply = gate.dialogue().mail(SENDER, &["alice@example.com"], &letter.content).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}");
    assert!(reply.text.contains("in two lines"), "{reply:?}");
}
