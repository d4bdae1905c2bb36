//! `replay`: which of these recipients would be refused?

use std::io::{BufRead, BufReader, Read};

use app::clerk::{JudgedLine, Request, VerdictWord};
use app::control::Reach;
use ledger::IfMissing;
use serde::Serialize;

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::Replay;

/// Addresses that are asked about together.
const CHUNK: usize = 1000;
/// The longest line that is read: no address is longer.
const LINE_MAX: u64 = 4096;

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Line {
    line: usize,
    #[serde(flatten)]
    judged: JudgedLine,
}

#[derive(Debug, Default)]
struct Counts {
    permit: usize,
    refuse: usize,
    defer: usize,
    invalid: usize,
}

pub(crate) fn run(words: &Replay, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let input: Box<dyn Read> = if words.path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        let file = std::fs::File::open(&words.path);
        Box::new(
            file.map_err(|e| Ended::error(Exit::Data, format!("{}: {e}", words.path.display())))?,
        )
    };
    let mut reach = Reach::find(&settings, IfMissing::Refuse)?;
    let mut lines = Lines { reader: BufReader::new(input), number: 0 };
    let mut counts = Counts::default();
    loop {
        let chunk = lines.chunk()?;
        if chunk.is_empty() {
            break;
        }
        let addresses = chunk.iter().map(|(_, address)| address.clone()).collect();
        let answer = reach.ask(&Request::Judge { addresses }, &mut |_| ())?;
        let judged: Vec<JudgedLine> = serde_json::from_value(answer)?;
        for ((line, _), judged) in chunk.into_iter().zip(judged) {
            let count = match judged.verdict {
                VerdictWord::Permit => &mut counts.permit,
                VerdictWord::Refuse => &mut counts.refuse,
                VerdictWord::Defer => &mut counts.defer,
                VerdictWord::Invalid => &mut counts.invalid,
            };
            *count += 1;
            if words.refused && judged.verdict == VerdictWord::Permit {
                continue;
            }
            out.line(&Line { line, judged }, text)?;
        }
    }
    let Counts { permit, refuse, defer, invalid } = counts;
    out.note(&format!(
        "{permit} would be permitted, {refuse} refused, {defer} deferred; {invalid} are no addresses"
    ));
    Ok(match counts {
        Counts { refuse: 1.., .. } => Exit::No,
        Counts { invalid: 1.., .. } => Exit::Data,
        Counts { defer: 1.., .. } => Exit::Temporary,
        Counts { .. } => Exit::Ok,
    })
}

fn text(line: &Line) -> String {
    let Line { line, judged } = line;
    let address = judged.address.escape_debug().to_string();
    match judged.verdict {
        VerdictWord::Permit => format!("permit   {address}"),
        VerdictWord::Invalid => format!("invalid  line {line}: {address}: {}", judged.reason),
        word => format!("{:<7}  {address}  {}", word.as_str(), judged.reason),
    }
}

struct Lines<R> {
    reader: BufReader<R>,
    number: usize,
}

impl<R: Read> Lines<R> {
    /// The next addresses with their line numbers; empty at the end.
    fn chunk(&mut self) -> anyhow::Result<Vec<(usize, String)>> {
        let mut chunk = Vec::new();
        while chunk.len() < CHUNK {
            let mut line = Vec::new();
            if (&mut self.reader).take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if !line.ends_with(b"\n") && line.len() as u64 == LINE_MAX {
                self.skip()?;
            }
            self.number += 1;
            if self.number == 1 && line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                chunk.push((self.number, text.to_owned()));
            }
        }
        Ok(chunk)
    }

    /// Throws the rest of a line away.
    fn skip(&mut self) -> anyhow::Result<()> {
        loop {
            let mut rest = Vec::new();
            let read = (&mut self.reader).take(LINE_MAX).read_until(b'\n', &mut rest)?;
            if read == 0 || rest.ends_with(b"\n") {
                return Ok(());
            }
        }
    }
}
