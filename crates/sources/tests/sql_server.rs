//! A SQL Server that misbehaves: nothing it does makes a part of a list look like all of it.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::time::Duration;

use sources::{
    Access, Connection, Engine, Mark, Password, Pulled, Question, RemoteError, Since, Spool,
    SpoolWriter, Tls, pull,
};
use testkit::{TdsManner, TdsPeer, TdsTable, TdsType};

fn table() -> TdsTable {
    let row = |number: usize| {
        vec![
            Some(format!("p{number}@shop.example")),
            (number != 1).then(|| "besch\u{fc}tzt".to_owned()),
            Some(number.to_string()),
            Some(format!("0x{number:016X}")),
        ]
    };
    TdsTable {
        columns: vec![
            ("email", TdsType::NVarChar),
            ("reason", TdsType::VarChar),
            ("id", TdsType::Int),
            ("rv", TdsType::RowVersion),
        ],
        rows: (0..500).map(row).collect(),
    }
}

struct Stage {
    peer: TdsPeer,
    access: Access,
    _password: tempfile::NamedTempFile,
}

fn stage() -> Stage {
    let peer = TdsPeer::new(table()).unwrap();
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), "hunter2\n").unwrap();
    let access = Access {
        engine: Engine::SqlServer,
        url: format!("sqlserver://{}/crm", peer.address()),
        user: Some("reader".into()),
        password: Some(Password::File(password.path().to_owned())),
        tls: Tls::Off,
        timeout: Duration::from_secs(20),
    };
    Stage { peer, access, _password: password }
}

fn list() -> Question {
    Question::Sql("select email, reason, id, rv from optout".into())
}

fn one() -> Question {
    Question::Sql("select * from optout where email = @recipient".into())
}

impl Stage {
    async fn pull(&self, since: Option<&Since>) -> Result<(Pulled, Spool), RemoteError> {
        let mut rows = SpoolWriter::new(&std::env::temp_dir()).unwrap();
        let pulled = pull(&self.access, &list(), since, &mut rows).await?;
        Ok((pulled, rows.finish().unwrap()))
    }
}

#[tokio::test]
async fn a_list_is_read_whole_and_from_a_mark_on() {
    let stage = stage();
    let (pulled, spool) = stage.pull(None).await.unwrap();
    assert_eq!((pulled.rows, pulled.mark, spool.rows()), (500, None, 500));
    let mut reader = spool.reader().unwrap();
    assert_eq!(reader.columns(), ["email", "reason", "id", "rv"]);
    let mut cells = Vec::new();
    assert!(reader.next(&mut cells).unwrap());
    let text = |text: &str| Some(text.to_owned());
    let rv = |number: u64| text(&format!("0x{number:016X}"));
    assert_eq!(cells, [text("p0@shop.example"), text("beschützt"), text("0"), rv(0)]);
    assert!(reader.next(&mut cells).unwrap());
    assert_eq!(cells, [text("p1@shop.example"), None, text("1"), rv(1)]);

    let mut since = Since { column: "RV".into(), from: None };
    let (pulled, _) = stage.pull(Some(&since)).await.unwrap();
    let mark = Mark("binary:0x00000000000001F3".into());
    assert_eq!(pulled, Pulled { rows: 500, mark: Some(mark.clone()) });
    since = Since { column: "rv".into(), from: Some(mark.clone()) };
    let (pulled, spool) = stage.pull(Some(&since)).await.unwrap();
    assert_eq!((pulled, spool.rows()), (Pulled { rows: 1, mark: Some(mark) }, 1));
    let asked = stage.peer.asked().pop().unwrap();
    assert_eq!(
        asked.statement,
        "SELECT q.* FROM (\nselect email, reason, id, rv from optout\n) AS q WHERE q.[rv] >= \
         CONVERT(binary(8), @P1, 1) OR q.[rv] IS NULL ORDER BY q.[rv]"
    );
    assert_eq!(asked.values, ["0x00000000000001F3"]);

    since.column = "changed".into();
    let error = stage.pull(Some(&since)).await.unwrap_err().to_string();
    assert!(error.contains("no column changed"), "{error}");
}

#[tokio::test]
async fn addresses_are_asked_about_in_one_batch_and_never_part_of_it() {
    let stage = stage();
    let mut connection = Connection::open(&stage.access, &one()).await.unwrap();
    let values = ["P7@shop.example", "' or 1=1 --", "jos\u{e9}@shop.example", "p8@shop.example"];
    let found = connection.ask(&values.map(str::to_owned)).await.unwrap();
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 0, 1]);
    assert_eq!(found[0][0].cells[2].as_deref(), Some("7"));
    assert_eq!(&*found[3][0].columns, ["email", "reason", "id", "rv"]);
    let asked = stage.peer.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].values, values);
    assert!(!asked[0].statement.contains("1=1"));
    // NVARCHAR only where VARCHAR could not hold the address: see the module.
    assert_eq!(
        asked[0].declared,
        "@P1 varchar(8000),@P2 varchar(8000),@P3 nvarchar(4000),@P4 varchar(8000)"
    );

    let many: Vec<String> = (0..120).map(|n| format!("p{n}@shop.example")).collect();
    let found = connection.ask(&many).await.unwrap();
    assert!(found.len() == 120 && found.iter().all(|rows| rows.len() == 1));
    assert_eq!(stage.peer.asked().len(), 4);
    assert_eq!(connection.ask(&[]).await, Ok(Vec::new()));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_wherever_it_does() {
    let stage = stage();
    for rows in [0, 1, 250, 499] {
        for manner in [TdsManner::CutInRow(rows), TdsManner::CutBehindRow(rows)] {
            stage.peer.behave(manner);
            let error = stage.pull(None).await.unwrap_err();
            assert!(matches!(error, RemoteError::Cut { .. }), "{manner:?}: {error}");
        }
    }
    for manner in [TdsManner::CutInRow(0), TdsManner::CutBehindRow(0)] {
        stage.peer.behave(TdsManner::Well);
        let mut connection = Connection::open(&stage.access, &one()).await.unwrap();
        stage.peer.behave(manner);
        let error = connection.ask(&["p1@shop.example".to_owned()]).await.unwrap_err();
        assert!(matches!(error, RemoteError::Cut { .. }), "{manner:?}: {error}");
    }
}

#[tokio::test]
async fn no_beginning_of_an_answer_is_an_answer() {
    let stage = stage();
    let mut small = table();
    small.rows.truncate(2);
    stage.peer.hold(small);
    let mut whole = None;
    for bytes in 0..1000 {
        stage.peer.behave(TdsManner::CutAtByte(bytes));
        match stage.pull(None).await {
            Err(RemoteError::Cut { .. }) => {}
            Err(error) => unreachable!("cut at {bytes}: {error}"),
            Ok((pulled, _)) => {
                assert_eq!(pulled.rows, 2, "cut at {bytes}");
                whole = Some(bytes);
                break;
            }
        }
    }
    // As long as the answer is: four columns, two rows, and the end of them.
    assert!(whole.is_some_and(|bytes| bytes > 200), "{whole:?}");
}

#[tokio::test]
async fn an_error_in_the_middle_is_told_without_the_value_it_quotes() {
    let stage = stage();
    for rows in [0, 3] {
        stage.peer.behave(TdsManner::Fails(rows));
        let error = stage.pull(None).await.unwrap_err();
        assert!(matches!(error, RemoteError::Query { .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains("Conversion failed") && said.contains("(245)"), "{said}");
        assert!(!said.contains("bob"), "{said}");
        stage.peer.behave(TdsManner::FailsForGood(rows));
        let error = stage.pull(None).await.unwrap_err();
        assert!(matches!(error, RemoteError::Cut { .. }), "{error}");
        assert!(!error.to_string().contains("bob"), "{error}");
    }
}

#[tokio::test]
async fn silence_has_a_limit() {
    let mut stage = stage();
    stage.access.timeout = Duration::from_secs(2);
    let limit = stage.access.timeout;
    let timeout = Some(RemoteError::Timeout { server: stage.peer.address().to_string(), limit });
    for manner in [TdsManner::Mute, TdsManner::Silent(0), TdsManner::Silent(5)] {
        stage.peer.behave(manner);
        assert_eq!(stage.pull(None).await.err(), timeout, "{manner:?}");
    }
    stage.peer.behave(TdsManner::Well);
    let mut connection = Connection::open(&stage.access, &one()).await.unwrap();
    stage.peer.behave(TdsManner::Silent(0));
    assert_eq!(connection.ask(&["p1@shop.example".to_owned()]).await.err(), timeout);
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    let mut stage = stage();
    stage.peer.behave(TdsManner::RefusesLogin);
    let error = stage.pull(None).await.unwrap_err();
    assert!(matches!(error, RemoteError::Login { .. }), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");

    stage.peer.behave(TdsManner::DemandsTls);
    let error = stage.pull(None).await.unwrap_err();
    assert!(matches!(error, RemoteError::Tls { .. }), "{error}");
    assert!(error.to_string().contains("demands encryption"), "{error}");

    stage.peer.behave(TdsManner::Well);
    for tls in [Tls::Unverified, Tls::Verified { ca: None }] {
        stage.access.tls = tls;
        let error = stage.pull(None).await.unwrap_err();
        assert!(matches!(error, RemoteError::Tls { .. }), "{error}");
        assert!(error.to_string().contains("does not encrypt"), "{error}");
    }

    stage.access.password = Some(Password::File("/nowhere/password".into()));
    assert!(matches!(stage.pull(None).await, Err(RemoteError::Password { .. })));
}

#[tokio::test]
async fn what_does_not_speak_its_language_is_no_sql_server() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stage = stage();
    stage.access.url = format!("sqlserver://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example ESMTP\r\n")
            .await
            .unwrap();
    });
    let error = stage.pull(None).await.unwrap_err();
    assert!(matches!(error, RemoteError::Unreachable { .. } | RemoteError::Cut { .. }), "{error}");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    stage.access.url = format!("sqlserver://{free}");
    let error = stage.pull(None).await.unwrap_err();
    assert!(matches!(error, RemoteError::Unreachable { .. }), "{error}");
}
