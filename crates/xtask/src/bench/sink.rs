//! The smarthost at the end of every path: an SMTP server that takes everything,
//! keeps nothing, and counts. One thread and an event loop, so that thousands of idle
//! sessions and a single busy one cost it little.
//!
//! It is asked on its standard input: `take` prints the counts as a JSON line and
//! clears them, `delay N` makes it wait N milliseconds before it writes replies. It
//! ends with its input, so it cannot outlive the benchmark.

use std::cell::{Cell, RefCell};
use std::io::BufRead;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use memchr::{memchr, memmem};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::mail::OPT_OUT_MARK;

const GREETING: &[u8] = b"220 sink.example ESMTP\r\n";
const EHLO: &[u8] = b"250-sink.example\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n\
    250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n";
const END_OF_DATA: &[u8] = b"\r\n.\r\n";

/// What arrived since the last `take`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct SinkReport {
    pub(super) connections: u64,
    pub(super) messages: u64,
    pub(super) recipients: u64,
    /// Recipients that are on the opt-out list. Must be nought behind a gate.
    pub(super) suppressed: u64,
    /// Bytes of mail data, with the end of data.
    pub(super) bytes: u64,
    /// Times that replies were written inside a mail transaction. With a delay before
    /// each of them this is the number of round trips the proxy waited for.
    pub(super) round_trips: u64,
}

struct Counter {
    report: RefCell<SinkReport>,
    /// All sessions read into this one: a session has no buffer of its own.
    scratch: RefCell<Vec<u8>>,
    delay: Cell<Duration>,
}

/// Runs the verb until its input ends.
pub(super) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for the sink")?;
        println!("{}", listener.local_addr()?);
        let counter = Rc::new(Counter {
            report: RefCell::default(),
            scratch: RefCell::new(vec![0; 256 << 10]),
            delay: Cell::default(),
        });
        let accepting = Rc::clone(&counter);
        tokio::task::spawn_local(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    let counter = Rc::clone(&accepting);
                    tokio::task::spawn_local(async move {
                        // A peer that goes away is the subject's affair: the counts tell.
                        let _ = serve(stream, &counter).await;
                    });
                }
            }
        });
        let (lines, mut asked) = tokio::sync::mpsc::channel(1);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if lines.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        while let Some(line) = asked.recv().await {
            if let Some(delay) = line.strip_prefix("delay ") {
                counter.delay.set(Duration::from_millis(delay.trim().parse()?));
            }
            println!("{}", serde_json::to_string(&counter.report.take())?);
        }
        Ok(())
    })
}

async fn serve(mut stream: TcpStream, counter: &Counter) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(GREETING).await?;
    counter.report.borrow_mut().connections += 1;
    let mut session = Session::default();
    while !session.quit {
        stream.readable().await?;
        {
            let mut scratch = counter.scratch.borrow_mut();
            match stream.try_read(&mut scratch) {
                Ok(0) => return Ok(()),
                Ok(read) => session.take(
                    scratch.get(..read).unwrap_or_default(),
                    &mut counter.report.borrow_mut(),
                ),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
        }
        if !session.replies.is_empty() {
            if !counter.delay.get().is_zero() {
                tokio::time::sleep(counter.delay.get()).await;
            }
            stream.write_all(&session.replies).await?;
            session.replies.clear();
        }
    }
    Ok(())
}

#[derive(Default)]
struct Session {
    replies: Vec<u8>,
    /// A command line of which the end has not come yet.
    partial: Vec<u8>,
    mode: Mode,
    transaction: bool,
    quit: bool,
}

#[derive(Default)]
enum Mode {
    #[default]
    Commands,
    /// The last bytes of mail data seen, at most one less than an end of data.
    Data(Vec<u8>),
}

impl Session {
    /// Takes what one read gave; the replies wait in `replies`.
    fn take(&mut self, mut input: &[u8], report: &mut SinkReport) {
        let in_transaction = self.transaction;
        while !input.is_empty() {
            let used = match &mut self.mode {
                Mode::Commands => self.command_bytes(input, report),
                Mode::Data(tail) => {
                    let (used, ended) = data_bytes(tail, input);
                    report.bytes += used as u64;
                    if ended {
                        report.messages += 1;
                        self.replies.extend_from_slice(b"250 2.0.0 taken\r\n");
                        self.mode = Mode::Commands;
                        self.transaction = false;
                    }
                    used
                }
            };
            input = input.get(used..).unwrap_or_default();
        }
        if !self.replies.is_empty() && (in_transaction || self.transaction) {
            report.round_trips += 1;
        }
    }

    fn command_bytes(&mut self, input: &[u8], report: &mut SinkReport) -> usize {
        let Some(end) = memchr(b'\n', input) else {
            self.partial.extend_from_slice(input);
            return input.len();
        };
        let line = input.get(..=end).unwrap_or_default();
        if self.partial.is_empty() {
            self.command(line, report);
        } else {
            let mut whole = std::mem::take(&mut self.partial);
            whole.extend_from_slice(line);
            self.command(&whole, report);
        }
        end + 1
    }

    fn command(&mut self, line: &[u8], report: &mut SinkReport) {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let reply: &[u8] = match verb.as_slice() {
            b"RCPT" => {
                report.recipients += 1;
                if memmem::find(line, OPT_OUT_MARK.as_bytes()).is_some() {
                    report.suppressed += 1;
                }
                b"250 2.1.5 Ok\r\n"
            }
            b"MAIL" => {
                self.transaction = true;
                b"250 2.1.0 Ok\r\n"
            }
            b"DATA" => {
                // The line before mail data ends with CRLF as well.
                self.mode = Mode::Data(b"\r\n".to_vec());
                b"354 Go on\r\n"
            }
            b"EHLO" => EHLO,
            b"HELO" => b"250 sink.example\r\n",
            b"RSET" => {
                self.transaction = false;
                b"250 2.0.0 Ok\r\n"
            }
            b"NOOP" => b"250 2.0.0 Ok\r\n",
            b"QUIT" => {
                self.quit = true;
                b"221 2.0.0 Bye\r\n"
            }
            _ => b"500 5.5.1 What?\r\n",
        };
        self.replies.extend_from_slice(reply);
    }
}

/// Looks for the end of data, which may lie across reads. Gives how many bytes
/// belong to the data, and whether that was all of it.
fn data_bytes(tail: &mut Vec<u8>, input: &[u8]) -> (usize, bool) {
    let keep = END_OF_DATA.len() - 1;
    let seen = tail.len();
    tail.extend_from_slice(input.get(..keep.min(input.len())).unwrap_or_default());
    if let Some(at) = memmem::find(tail, END_OF_DATA) {
        return (at + END_OF_DATA.len() - seen, true);
    }
    if let Some(at) = memmem::find(input, END_OF_DATA) {
        return (at + END_OF_DATA.len(), true);
    }
    if input.len() >= keep {
        tail.clear();
        tail.extend_from_slice(input.get(input.len() - keep..).unwrap_or_default());
    } else {
        tail.drain(..tail.len().saturating_sub(keep));
    }
    (input.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &[u8] =
        b"EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<optout0000001@list1.example>\r\n\
        RCPT TO:<person1@shop1.example>\r\nDATA\r\n..x\r\n.y\r\n\r\n.\r\nMAIL FROM:<>\r\n\
        RCPT TO:<p@shop1.example>\r\nDATA\r\n.\r\nQUIT\r\n";

    #[test]
    fn any_split_of_the_bytes_counts_the_same() {
        for first in 0..SESSION.len() {
            for size in 1..9 {
                let (mut session, mut report) = (Session::default(), SinkReport::default());
                let (head, rest) = SESSION.split_at(first);
                session.take(head, &mut report);
                rest.chunks(size).for_each(|part| session.take(part, &mut report));
                let got = (report.messages, report.recipients, report.suppressed, report.bytes);
                assert_eq!(got, (2, 3, 1, 17), "split at {first}, then every {size}");
                assert!(session.quit && session.replies.ends_with(b"221 2.0.0 Bye\r\n"));
            }
        }
    }

    #[test]
    fn a_pipelined_transaction_is_two_round_trips() {
        let (mut session, mut report) = (Session::default(), SinkReport::default());
        for part in ["MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n", "x\r\n.\r\n"] {
            session.take(part.as_bytes(), &mut report);
            session.replies.clear();
        }
        assert_eq!(report.round_trips, 2);
    }
}
