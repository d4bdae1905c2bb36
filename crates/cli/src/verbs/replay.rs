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
use crate::exit::Exit;
use crate::out::Out;
use crate::words::{Replay, ReplayFormat};

/// Recipients that are asked about together.
const CHUNK: usize = 1000;

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
    player.totals.tell(out)?;
    Ok(player.totals.exit())
}

struct Player<'a> {
    words: &'a Replay,
    out: &'a Out,
    reach: Reach,
    waiting: Vec<Delivery>,
    totals: Totals,
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
                self.out.note(&format!("{rows} rows hold no address that can be used: {first}"));
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
}

fn text(line: &Line, named: bool) -> String {
    let Line { line, judged } = line;
    let address = judged.address.escape_debug().to_string();
    let stream = match (&judged.stream, judged.streams.as_slice()) {
        (Some(stream), _) if named => format!("  on {stream}"),
        (None, streams @ [_, ..]) => format!("  on {}", streams.join(" or ")),
        _ => String::new(),
    };
    match judged.verdict {
        VerdictWord::Permit => format!("permit   {address}{stream}"),
        VerdictWord::Invalid => format!("invalid  line {line}: {address}: {}", judged.reason),
        VerdictWord::Provisional => {
            format!("provisional  {address}{stream}  the header decides; {}", judged.reason)
        }
        word => format!("{:<7}  {address}{stream}  {}", word.as_str(), judged.reason),
    }
}
