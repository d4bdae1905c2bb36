//! Lists on a web server: what is not whole does not come, and what is the same not again.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sources::{Fetched, Page, Password, RemoteError, Tls, Validators, WebAccess, fetch};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

struct Server {
    access: WebAccess,
    asked: Arc<Mutex<Vec<String>>>,
}

/// A server that gives each request the next answer, and then its connection ends; or goes on
/// without another word, where the answer ends in "...".
async fn server(answers: &[&str]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let access = WebAccess {
        url: format!("http://{}/lists/optout.csv", listener.local_addr().unwrap()),
        user: None,
        password: None,
        tls: Tls::Off,
        timeout: Duration::from_secs(20),
        limit: 1000,
    };
    let asked = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&asked);
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            shared.lock().unwrap().push(String::from_utf8(request).unwrap().to_ascii_lowercase());
            let (answer, stays) =
                answer.strip_suffix("...").map_or((answer.as_str(), false), |part| (part, true));
            stream.write_all(answer.as_bytes()).await.unwrap();
            while stays && stream.read_u8().await.is_ok() {}
        }
    });
    Server { access, asked }
}

impl Server {
    async fn fetch(&self, known: &Validators) -> Result<Fetched, RemoteError> {
        fetch(&self.access, known, &std::env::temp_dir()).await
    }

    async fn page(&self) -> Page {
        match self.fetch(&Validators::default()).await.unwrap() {
            Fetched::Page(page) => page,
            Fetched::NotModified => unreachable!("nothing was known"),
        }
    }

    async fn error(&self) -> RemoteError {
        self.fetch(&Validators::default()).await.unwrap_err()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn text(mut page: Page) -> String {
    let mut text = String::new();
    page.file.read_to_string(&mut text).unwrap();
    assert_eq!(text.len() as u64, page.bytes);
    text
}

const LIST: &str = "HTTP/1.1 200 OK\r\nETag: \"7\"\r\nLast-Modified: Wed, 01 May 2024 12:00:00 \
                    GMT\r\nContent-Length: 13\r\n\r\nbob@x.example";

#[tokio::test]
async fn a_list_comes_once() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Disposition: \
                   attachment; filename=\"cleaned.csv\"\r\n\r\n3\r\nbob\r\n2\r\n@x\r\n0\r\n\r\n";
    let server = server(&[LIST, "HTTP/1.1 304 Not Modified\r\n\r\n", chunked]).await;
    let page = server.page().await;
    assert_eq!(page.name, "optout.csv");
    let known = page.validators.clone();
    assert_eq!(known.etag.as_deref(), Some("\"7\""));
    assert_eq!(text(page), "bob@x.example");
    assert!(matches!(server.fetch(&known).await.unwrap(), Fetched::NotModified));
    let asked = server.asked();
    assert!(asked[0].starts_with("get /lists/optout.csv http/1.1\r\n"), "{}", asked[0]);
    assert!(!asked[0].contains("if-") && !asked[0].contains("authorization"), "{}", asked[0]);
    assert!(!asked[0].contains("accept-encoding"), "{}", asked[0]);
    assert!(asked[1].contains("if-none-match: \"7\"\r\n"), "{}", asked[1]);
    let since = "if-modified-since: wed, 01 may 2024 12:00:00 gmt\r\n";
    assert!(asked[1].contains(since), "{}", asked[1]);
    let page = server.page().await;
    assert_eq!((page.name.as_str(), &page.validators), ("cleaned.csv", &Validators::default()));
    assert_eq!(text(page), "bob@x");
}

#[tokio::test]
async fn what_is_not_whole_does_not_come() {
    for part in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nbob@x.example",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbob\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbob\r\nx\r\n",
    ] {
        let error = server(&[part]).await.error().await;
        assert!(matches!(error, RemoteError::Cut { .. }), "{part}: {error}");
    }
    for (part, why) in [
        ("HTTP/1.1 200 OK\r\n\r\nbob@x.example", "how long it is"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "more than 1000 bytes"),
        ("HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n\r\nbob", "206 Partial Content"),
        ("HTTP/1.1 304 Not Modified\r\n\r\n", "304 Not Modified"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nbob", "404 Not Found"),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", "503 Service Unavailable"),
    ] {
        let error = server(&[part]).await.error().await;
        assert!(matches!(error, RemoteError::Answer { .. }), "{part}: {error}");
        assert!(error.to_string().contains(why), "{part}: {error}");
    }
    let long = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n{}\r\n0\r\n\r\n",
        "x".repeat(1001)
    );
    let error = server(&[&long]).await.error().await;
    assert!(error.to_string().contains("more than 1000 bytes"), "{error}");
}

#[tokio::test]
async fn silence_has_a_limit() {
    for part in ["...", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbob..."] {
        let mut server = server(&[part]).await;
        server.access.timeout = Duration::from_millis(300);
        let error = server.error().await;
        assert!(matches!(error, RemoteError::Timeout { .. }), "{part}: {error}");
    }
}

#[tokio::test]
async fn logins() {
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), "hunter2\n").unwrap();
    let refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let mut server = server(&[LIST, LIST, refusal]).await;
    server.access.password = Some(Password::File(password.path().to_owned()));
    server.page().await;
    server.access.user = Some("bob".into());
    server.page().await;
    let error = server.error().await;
    assert!(matches!(error, RemoteError::Login { .. }), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let asked = server.asked();
    assert!(asked[0].contains("authorization: bearer hunter2\r\n"), "{}", asked[0]);
    // base64 of bob:hunter2, in small letters.
    assert!(asked[1].contains("authorization: basic ym9iomh1bnrlcji=\r\n"), "{}", asked[1]);
}

#[tokio::test]
async fn redirects_are_followed_some_way_and_without_the_login() {
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), "hunter2\n").unwrap();
    let to = |url: &str| {
        format!(
            "HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    };
    let other = server(&[LIST]).await;
    let mut first = server(&[&to("/b"), &to(&other.access.url)]).await;
    first.access.password = Some(Password::File(password.path().to_owned()));
    assert_eq!(text(first.page().await), "bob@x.example");
    assert!(first.asked()[1].contains("hunter2"));
    assert!(!other.asked()[0].contains("authorization"), "{}", other.asked()[0]);

    // Nor is the other host told where from, which may hold a key, and what the first one said.
    let other = server(&[LIST]).await;
    let mut first = server(&[&to("/b"), &to(&other.access.url)]).await;
    first.access.url.push_str("?key=hunter2");
    let known = Validators { etag: Some("\"7\"".into()), modified: None };
    assert!(matches!(first.fetch(&known).await.unwrap(), Fetched::Page(_)));
    assert!(first.asked().iter().all(|asked| asked.contains("if-none-match")));
    assert!(!first.asked()[1].contains("referer"), "{}", first.asked()[1]);
    let asked = other.asked().concat();
    assert!(!asked.contains("referer") && !asked.contains("if-none-match"), "{asked}");

    let endless = vec![to("/a"); 7];
    let endless: Vec<&str> = endless.iter().map(String::as_str).collect();
    let endless = server(&endless).await;
    let error = endless.error().await;
    assert!(error.to_string().contains("more than 5 redirects"), "{error}");
    assert_eq!(endless.asked().len(), 6);

    let error = server(&[&to("https://x.example/")]).await.error().await;
    assert!(matches!(error, RemoteError::Answer { .. }), "{error}");
    assert!(error.to_string().contains("a redirect to https://"), "{error}");
}

#[tokio::test]
async fn who_is_not_there_is_not_reached() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = server(&[]).await;
    server.access.url = format!("http://{free}/optout.csv?key=hunter2");
    let error = server.error().await;
    assert!(matches!(error, RemoteError::Unreachable { .. }), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
