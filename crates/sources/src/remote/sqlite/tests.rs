//! SQLite needs no server, so all of it is tried here.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection as File;
use tempfile::TempDir;

use super::super::access::{Access, Engine, Question, Tls};
use super::super::connection::Connection;
use super::super::error::RemoteError;
use super::super::mark::{Mark, Pulled, Since};
use super::super::pull::pull;
use crate::spool::SpoolWriter;

/// A database in a folder of its own.
struct Stage {
    folder: TempDir,
}

type Rows = Vec<Vec<Option<String>>>;

impl Stage {
    fn new(sql: &str) -> Self {
        let stage = Self { folder: TempDir::new().unwrap() };
        stage.file().execute_batch(sql).unwrap();
        stage
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("crm.db")
    }

    fn file(&self) -> File {
        File::open(self.path()).unwrap()
    }

    fn access(&self, limit: Duration) -> Access {
        Access {
            engine: Engine::Sqlite,
            url: self.path().display().to_string(),
            user: None,
            password: None,
            tls: Tls::Off,
            timeout: limit,
        }
    }

    async fn pull(&self, query: &str, since: Option<Since>) -> Result<(Pulled, Rows), RemoteError> {
        self.pull_within(query, since, Duration::from_secs(60)).await
    }

    async fn pull_within(
        &self,
        query: &str,
        since: Option<Since>,
        limit: Duration,
    ) -> Result<(Pulled, Rows), RemoteError> {
        let mut writer = SpoolWriter::new(self.folder.path()).unwrap();
        let question = Question::Sql(query.to_owned());
        let pulled = pull(&self.access(limit), &question, since.as_ref(), &mut writer).await?;
        let spool = writer.finish().unwrap();
        assert_eq!(spool.rows(), pulled.rows);
        let mut reader = spool.reader().unwrap();
        let mut rows = vec![reader.columns().iter().cloned().map(Some).collect()];
        let mut cells = Vec::new();
        while reader.next(&mut cells).unwrap() {
            rows.push(cells.clone());
        }
        Ok((pulled, rows))
    }

    async fn connected(&self, query: &str) -> Result<Connection, RemoteError> {
        let access = self.access(Duration::from_secs(60));
        Connection::open(&access, &Question::Sql(query.to_owned())).await
    }

    async fn ask(&self, query: &str, values: &[&str]) -> Vec<Rows> {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        let answers = self.connected(query).await.unwrap().ask(&values).await.unwrap();
        answers.into_iter().map(|rows| rows.into_iter().map(|row| row.cells).collect()).collect()
    }
}

fn since(column: &str, from: Option<&str>) -> Option<Since> {
    let from = from.map(|text| Mark(text.to_owned()));
    Some(Since { column: column.to_owned(), from })
}

fn texts(row: &[Option<String>]) -> Vec<&str> {
    row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect()
}

#[tokio::test]
async fn values_of_all_types_come_as_text() {
    let stage = Stage::new(
        "CREATE TABLE o (a, b, c, d, e, f, a2 TEXT);
         INSERT INTO o VALUES ('bü@x.example', 42, 1.5, NULL, x'00ff', x'616240', 'a' || char(0));",
    );
    let query = "SELECT a, a, b, c, d, e, f, a2 FROM o ORDER BY a LIMIT 9; -- all";
    let (pulled, rows) = stage.pull(query, None).await.unwrap();
    assert_eq!((pulled.rows, pulled.mark), (1, None));
    assert_eq!(texts(&rows[0]), ["a", "a", "b", "c", "d", "e", "f", "a2"]);
    let row = ["bü@x.example", "bü@x.example", "42", "1.5", "NULL", "00ff", "ab@", "a\0"];
    assert_eq!(texts(&rows[1]), row);
}

#[tokio::test]
async fn from_a_mark_on_the_rows_at_it_and_behind_it_come_and_those_without_a_value() {
    let stage = Stage::new(
        "CREATE TABLE o (e, id INTEGER, at TEXT, r REAL, b BLOB, mixed);
         INSERT INTO o VALUES
         ('a', 1, '2024-05-01 12:00:00', 1.5, x'01', 'unknown'),
         ('b', 2, '2024-05-02 12:00:00', 2.5, x'02', 7),
         ('c', 3, '2024-05-03 12:00:00', 1e300, x'0300', 8),
         ('d', NULL, NULL, NULL, NULL, NULL);",
    );
    let query = "WITH x AS (SELECT * FROM o) SELECT x.*, id AS id2, 1 AS id2 FROM x ORDER BY id";
    for (column, middle, last, expected) in [
        ("id", "i:2", "i:3", "dbc"),
        ("AT", "t:2024-05-02 12:00:00", "t:2024-05-03 12:00:00", "dbc"),
        ("r", "r:2.5", "r:1e300", "dbc"),
        ("b", "b:02", "b:0300", "dbc"),
        // A word among numbers is above them all, and must not hide those that follow.
        ("mixed", "i:8", "i:8", "dac"),
    ] {
        let (pulled, rows) = stage.pull(query, since(column, None)).await.unwrap();
        assert_eq!((pulled.rows, rows.len()), (4, 5));
        assert_eq!(pulled.mark, Some(Mark(last.to_owned())), "{column}");
        let (pulled, rows) = stage.pull(query, since(column, Some(middle))).await.unwrap();
        let found: String = rows.iter().skip(1).map(|row| texts(row)[0]).collect();
        assert_eq!(found, expected, "{column}");
        assert_eq!(pulled.mark, Some(Mark(last.to_owned())), "{column}");
    }
    // A mark that no value of this column can be: from the beginning.
    assert_eq!(stage.pull(query, since("id", Some("n:1.5"))).await.unwrap().0.rows, 4);
    assert_eq!(stage.pull(query, since("id", Some("i:9"))).await.unwrap().0.mark, None);
    for (column, why) in [("id2", "more than one column"), ("nosuch", "but e, id, at")] {
        let said = stage.pull(query, since(column, None)).await.unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn a_time_in_the_far_future_is_no_mark() {
    let stage = Stage::new(
        "CREATE TABLE o (e, at); INSERT INTO o VALUES ('a', '2024-05-01'), ('b', '2999-01-01');",
    );
    let (pulled, _) = stage.pull("SELECT * FROM o", since("at", None)).await.unwrap();
    assert_eq!(pulled.mark, Some(Mark("t:2024-05-01".to_owned())));
    let again = stage.pull("SELECT * FROM o", since("at", Some("t:2024-05-01"))).await.unwrap();
    assert_eq!((again.0.rows, again.0.mark), (2, pulled.mark));
}

#[tokio::test]
async fn a_value_is_a_parameter_whatever_is_in_it() {
    let stage = Stage::new(
        "CREATE TABLE o (e TEXT COLLATE NOCASE, n INTEGER);
         INSERT INTO o VALUES ('bob@example.com', 1), ('x'' OR 1=1 --@example.com', 2),
         ('bob@example.com', 3);",
    );
    let nasty = [
        "x' OR 1=1 --@example.com",
        "' OR '1'='1",
        "'; DROP TABLE o; --",
        "\" OR 1=1",
        "bob@example.com\0",
        "\0",
        "?1",
        "@recipient",
        "%",
        "",
    ];
    for query in [
        "SELECT n, n FROM o WHERE e = @recipient ORDER BY n LIMIT 5; -- ' ?",
        "WITH x AS (SELECT * FROM o) SELECT n, n FROM x WHERE e = ?1 OR e = ?1 /* ; */",
        "SELECT n, n FROM o WHERE [e] = $1 AND '@other' <> '?'",
    ] {
        let found = stage.ask(query, &nasty).await;
        assert_eq!(found.len(), nasty.len());
        assert_eq!(texts(&found[0][0]), ["2", "2"], "{query}");
        assert!(found[1..].iter().all(Vec::is_empty), "{query}: {found:?}");
        let found = stage.ask(query, &["Bob@Example.com", "a", "bob@example.com"]).await;
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0, 2], "{query}");
    }
    assert_eq!(stage.pull("SELECT * FROM o", None).await.unwrap().0.rows, 3);
}

#[tokio::test]
async fn rows_that_others_write_meanwhile_are_found() {
    let stage = Stage::new("PRAGMA journal_mode = WAL; CREATE TABLE o (e);");
    let query = "SELECT 1 FROM o WHERE e = ?";
    let mut connection = stage.connected(query).await.unwrap();
    let bob = ["bob@example.com".to_owned()];
    assert_eq!(connection.ask(&bob).await.unwrap()[0].len(), 0);
    let writer = stage.file();
    writer.execute("INSERT INTO o VALUES ('bob@example.com')", []).unwrap();
    assert_eq!(connection.ask(&bob).await.unwrap()[0].len(), 1);
    // Not yet there as long as it is not committed, and nobody waits for it.
    writer.execute_batch("BEGIN IMMEDIATE; INSERT INTO o VALUES ('bob@example.com')").unwrap();
    assert_eq!(connection.ask(&bob).await.unwrap()[0].len(), 1);
    assert_eq!(stage.pull("SELECT * FROM o", None).await.unwrap().0.rows, 1);
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(connection.ask(&bob).await.unwrap()[0].len(), 2);
}

#[tokio::test]
async fn a_file_that_takes_the_place_of_the_old_one_is_asked() {
    let old = "CREATE TABLE o (e); INSERT INTO o VALUES ('bob@example.com');";
    let stage = Stage::new(old);
    let mut connection = stage.connected("SELECT 1 FROM o WHERE e = ?").await.unwrap();
    let bob = ["bob@example.com".to_owned()];
    assert_eq!(connection.ask(&bob).await.unwrap()[0].len(), 1);
    let fresh = stage.folder.path().join("new.db");
    File::open(&fresh).unwrap().execute_batch("CREATE TABLE o (e);").unwrap();
    std::fs::rename(&fresh, stage.path()).unwrap();
    assert_eq!(connection.ask(&bob).await.unwrap()[0].len(), 0);
    std::fs::remove_file(stage.path()).unwrap();
    assert!(connection.ask(&bob).await.is_err());
}

#[tokio::test]
async fn a_file_that_somebody_keeps_is_a_time_limit() {
    let stage = Stage::new("CREATE TABLE o (e);");
    let writer = stage.file();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let limit = Duration::from_secs(1);
    let error = stage.pull_within("SELECT * FROM o", None, limit).await.unwrap_err();
    assert_eq!(error, RemoteError::Timeout { server: stage.path().display().to_string(), limit });
}

#[tokio::test]
async fn a_query_without_end_is_interrupted() {
    let stage = Stage::new("CREATE TABLE o (e);");
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                   SELECT count(*) FROM n";
    let limit = Duration::from_secs(1);
    let error = stage.pull_within(endless, None, limit).await.unwrap_err();
    assert!(matches!(error, RemoteError::Timeout { .. }), "{error}");
    let access = stage.access(limit);
    let question = Question::Sql(format!("{endless} WHERE ?1 = ?1"));
    let mut connection = Connection::open(&access, &question).await.unwrap();
    let error = connection.ask(&["a".to_owned()]).await.unwrap_err();
    assert!(matches!(error, RemoteError::Timeout { .. }), "{error}");
    // Of no more use, and it says so.
    assert!(connection.ask(&["a".to_owned()]).await.is_err());
}

#[tokio::test]
async fn what_goes_wrong_is_said_without_values() {
    let stage = Stage::new("CREATE TABLE o (e); INSERT INTO o VALUES ('bob@example.com');");
    for (query, why) in [
        ("SELECT * FROM nosuch", "does not take the query: no such table: nosuch"),
        ("SELEC 1", "syntax error"),
        ("INSERT INTO o VALUES (1)", "does not read"),
        ("INSERT INTO o VALUES (1) RETURNING e", "does not read"),
        ("CREATE TABLE p (e)", "does not read"),
        ("SELECT 1; DELETE FROM o", "more than one statement"),
        ("SELECT ?", "mode = \"live\""),
        ("SELECT json_extract('{}', e) FROM o", "does not take the query"),
    ] {
        let said = stage.pull(query, None).await.unwrap_err().to_string();
        assert!(said.contains(why), "{query}: {said}");
        assert!(!said.contains("bob@"), "{said}");
    }
    let said = stage.connected("SELECT nosuch FROM o WHERE e = ?").await.unwrap_err().to_string();
    assert!(said.contains("no such column: nosuch"), "{said}");
    std::fs::write(stage.path(), "this is no database, and long enough to be looked at").unwrap();
    for file in [stage.path(), stage.folder.path().join("nosuch.db"), stage.folder.path().into()] {
        let mut access = stage.access(Duration::from_secs(60));
        access.url = file.display().to_string();
        let mut writer = SpoolWriter::new(stage.folder.path()).unwrap();
        let question = Question::Sql("SELECT e FROM o".to_owned());
        let error = pull(&access, &question, None, &mut writer).await.unwrap_err();
        assert!(matches!(error, RemoteError::Unreachable { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_question_that_finds_everybody_is_an_error() {
    let stage = Stage::new(
        "CREATE TABLE o AS WITH RECURSIVE n(i) AS
         (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1001) SELECT i FROM n;",
    );
    let mut connection = stage.connected("SELECT i FROM o WHERE ?1 <> ''").await.unwrap();
    let error = connection.ask(&["a".to_owned()]).await.unwrap_err();
    assert!(error.to_string().contains("more than 1000 rows"), "{error}");
}

#[tokio::test]
async fn fifty_thousand_rows_while_somebody_writes() {
    let stage = Stage::new(
        "PRAGMA journal_mode = WAL; CREATE TABLE o AS WITH RECURSIVE n(i) AS
         (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000)
         SELECT i AS id, 'user' || i || '@example.com' AS email FROM n;",
    );
    let writer = stage.file();
    let inserting = tokio::task::spawn_blocking(move || {
        for id in 50_001..50_200 {
            writer.execute("INSERT INTO o VALUES (?1, 'late@example.com')", [id]).unwrap();
        }
    });
    let (pulled, rows) = stage.pull("SELECT * FROM o", since("id", None)).await.unwrap();
    inserting.await.unwrap();
    // One snapshot, whenever it was taken.
    assert_eq!(pulled.mark, Some(Mark(format!("i:{}", pulled.rows))));
    assert!(pulled.rows >= 50_000);
    assert_eq!(texts(&rows[50_000]), ["50000", "user50000@example.com"]);
    let (again, _) = stage.pull("SELECT * FROM o", since("id", Some("i:50000"))).await.unwrap();
    assert_eq!(again.rows, 200);
}
