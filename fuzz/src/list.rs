//! What holds of every list, whatever its format.

use std::ops::ControlFlow;

use address::Mailbox;
use sources::{Input, List, Report, Spec, Who};
use suppression::Timestamp;

/// A list that could be read.
pub(crate) struct Lines {
    /// Line and address of every row.
    pub(crate) rows: Vec<(u64, String)>,
    pub(crate) report: Report,
}

/// Reads in both passes; none where the file as a whole is refused.
pub(crate) fn read(bytes: &[u8], spec: &Spec) -> Option<Lines> {
    let lines = read_parts(bytes, spec)?;
    assert!(lines.rows.is_sorted_by_key(|(line, _)| *line));
    Some(lines)
}

/// The same of what may have several parts, each with its own lines.
pub(crate) fn read_parts(bytes: &[u8], spec: &Spec) -> Option<Lines> {
    let now = Timestamp::EPOCH;
    let list = List::open(Input::bytes("list", bytes), spec, &mut |_| ()).ok()?;
    let checked = list.check(now, &mut |_| ()).ok()?;
    let (mut rows, mut handed_out) = (Vec::new(), 0);
    let report = list.read(now, &mut |_| (), &mut |row| {
        handed_out += 1;
        let Who::Address { mailbox, address } = row.who else { return ControlFlow::Continue(()) };
        let text = mailbox.to_string();
        let again = Mailbox::parse(&text).and_then(|mailbox| mailbox.canonical(&spec.rules));
        assert_eq!(again.as_ref().map(|a| a.exact()), Ok(address.exact()));
        assert!(row.stated.is_none_or(|stated| stated <= now), "a time in the future");
        let reason = row.reason.unwrap_or("x");
        assert!(!reason.is_empty() && reason.len() <= 1000 && !reason.contains(char::is_control));
        rows.push((row.line, text));
        ControlFlow::Continue(())
    });
    assert!(report.is_ok(), "what could be checked could not be read");
    let report = report.ok()?;
    assert_eq!(checked, report, "the two passes differ");
    assert_eq!(report.rows, report.accepted + report.without_address + report.bad);
    assert_eq!(report.addresses, handed_out);
    assert!(report.accepted <= report.addresses);
    for bad in &report.bad_rows {
        assert!(
            !bad.masked.contains(|c: char| c.is_control() || matches!(c, 'a'..='w' | '0'..='8'))
        );
    }
    Some(Lines { rows, report })
}
