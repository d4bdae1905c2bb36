//! Whether a reading of a source that is the master of its entries may take any back.
//!
//! Who is taken back gets mail again, so it must be certain that the list no longer names them.
//! A row that cannot be read may be anybody's, and a file that somebody is still writing may have
//! more to come. What such a list does say counts all the same.

use sources::Report;

use crate::config::SourceSettings;

/// Why nothing is taken back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Somebody may still be writing to it.
    Unsettled,
    /// Rows of it name nobody: so many are bad, so many have no address.
    Doubtful { bad: u64, without_address: u64 },
}

/// Why nothing may be taken back after this reading, if so.
pub(super) fn kept(report: &Report, unsettled: bool) -> Option<Kept> {
    let (bad, without_address) = (report.bad, report.without_address);
    match bad > 0 || without_address > 0 {
        true => Some(Kept::Doubtful { bad, without_address }),
        false => unsettled.then_some(Kept::Unsettled),
    }
}

impl Kept {
    /// What a person should know of it.
    pub(super) fn warning(&self) -> String {
        let nobody = "nobody is taken back by mirror";
        match self {
            Self::Unsettled => {
                format!("{nobody} yet: it was written this moment, and is read again when it rests")
            }
            Self::Doubtful { bad, without_address } => format!(
                "{nobody}: {bad} rows are bad and {without_address} have no address, and they may \
                 be of those who are missing; put them right or leave them out of the list"
            ),
        }
    }
}

/// What is wrong with one of the files of such a source, where an empty one is a failed export.
pub(super) fn empty_file(source: &SourceSettings, report: &Report) -> Option<String> {
    if !source.mirror || source.guards.allow_empty {
        return None;
    }
    let file = report.empty.first()?.escape_debug();
    Some(format!(
        "{file} has no rows, and mirror would take back all whom it named; if it may be empty, set \
         allow_empty = true"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_that_is_read_whole_takes_back() {
        let report = |bad, without_address| Report { bad, without_address, ..Report::default() };
        assert_eq!(kept(&report(0, 0), false), None);
        assert_eq!(kept(&report(0, 0), true), Some(Kept::Unsettled));
        for (bad, without_address) in [(1, 0), (0, 1)] {
            let doubtful = Some(Kept::Doubtful { bad, without_address });
            assert_eq!(kept(&report(bad, without_address), false), doubtful);
            // It would be read again and again, and nobody taken back.
            assert_eq!(kept(&report(bad, without_address), true), doubtful);
        }
    }
}
