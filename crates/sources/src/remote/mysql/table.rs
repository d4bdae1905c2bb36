//! The user's query as a table in ours.
//!
//! As a derived table, which every version knows, where its columns have names that a table can
//! have; otherwise as a common table expression (MySQL 8, MariaDB 10.2) that names them anew.

/// A query, and how its columns are called.
#[derive(Debug)]
pub(super) struct Table {
    names: Vec<String>,
    plain: bool,
}

impl Table {
    /// Of these columns.
    pub(super) fn of(names: Vec<String>) -> Self {
        let mut lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        lower.sort_unstable();
        let twice = lower.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
        let odd =
            |name: &String| name.is_empty() || name.chars().count() > 64 || name.trim_end() != name;
        let plain = !twice && !names.iter().any(odd);
        Self { names, plain }
    }

    /// The column at this place, in quotes.
    fn column(&self, at: usize) -> String {
        match (self.plain, self.names.get(at)) {
            (true, Some(name)) => format!("`{}`", name.replace('`', "``")),
            _ => format!("c{at}"),
        }
    }

    /// All rows whose value in a column is at least `?`, which may be in an expression, and those
    /// without a value: they could be new.
    pub(super) fn since(&self, query: &str, at: usize, value: &str) -> String {
        let (with, table) = self.table(query, 0);
        let with = if with.is_empty() { with } else { format!("WITH {with} ") };
        let column = format!("q0.{}", self.column(at));
        format!("{with}SELECT * FROM {table} WHERE {column} >= {value} OR {column} IS NULL")
    }

    /// The question this many times, each with its number in front of its rows.
    pub(super) fn times(&self, query: &str, count: usize) -> String {
        let tables: Vec<(String, String)> = (0..count).map(|at| self.table(query, at)).collect();
        let with: Vec<&str> =
            tables.iter().map(|(with, _)| with.as_str()).filter(|with| !with.is_empty()).collect();
        let with =
            if with.is_empty() { String::new() } else { format!("WITH {} ", with.join(", ")) };
        let selects: Vec<String> = tables
            .iter()
            .enumerate()
            .map(|(at, (_, table))| format!("SELECT {at} AS `n`, q{at}.* FROM {table}"))
            .collect();
        with + &selects.join(" UNION ALL ")
    }

    /// What stands in front of our query, and what in its place as a table. A comment at the end
    /// of theirs ends with its line.
    fn table(&self, query: &str, at: usize) -> (String, String) {
        if self.plain {
            return (String::new(), format!("(\n{query}\n) AS q{at}"));
        }
        let names: Vec<String> = (0..self.names.len()).map(|at| format!("c{at}")).collect();
        (format!("q{at}({}) AS (\n{query}\n)", names.join(", ")), format!("q{at}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[&str]) -> Table {
        Table::of(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn a_derived_table_where_names_are_names() {
        let table = table(&["id", "a`b"]);
        assert_eq!(
            table.since("SELECT 1 -- x", 1, "?"),
            "SELECT * FROM (\nSELECT 1 -- x\n) AS q0 WHERE q0.`a``b` >= ? OR q0.`a``b` IS NULL"
        );
        assert_eq!(
            table.times("SELECT ?", 2),
            "SELECT 0 AS `n`, q0.* FROM (\nSELECT ?\n) AS q0 UNION ALL \
             SELECT 1 AS `n`, q1.* FROM (\nSELECT ?\n) AS q1"
        );
    }

    #[test]
    fn a_named_table_where_they_are_not() {
        let long = "x".repeat(65);
        for names in [["id", "ID"], ["id", ""], ["id", "a "], ["id", long.as_str()]] {
            let table = table(&names);
            assert_eq!(
                table.since("SELECT 1", 1, "CAST(? AS DATETIME(6))"),
                "WITH q0(c0, c1) AS (\nSELECT 1\n) SELECT * FROM q0 \
                 WHERE q0.c1 >= CAST(? AS DATETIME(6)) OR q0.c1 IS NULL"
            );
            assert_eq!(
                table.times("SELECT ?", 2),
                "WITH q0(c0, c1) AS (\nSELECT ?\n), q1(c0, c1) AS (\nSELECT ?\n) \
                 SELECT 0 AS `n`, q0.* FROM q0 UNION ALL SELECT 1 AS `n`, q1.* FROM q1"
            );
        }
    }
}
