//! Columns of text, as wide as their widest cell.

use std::fmt::Write as _;

/// The rows, aligned, two blanks between columns, none at the end of a line.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..count).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [vec!["a".into(), "bb".into()], vec!["ccc".into(), "ü".into()]];
        assert_eq!(columns(&rows), "a    bb\nccc  ü\n");
    }
}
