//! `replay`: which of these deliveries would be refused?

mod totals;

use std::ops::ControlFlow;

use app::clerk::{Candidate, JudgeQuestion, JudgedLine, Request, VerdictWord};
use app::control::Reach;
use app::replay::{Delivery, LogFormat, Told, read};
use ledger::IfMissing;
use serde::Serialize;

use self::totals::Totals;
use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::shown::{counted, cut, shown};
use crate::words::{Replay, ReplayFormat};

/// Recipients that are asked about together.
const CHUNK: usize = 1000;

/// Lines without an address that are printed for people; the rest is counted.
const INVALID_SHOWN: u64 = 10;

/// Characters of such a line that are printed.
const INVALID_CUT: usize = 80;

/// Characters of an address that are printed: as many as an address may have, and a few.
const ADDRESS_SHOWN: usize = 330;

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Line {
    line: u64,
    #[serde(flatten)]
    judged: JudgedLine,
}

pub(crate) fn run(words: &Replay, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let path = (words.path.as_os_str() != "-").then_some(words.path.as_path());
    let format = words.format.map(|format| match format {
        ReplayFormat::List => LogFormat::List,
        ReplayFormat::Csv => LogFormat::Csv,
        ReplayFormat::Postfix => LogFormat::Postfix,
        ReplayFormat::Exim => LogFormat::Exim,
    });
    let mut player = Player {
        words,
        out,
        reach: Reach::find(&settings, IfMissing::Refuse)?,
        waiting: Vec::new(),
        totals: Totals::default(),
        invalid: 0,
    };
    let mut failed = None;
    read(path, format, words.column.as_deref(), &mut |told| match player.take(told) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    player.flush()?;
    let unsaid = player.invalid.saturating_sub(INVALID_SHOWN);
    if unsaid > 0 && !out.is_json() {
        out.note(&counted(unsaid, "further line is no address", "further lines are no addresses"));
    }
    player.totals.tell(out)?;
    if !player.totals.any() {
        let words = format!("{}: no address found in it", words.path.display());
        return Err(Ended::error(Exit::Data, words));
    }
    Ok(player.totals.exit())
}

struct Player<'a> {
    words: &'a Replay,
    out: &'a Out,
    reach: Reach,
    waiting: Vec<Delivery>,
    totals: Totals,
    /// Lines that are no address.
    invalid: u64,
}

impl Player<'_> {
    fn take(&mut self, told: Told) -> anyhow::Result<()> {
        match told {
            Told::Delivery(delivery) => {
                self.waiting.push(delivery);
                if self.waiting.len() >= CHUNK { self.flush() } else { Ok(()) }
            }
            Told::Unusable { rows, first } => {
                self.totals.unusable(rows);
                let rows = counted(rows, "row holds", "rows hold");
                let first = shown(&first);
                self.out.note(&format!("{rows} no address that can be used: {first}"));
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let candidates = waiting.iter().map(|delivery| Candidate {
            address: delivery.recipient.clone(),
            envelope: delivery.envelope.clone(),
        });
        let question = Request::Judge(JudgeQuestion {
            candidates: candidates.collect(),
            stream: self.words.stream.clone(),
            listener: self.words.listener,
        });
        let answer = self.reach.ask(&question, &mut |_| ())?;
        let answers: Vec<Vec<JudgedLine>> = serde_json::from_value(answer)?;
        for (delivery, lines) in waiting.into_iter().zip(answers) {
            self.totals.recipient();
            let several = lines.len() > 1;
            // What is no address is none on any stream.
            if let Some(invalid) = lines.iter().find(|line| line.verdict == VerdictWord::Invalid) {
                self.tell_invalid(delivery.line, invalid.clone())?;
                continue;
            }
            for judged in lines {
                self.totals.count(&judged);
                if self.words.refused && judged.verdict == VerdictWord::Permit {
                    continue;
                }
                let named = several || delivery.envelope.is_some();
                self.out.line(&Line { line: delivery.line, judged }, |line| text(line, named))?;
            }
        }
        Ok(())
    }

    fn tell_invalid(&mut self, line: u64, mut judged: JudgedLine) -> anyhow::Result<()> {
        self.totals.unusable(1);
        self.invalid += 1;
        if self.invalid > INVALID_SHOWN && !self.out.is_json() {
            return Ok(());
        }
        (judged.stream, judged.streams) = (None, Vec::new());
        self.out.line(&Line { line, judged }, |line| text(line, false))
    }
}

fn text(line: &Line, named: bool) -> String {
    let Line { line, judged } = line;
    let address = cut(&judged.address, ADDRESS_SHOWN);
    let stream = match (&judged.stream, judged.streams.as_slice()) {
        (Some(stream), _) if named => format!("  on {stream}"),
        (None, streams @ [_, ..]) => format!("  on {}", streams.join(" or ")),
        _ => String::new(),
    };
    match judged.verdict {
        VerdictWord::Permit => format!("permit   {address}{stream}"),
        VerdictWord::Invalid => {
            let address = cut(&judged.address, INVALID_CUT);
            format!("invalid  line {line}: {address}: {}", cut(&judged.reason, INVALID_CUT))
        }
        VerdictWord::Provisional => {
            format!("provisional  {address}{stream}  the header decides; {}", shown(&judged.reason))
        }
        word => format!("{:<7}  {address}{stream}  {}", word.as_str(), shown(&judged.reason)),
    }
}
