//! Reads a list in both passes and says what is in it, for a look and for measuring:
//! `time cargo run --release -p sources --example count -- PLACE`, which is a file of any kind, a
//! folder or a pattern; with the record path as a second argument for XML.

#![expect(clippy::print_stdout, reason = "its purpose")]

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use sources::{CsvSpec, Format, Inputs, List, Spec, XmlSpec};
use suppression::Timestamp;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: count PLACE [RECORD-PATH]")?;
    let format = match arguments.next() {
        None => Format::Detect(CsvSpec::default()),
        Some(record) => {
            let record = record.parse()?;
            Format::Xml(XmlSpec {
                record,
                email: None,
                date: None,
                reason: None,
                kind: None,
                scope: None,
                until: None,
                encoding: None,
            })
        }
    };
    let spec = Spec::new("list", format);
    let now: Timestamp = "2100-01-01".parse()?;
    let list = List::open(Inputs::at(Path::new(&file))?, &spec, &mut |_| ())?;
    println!("{}", list.describe());
    let report = list.check(now, &mut |_| ())?;
    let mut bytes = 0;
    list.read(now, &mut |_| (), &mut |row| {
        if let sources::Who::Address { address, .. } = row.who {
            bytes += address.exact().len();
        }
        ControlFlow::Continue(())
    })?;
    println!(
        "{} rows, {} accepted, {} without an address, {} bad; {bytes} bytes of addresses",
        report.rows, report.accepted, report.without_address, report.bad
    );
    for bad in &report.bad_rows {
        println!("{bad}");
    }
    for warning in &report.warnings {
        println!("{warning}");
    }
    Ok(())
}
