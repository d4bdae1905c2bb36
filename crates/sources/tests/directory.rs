//! A directory that misbehaves: what it gives in part is no list, and no answer.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::time::Duration;

use sources::{Access, Connection, Engine, Pulled, Question, RemoteError, SpoolWriter, Tls, pull};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A value of ASN.1.
fn ber(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let mut bytes = vec![tag, u8::try_from(content.len()).unwrap()];
    bytes.extend(content);
    bytes
}

fn message(operation: &[u8]) -> Vec<u8> {
    ber(0x30, &[&[2, 1, 1], operation])
}

/// SearchResultEntry.
fn entry(mail: &str) -> Vec<u8> {
    let values = ber(0x31, &[&ber(4, &[mail.as_bytes()])]);
    let attribute = ber(0x30, &[&ber(4, &[b"mail"]), &values]);
    message(&ber(0x64, &[&ber(4, &[b"cn=x"]), &ber(0x30, &[&attribute])]))
}

/// SearchResultReference.
fn reference() -> Vec<u8> {
    message(&ber(0x73, &[&ber(4, &[b"ldap://other.example/"])]))
}

/// SearchResultDone.
fn done(code: u8) -> Vec<u8> {
    message(&ber(0x65, &[&[0x0a, 1, code], &[4, 0], &ber(4, &[b"said 'bob@x.example'"])]))
}

/// A directory that answers the first search with these bytes; then it goes, or says no more.
async fn directory(answer: Vec<u8>, stays: bool) -> Access {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 1024];
        assert!(stream.read(&mut asked).await.unwrap() > 0);
        stream.write_all(&answer).await.unwrap();
        while stays && stream.read(&mut asked).await.unwrap_or(0) > 0 {}
    });
    let timeout = Duration::from_secs(20);
    Access { engine: Engine::Ldap, url, user: None, password: None, tls: Tls::Off, timeout }
}

fn question(filter: &str) -> Question {
    Question::Ldap {
        base: "dc=corp,dc=example".into(),
        filter: filter.into(),
        attributes: vec!["mail".into()],
    }
}

async fn read(access: &Access) -> Result<Pulled, RemoteError> {
    let mut rows = SpoolWriter::new(&std::env::temp_dir()).unwrap();
    pull(access, &question("(mail=*)"), None, &mut rows).await
}

async fn ask(access: &Access) -> Result<usize, RemoteError> {
    let mut connection = Connection::open(access, &question("(mail=@recipient)")).await?;
    let mut found = connection.ask(&["bob@x.example".to_owned()]).await?;
    assert_eq!(found.len(), 1);
    Ok(found.pop().unwrap().len())
}

#[tokio::test]
async fn what_is_whole_counts_and_references_do_not() {
    let whole = [entry("bob@x.example"), reference(), entry("eve@x.example"), done(0)].concat();
    let pulled = read(&directory(whole.clone(), true).await).await.unwrap();
    assert_eq!(pulled, Pulled { rows: 2, mark: None });
    assert_eq!(ask(&directory(whole, true).await).await, Ok(2));
    assert_eq!(ask(&directory(done(0), true).await).await, Ok(0));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let whole = [entry("bob@x.example"), entry("eve@x.example"), done(0)].concat();
    let garbled = [entry("bob@x.example"), vec![0x30, 0x03, 0x02, 0x01]].concat();
    for broken in [Vec::new(), whole[..20].to_vec(), entry("bob@x.example"), garbled] {
        let error = read(&directory(broken.clone(), false).await).await.unwrap_err();
        assert!(matches!(error, RemoteError::Cut { .. }), "{error}");
        let error = ask(&directory(broken, false).await).await.unwrap_err();
        assert!(matches!(error, RemoteError::Cut { .. }), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_stops_at_a_limit_is_an_error() {
    for code in [3, 4, 10, 11, 50, 80] {
        let part = [entry("bob@x.example"), done(code)].concat();
        for error in [
            read(&directory(part.clone(), true).await).await.unwrap_err(),
            ask(&directory(part.clone(), true).await).await.unwrap_err(),
        ] {
            assert!(matches!(error, RemoteError::Query { .. }), "{code}: {error}");
            assert!(!error.to_string().contains("bob"), "{error}");
            assert_eq!(error.to_string().contains("size limit"), code == 4, "{error}");
        }
    }
}

#[tokio::test]
async fn silence_has_a_limit() {
    for part in [Vec::new(), entry("bob@x.example")] {
        let mut access = directory(part, true).await;
        access.timeout = Duration::from_millis(300);
        let error = read(&access).await.unwrap_err();
        assert!(matches!(error, RemoteError::Timeout { .. }), "{error}");
    }
}

#[tokio::test]
async fn nobody_is_bound_with_a_name_and_without_a_password() {
    let mut access = directory(done(0), true).await;
    access.user = Some("cn=reader".into());
    assert!(matches!(read(&access).await, Err(RemoteError::Password { .. })));
}
