//! `optgate dkim`: the TXT records of the keys that sign.

use app::dkim::Key;
use serde::Serialize;

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::Dkim;

/// The longest string of a TXT record, in octets (RFC 1035 s3.3).
const STRING_MAX: usize = 255;

/// One record.
#[derive(Serialize)]
struct Record {
    name: String,
    text: String,
}

pub(crate) fn run(words: &Dkim, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    if settings.dkim.is_empty() {
        return Err(Ended::error(Exit::No, "nothing is signed: there is no [[dkim]]"));
    }
    let mut records = Vec::new();
    for one in &settings.dkim {
        let key = Key::read(&one.signing.key)?;
        records.push(Record {
            name: format!("{}._domainkey.{}", one.signing.selector, one.signing.domain),
            text: key.record().to_owned(),
        });
    }
    out.answer(&records, |records| records.iter().map(line).collect())?;
    Ok(Exit::Ok)
}

/// A line of a zone file.
fn line(record: &Record) -> String {
    let strings = record.text.as_bytes().chunks(STRING_MAX).map(|part| {
        // A record is printable ASCII without quotes.
        format!("\"{}\"", String::from_utf8_lossy(part))
    });
    format!("{}. IN TXT ( {} )\n", record.name, strings.collect::<Vec<_>>().join(" "))
}
