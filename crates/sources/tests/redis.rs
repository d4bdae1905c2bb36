//! A Redis server that misbehaves, or whose key does: no part of a list passes for all of it, and
//! a lost key permits nobody.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail it"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sources::{
    Access, Connection, Engine, Mark, Pulled, Question, RemoteError, Since, Spool, SpoolWriter,
    Tls, pull,
};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What each command is answered with, in order; the last answer goes on for ever. Without an
/// answer the connection ends; an empty one is never sent.
type Script = Vec<(&'static str, Vec<String>)>;

struct Stage {
    access: Access,
    script: Arc<Mutex<Script>>,
}

async fn stage(script: Script) -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let access = Access {
        engine: Engine::Redis,
        url: format!("redis://{}", listener.local_addr().unwrap()),
        user: None,
        password: None,
        tls: Tls::Off,
        timeout: Duration::from_secs(20),
    };
    let script = Arc::new(Mutex::new(script));
    let shared = Arc::clone(&script);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, Arc::clone(&shared)));
        }
    });
    Stage { access, script }
}

async fn serve(stream: TcpStream, script: Arc<Mutex<Script>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let count = number(&mut stream).await?;
        let mut words = Vec::new();
        for _ in 0..count {
            let length = number(&mut stream).await?;
            let mut word = vec![0; length + 2];
            stream.read_exact(&mut word).await.ok()?;
            words.push(String::from_utf8_lossy(&word[..length]).into_owned());
        }
        let answer = {
            let mut script = script.lock().unwrap();
            let (_, answers) = script.iter_mut().find(|(verb, _)| *verb == words[0])?;
            if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// A line such as `*3` or `$5`.
async fn number(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.get(1..)?.trim_end().parse().ok()
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

fn scan(cursor: &str, members: &[&str]) -> String {
    let members: String = members.iter().map(|member| bulk(member)).collect();
    format!("*2\r\n{}*{}\r\n{members}", bulk(cursor), members.matches('$').count())
}

fn said(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn key() -> Question {
    Question::Redis { key: "optout".into() }
}

impl Stage {
    async fn pull(&self) -> Result<(Pulled, Spool), RemoteError> {
        let mut rows = SpoolWriter::new(&std::env::temp_dir()).unwrap();
        let pulled = pull(&self.access, &key(), None, &mut rows).await?;
        Ok((pulled, rows.finish().unwrap()))
    }

    fn answer(&self, verb: &str, answers: &[&str]) {
        let mut script = self.script.lock().unwrap();
        script.iter_mut().find(|(word, _)| *word == verb).unwrap().1 = said(answers);
    }
}

fn set() -> Script {
    let steps = [scan("17", &["bob@x.example", "eve@x.example"]), scan("0", &["ann@x.example"])];
    vec![
        ("TYPE", said(&["+set\r\n"])),
        ("SCARD", said(&[":3\r\n"])),
        ("SSCAN", steps.to_vec()),
        ("SISMEMBER", said(&[":1\r\n", ":0\r\n"])),
    ]
}

#[tokio::test]
async fn a_set_is_read_in_steps() {
    let (pulled, spool) = stage(set()).await.pull().await.unwrap();
    assert_eq!((pulled, spool.rows()), (Pulled { rows: 3, mark: None }, 3));
    let mut cells = Vec::new();
    let mut reader = spool.reader().unwrap();
    assert_eq!(reader.columns(), ["email"]);
    assert!(reader.next(&mut cells).unwrap());
    assert_eq!(cells, [Some("bob@x.example".to_owned())]);
}

#[tokio::test]
async fn hashes_and_sorted_sets_say_more() {
    for (kind, count, verb, column, value) in [
        ("+hash\r\n", "HLEN", "HSCAN", "reason", "by phone"),
        ("+zset\r\n", "ZCARD", "ZSCAN", "date", "1714564800"),
    ] {
        let stage = stage(vec![
            ("TYPE", said(&[kind])),
            (count, said(&[":1\r\n"])),
            (verb, vec![scan("0", &["bob@x.example", value])]),
        ])
        .await;
        let (_, spool) = stage.pull().await.unwrap();
        let mut reader = spool.reader().unwrap();
        assert_eq!(reader.columns(), ["email", column]);
        let mut cells = Vec::new();
        assert!(reader.next(&mut cells).unwrap());
        assert_eq!(cells, [Some("bob@x.example".to_owned()), Some(value.to_owned())]);
    }
}

#[tokio::test]
async fn no_key_is_an_empty_list_and_no_answer() {
    let mut stage = stage(vec![("TYPE", said(&["+none\r\n"]))]).await;
    assert_eq!(stage.pull().await.unwrap().0.rows, 0);
    let error = Connection::open(&stage.access, &key()).await.unwrap_err();
    assert!(matches!(error, RemoteError::Query { .. }), "{error}");
    assert!(error.to_string().contains("there is no key optout"), "{error}");
    stage.answer("TYPE", &["+string\r\n"]);
    assert!(matches!(stage.pull().await, Err(RemoteError::Query { .. })));

    let mut rows = SpoolWriter::new(&std::env::temp_dir()).unwrap();
    let since = Since { column: "date".into(), from: Some(Mark("1".into())) };
    let error = pull(&stage.access, &key(), Some(&since), &mut rows).await.unwrap_err();
    assert!(matches!(error, RemoteError::Setting { .. }), "{error}");
    stage.access.url = "redis://127.0.0.1:1".into();
    assert!(matches!(stage.pull().await, Err(RemoteError::Unreachable { .. })));
}

#[tokio::test]
async fn a_key_that_goes_while_it_is_read_is_an_error() {
    let changed = |error: RemoteError| error.to_string().contains("something else");
    let stage = stage(set()).await;
    stage.answer("TYPE", &["+set\r\n", "+none\r\n"]);
    stage.answer("SCARD", &[":3\r\n", ":0\r\n"]);
    assert!(changed(stage.pull().await.unwrap_err()));
    stage.answer("TYPE", &["+set\r\n"]);
    stage.answer("SCARD", &[":4\r\n"]);
    stage.answer("SSCAN", &[&scan("0", &["bob@x.example"])]);
    assert!(changed(stage.pull().await.unwrap_err()));
    stage.answer("SSCAN", &["-WRONGTYPE Operation against a key\r\n"]);
    assert!(changed(stage.pull().await.unwrap_err()));
}

#[tokio::test]
async fn addresses_are_looked_up_in_what_is_still_there() {
    let stage = stage(set()).await;
    let values = ["bob@x.example".to_owned(), "x\r\nDEL optout".to_owned()];
    let mut connection = Connection::open(&stage.access, &key()).await.unwrap();
    let found = connection.ask(&values).await.unwrap();
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(found[0][0].cells, [Some("bob@x.example".to_owned())]);
    for (kind, why) in [("+none\r\n", "there is no key"), ("+hash\r\n", "something else")] {
        stage.answer("TYPE", &["+set\r\n"]);
        let mut connection = Connection::open(&stage.access, &key()).await.unwrap();
        stage.answer("TYPE", &[kind]);
        let error = connection.ask(&values).await.unwrap_err();
        assert!(matches!(error, RemoteError::Query { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn faults_of_the_connection() {
    let mut stage = stage(set()).await;
    stage.answer("TYPE", &["-NOAUTH Authentication required.\r\n"]);
    assert!(matches!(stage.pull().await, Err(RemoteError::Login { .. })));
    stage.answer("TYPE", &["-NOPERM this user may not 'bob@x.example'\r\n"]);
    let error = stage.pull().await.unwrap_err();
    assert!(matches!(error, RemoteError::Query { .. }), "{error}");
    assert!(!error.to_string().contains("bob"), "{error}");

    stage.answer("TYPE", &["+set\r\n"]);
    stage.script.lock().unwrap().retain(|(verb, _)| *verb != "SSCAN");
    let error = stage.pull().await.unwrap_err();
    assert!(matches!(error, RemoteError::Cut { .. }), "{error}");

    stage.access.timeout = Duration::from_secs(2);
    stage.script.lock().unwrap().push(("SSCAN", said(&[""])));
    assert!(matches!(stage.pull().await, Err(RemoteError::Timeout { .. })));
    let mut connection = Connection::open(&stage.access, &key()).await.unwrap();
    stage.answer("SISMEMBER", &[""]);
    let error = connection.ask(&["bob@x.example".to_owned()]).await.unwrap_err();
    assert!(matches!(error, RemoteError::Timeout { .. }), "{error}");
}
