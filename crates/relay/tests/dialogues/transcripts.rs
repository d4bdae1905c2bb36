//! The dialogues in `tests/transcripts`, played word for word.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::access;
use crate::filters;
use crate::stage::{Scenery, Stage};
use policy::{Action, StreamRule};
use relay::{Contact, Mixed};
use smtp_wire::Solicitation;
use suppression::{Stream, StreamClass};
use testkit::{Line, Transcript};

#[test]
fn every_dialogue_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/transcripts");
    let mut names: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|name| name.extension().is_some_and(|end| end == "txt"));
    names.sort();
    assert!(names.len() >= 20, "only {} dialogues", names.len());
    let mut faults = Vec::new();
    for name in &names {
        let text = fs::read_to_string(name).unwrap();
        let transcript =
            Transcript::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", name.display()));
        if let Err(fault) = play(&transcript) {
            faults.push(format!("{}:{fault}", name.file_name().unwrap().display()));
        }
    }
    println!("{} dialogues", names.len());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn play(transcript: &Transcript) -> Result<(), String> {
    let mut stage = Stage::new(scenery(transcript));
    let mut said = Said::default();
    for (number, line) in &transcript.lines {
        said.take(&mut stage);
        let fault = |what: String| Err(format!("{number}: {what}"));
        match line {
            Line::Setting(..) => {}
            Line::Client(bytes) => {
                said.nothing_left(*number)?;
                stage.client_says(bytes);
            }
            Line::ClientCloses => {
                said.nothing_left(*number)?;
                stage.client_closes();
            }
            Line::Smarthost(bytes) => {
                said.nothing_left(*number)?;
                stage.smarthost_says(bytes);
            }
            Line::SmarthostCloses => {
                said.nothing_left(*number)?;
                stage.smarthost_closes();
            }
            Line::Time(seconds) => {
                said.nothing_left(*number)?;
                stage.pass(Duration::from_secs(*seconds));
            }
            Line::Server(pattern) => match said.to_client.first() {
                Some(line) if Transcript::fits(pattern, line) => {
                    said.to_client.remove(0);
                }
                other => return fault(format!("to the client: {other:?} instead of {pattern:?}")),
            },
            Line::Upstream(pattern) => match said.to_smarthost.first() {
                Some(line) if Transcript::fits(pattern, line) => {
                    said.to_smarthost.remove(0);
                }
                other => {
                    return fault(format!("to the smarthost: {other:?} instead of {pattern:?}"));
                }
            },
            Line::UpstreamDropped => {
                if std::mem::take(&mut stage.dropped) == 0 {
                    return fault("the smarthost's connection was not dropped".to_owned());
                }
            }
            Line::ServerCloses => {
                if !stage.closed {
                    return fault("the client's connection was not closed".to_owned());
                }
            }
            Line::Question(about) => {
                if stage.questions.first() != Some(about) {
                    return fault(format!("asked {:?}, not {about:?}", stage.questions));
                }
                stage.questions.remove(0);
            }
            Line::Answer(words) => {
                said.nothing_left(*number)?;
                stage.list_says(words);
            }
            Line::Step(pattern) => match stage.filters.seen.first() {
                Some(step) if Transcript::fits(pattern, step) => {
                    stage.filters.seen.remove(0);
                }
                other => return fault(format!("to the filters: {other:?}, not {pattern:?}")),
            },
            Line::Verdict(words) => {
                said.nothing_left(*number)?;
                stage.filters_say(words);
            }
            Line::Record(word) => {
                // The default stream need not be named.
                let written = stage.records.first();
                if written
                    .is_some_and(|one| one == word || one.strip_suffix(" default") == Some(word))
                {
                    stage.records.remove(0);
                } else {
                    return fault(format!("records {:?}, not `{word}`", stage.records));
                }
            }
        }
    }
    said.take(&mut stage);
    if !stage.filters.seen.is_empty() {
        return Err(format!("shown to the filters as well: {:?}", stage.filters.seen));
    }
    said.nothing_left(transcript.lines.last().map_or(0, |(number, _)| *number))
}

#[derive(Default)]
struct Said {
    to_client: Vec<String>,
    to_smarthost: Vec<String>,
}

impl Said {
    fn take(&mut self, stage: &mut Stage) {
        for (bytes, lines) in [
            (&mut stage.to_client, &mut self.to_client),
            (&mut stage.to_smarthost, &mut self.to_smarthost),
        ] {
            while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = bytes.drain(..end + 2).collect();
                lines.push(String::from_utf8_lossy(&line[..end]).into_owned());
            }
        }
    }

    fn nothing_left(&self, number: usize) -> Result<(), String> {
        if self.to_client.is_empty() && self.to_smarthost.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{number}: said without being expected: to the client {:?}, to the smarthost {:?}",
            self.to_client, self.to_smarthost
        ))
    }
}

fn scenery(transcript: &Transcript) -> Scenery {
    let mut scenery = Scenery::default();
    let words = |value: &str| value.split(',').map(|word| word.trim().to_owned()).collect();
    for (number, line) in &transcript.lines {
        let Line::Setting(name, value) = line else { continue };
        match name.as_str() {
            "suppressed" => scenery.suppressed.push(on_stream(value)),
            "unknown" => scenery.unknown.push(on_stream(value)),
            "live" => scenery.live.push(value.clone()),
            "in-grace" => scenery.in_grace.push(value.clone()),
            "stream" => scenery.streams.push(rule(value)),
            "mixed" if value == "refuse whole" => scenery.mixed = Mixed::RefuseWhole,
            "header-max" => scenery.header_max = value.parse().unwrap(),
            "budget" => scenery.budget = value.parse().unwrap(),
            "smarthost" if value == "away" => scenery.smarthost = None,
            "smarthost" => scenery.smarthost = Some(words(value)),
            "second" if value == "away" => scenery.second = Some(None),
            "second" => scenery.second = Some(Some(words(value))),
            "opening" if value == "slow" => scenery.slow = true,
            "to-second" => scenery.to_second = words(value),
            "record" => scenery.record = Some(words(value)),
            "action" if value == "drop" => scenery.action = Action::Drop,
            "action" if value == "shadow" => scenery.action = Action::Shadow,
            "contact" if value == "sender" => scenery.contact = Contact::Sender,
            "held" => scenery.held = Some(value.parse().unwrap()),
            "filters" => scenery.filters = filters::wishes(value),
            "gate" => scenery.gates.push(value.clone()),
            "complete" => scenery.complete = true,
            "copy-max" => scenery.copy_max = value.parse().unwrap(),
            "size" => scenery.size_max = value.parse().unwrap(),
            "recipients" => scenery.recipients_max = value.parse().unwrap(),
            "errors" => scenery.errors_max = value.parse().unwrap(),
            "allow" => access::allow(&mut scenery.access, value),
            name if scenery.identity.set(name, value) => {}
            "sender" => access::sender(&mut scenery, value),
            "wait" => access::wait(&mut scenery.access, value),
            "rate" => access::rate(&mut scenery.access, value),
            "no-soliciting" if value == "on" => {
                scenery.no_soliciting = Some(Solicitation::default());
            }
            "no-soliciting" => scenery.no_soliciting = Solicitation::parse(value),
            "refuses" => {
                let (who, class) = value.split_once(' ').unwrap();
                scenery.refuses.push((who.to_owned(), class.to_owned()));
            }
            "evidence" if value == "broken" => scenery.evidence_works = false,
            other => panic!("line {number}: no setting `{other} {value}`"),
        }
    }
    scenery
}

/// `bob@example.com`, or `bob@example.com on news`.
fn on_stream(value: &str) -> (String, String) {
    let (address, stream) = value.split_once(" on ").unwrap_or((value, ""));
    (stream.to_owned(), address.to_owned())
}

/// `news header List-Id: *news*`, `ads solicit net.example:ADV`, `shop sender @shop.example`.
fn rule(value: &str) -> StreamRule {
    let mut words = value.splitn(3, ' ');
    let (name, kind, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let stream = Stream::new(name, StreamClass::Commercial);
    let mut rule = StreamRule { stream, ..StreamRule::default() };
    match kind {
        "header" => {
            let (field, pattern) = rest.split_once(": ").unwrap();
            rule.header.push((field.parse().unwrap(), vec![pattern.parse().unwrap()]));
        }
        "solicit" => rule.solicit.push(rest.parse().unwrap()),
        "sender" => rule.sender.push(rest.parse().unwrap()),
        other => panic!("no condition `{other}`"),
    }
    rule
}
