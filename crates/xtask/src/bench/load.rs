//! The load generator: a process of its own with one blocking thread for every
//! session. A thread that waits in `read` costs the least and adds the least to the
//! times it takes; what it costs falls on all subjects alike.
//!
//! It pipelines like Postfix (RFC 2920): MAIL, all RCPT and DATA in one write, then the
//! message once 354 is in. Every reply is compared with what must come, so a proxy
//! cannot win by refusing or by letting a suppressed recipient through.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::mail;
use super::workload::Workload;

/// No reply takes longer than this in a run that counts.
const PATIENCE: Duration = Duration::from_secs(60);

/// The words of the hidden verb.
#[derive(clap::Args, Debug)]
pub(super) struct LoadOptions {
    #[arg(long)]
    target: SocketAddr,
    #[arg(long)]
    workload: String,
    #[arg(long)]
    per_connection: u32,
    #[arg(long)]
    messages: u32,
    #[arg(long)]
    sessions: u32,
    /// The number of the first recipient, so that no two runs mail the same people.
    #[arg(long)]
    first: u64,
    /// The target knows this many opt-outs. Without: suppressed recipients are left out.
    #[arg(long)]
    opt_outs: Option<u64>,
}

/// What one run of the load generator saw.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LoadReport {
    pub(super) messages: u64,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    /// Bytes of mail data as written, with the end of data.
    pub(super) bytes: u64,
    pub(super) seconds: f64,
    /// From the first byte of MAIL to the reply to the final dot: median, 95th percentile.
    pub(super) message_us: [f64; 2],
    /// From connect to the reply to QUIT.
    pub(super) connection_us: [f64; 2],
}

/// Runs the verb: sends everything, prints the report as a JSON line.
pub(super) fn run(options: &LoadOptions) -> Result<()> {
    let workload = Workload::named(&options.workload).context("no such workload")?;
    let connections = options.messages / options.per_connection.max(1);
    let plan = Plan { options, workload, content: mail::message(workload.size) };
    let next = AtomicU32::new(0);
    let began = Instant::now();
    let outcomes = std::thread::scope(|scope| {
        let sessions: Vec<_> = (0..options.sessions)
            .map(|_| scope.spawn(|| plan.session(&next, connections)))
            .collect();
        sessions.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let seconds = began.elapsed().as_secs_f64();
    let mut total = Tally::default();
    for outcome in outcomes {
        match outcome {
            Ok(tally) => total.add(tally?),
            Err(_) => bail!("a session of the load generator panicked"),
        }
    }
    let report = LoadReport {
        messages: total.messages.len() as u64,
        accepted: total.accepted,
        refused: total.refused,
        bytes: total.messages.len() as u64 * plan.content.len() as u64,
        seconds,
        message_us: percentiles(&mut total.messages),
        connection_us: percentiles(&mut total.connections),
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

struct Plan<'a> {
    options: &'a LoadOptions,
    workload: Workload,
    content: Vec<u8>,
}

#[derive(Default)]
struct Tally {
    messages: Vec<Duration>,
    connections: Vec<Duration>,
    accepted: u64,
    refused: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.messages.extend(other.messages);
        self.connections.extend(other.connections);
        self.accepted += other.accepted;
        self.refused += other.refused;
    }
}

impl Plan<'_> {
    /// Takes connections until none is left.
    fn session(&self, next: &AtomicU32, connections: u32) -> Result<Tally> {
        let mut tally = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= connections {
                return Ok(tally);
            }
            let began = Instant::now();
            self.connection(number, &mut tally).with_context(|| format!("connection {number}"))?;
            tally.connections.push(began.elapsed());
        }
    }

    fn connection(&self, number: u32, tally: &mut Tally) -> Result<()> {
        let mut wire = Dialogue::open(self.options.target)?;
        wire.greet()?;
        for message in 0..self.options.per_connection {
            let ordinal = u64::from(number * self.options.per_connection + message);
            let first = self.options.first + ordinal * u64::from(self.workload.recipients);
            let began = Instant::now();
            self.message(&mut wire, first, tally).with_context(|| format!("message {message}"))?;
            tally.messages.push(began.elapsed());
        }
        wire.say("QUIT")?;
        wire.expect(221)
    }

    fn message(&self, wire: &mut Dialogue, first: u64, tally: &mut Tally) -> Result<()> {
        let mut group = String::with_capacity(64 * self.workload.recipients as usize);
        group.push_str("MAIL FROM:<news@shop.example>\r\n");
        let mut expected = vec![250];
        for index in 0..self.workload.recipients {
            let number = first + u64::from(index);
            let suppressed = self.workload.is_suppressed(index);
            match self.options.opt_outs {
                Some(length) if suppressed => {
                    group.push_str("RCPT TO:<");
                    mail::opt_out(mail::scattered(number, length), &mut group);
                    expected.push(REFUSED);
                    tally.refused += 1;
                }
                None if suppressed => continue,
                _ => {
                    group.push_str("RCPT TO:<");
                    mail::person(number, &mut group);
                    expected.push(250);
                    tally.accepted += 1;
                }
            }
            group.push_str(">\r\n");
        }
        group.push_str("DATA\r\n");
        expected.push(354);
        if self.workload.lockstep {
            for (line, code) in group.split_inclusive('\n').zip(expected) {
                wire.write(line.as_bytes())?;
                wire.expect(code)?;
            }
        } else {
            wire.write(group.as_bytes())?;
            for code in expected {
                wire.expect(code)?;
            }
        }
        wire.write(&self.content)?;
        wire.expect(250)
    }
}

/// Stands for any reply of 550 to 559: optgate says 550, Postfix 554.
const REFUSED: u16 = 55;

/// One SMTP connection of a simple, strict client.
pub(super) struct Dialogue {
    stream: TcpStream,
    input: BufReader<TcpStream>,
    line: Vec<u8>,
}

impl Dialogue {
    pub(super) fn open(target: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&target, PATIENCE)
            .with_context(|| format!("cannot connect to {target}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let input = BufReader::with_capacity(16 << 10, stream.try_clone()?);
        Ok(Self { stream, input, line: Vec::new() })
    }

    /// Greeting and EHLO.
    pub(super) fn greet(&mut self) -> Result<()> {
        self.expect(220)?;
        self.say("EHLO client.example")?;
        self.expect(250)
    }

    pub(super) fn say(&mut self, command: &str) -> Result<()> {
        self.write(format!("{command}\r\n").as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("cannot write")
    }

    /// Reads one whole reply and gives its code.
    pub(super) fn reply(&mut self) -> Result<u16> {
        loop {
            self.line.clear();
            self.input.read_until(b'\n', &mut self.line).context("no reply")?;
            ensure!(self.line.ends_with(b"\r\n"), "the connection was closed");
            let (Some(code), after) = (self.line.get(..3), self.line.get(3)) else {
                bail!("a reply line without a code")
            };
            if after != Some(&b'-') {
                return Ok(std::str::from_utf8(code)?.parse()?);
            }
        }
    }

    /// Reads one reply and compares its code.
    pub(super) fn expect(&mut self, code: u16) -> Result<()> {
        let got = self.reply()?;
        let fits = if code == REFUSED { got / 10 == REFUSED } else { got == code };
        ensure!(fits, "expected {code}, got: {}", String::from_utf8_lossy(&self.line).trim_end());
        Ok(())
    }
}

/// The median and the 95th percentile, in microseconds.
fn percentiles(times: &mut [Duration]) -> [f64; 2] {
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times.get(index.min(times.len().saturating_sub(1))).map_or(0.0, |t| t.as_secs_f64() * 1e6)
    };
    [at(0.5), at(0.95)]
}
