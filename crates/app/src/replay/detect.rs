//! What a file is, by its name and its first lines.

use std::path::Path;
use std::str::FromStr;

use super::exim;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One address a line.
    List,
    /// A table with a column of addresses.
    Csv,
    /// The log of Postfix.
    Postfix,
    /// The main log of Exim.
    Exim,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "list" => Ok(Self::List),
            "csv" => Ok(Self::Csv),
            "postfix" => Ok(Self::Postfix),
            "exim" => Ok(Self::Exim),
            _ => Err(format!("`{word}` is none of list, csv, postfix, exim")),
        }
    }
}

/// Lines of a log that decide what it is: enough to come past what else syslog holds.
const SAMPLE: usize = 200;

/// What a file is: a table if it is called so, a log if most of what it begins with are lines
/// of one, else a list.
pub(super) fn detect(path: Option<&Path>, beginning: &str) -> LogFormat {
    let named = |ends: &[&str]| {
        let extension = path.and_then(Path::extension).unwrap_or_default();
        ends.iter().any(|end| extension.eq_ignore_ascii_case(end))
    };
    if named(&["csv", "tsv"]) {
        return LogFormat::Csv;
    }
    let lines = || beginning.lines().take(SAMPLE);
    let postfix = lines().filter(|l| l.contains("postfix") && l.contains("]: ")).count();
    let exim = lines().filter(|line| exim::parse(line).is_some()).count();
    match (postfix, exim) {
        (0, 0) => LogFormat::List,
        (postfix, exim) if postfix >= exim => LogFormat::Postfix,
        _ => LogFormat::Exim,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name_or_its_lines() {
        let postfix = "Nov 22 08:35:40 mail kernel: x\nNov 22 08:35:40 mail postfix/qmgr[4]: A1B2C3: from=<a@b.example>, size=3\n";
        let exim = "2026-11-22 08:35:40 exim 4.96 daemon started\n2026-11-22 08:35:40 1tEaBc-000001-0X <= <> R=x\n";
        let list = "# people\nbob@example.com\n";
        assert_eq!(detect(None, postfix), LogFormat::Postfix);
        assert_eq!(detect(Some(Path::new("mainlog")), exim), LogFormat::Exim);
        assert_eq!(detect(Some(Path::new("x.txt")), list), LogFormat::List);
        assert_eq!(detect(Some(Path::new("x.CSV")), list), LogFormat::Csv);
        assert_eq!(detect(None, ""), LogFormat::List);
    }
}
