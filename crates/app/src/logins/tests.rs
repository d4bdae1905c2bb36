//! Logins as a smarthost and the server of the tokens see them, each a script on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proxy::{Clock, NotDelivered, OwnMessage, PoolSettings, Smarthosts};
use relay::SmarthostId;
use smtp_session::sasl::Mechanism;
use smtp_session::{ClientSettings, Timeouts, UseTls};

use super::*;
use crate::config::{TokenGrant, TokenPlace};

type Said = Arc<Mutex<Vec<String>>>;

/// Accepts connections until the test ends, each in its turn.
fn server(mut serve: impl FnMut(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap());
        }
    });
    address
}

/// Takes mail from whoever shows one of the `good` responses to AUTH; refuses tokens as RFC 7628
/// s3.2.2 says, by a challenge first. What it heard about AUTH is in `said`.
fn smarthost(offers: &'static str, good: &Said, said: &Said) -> SocketAddr {
    let (good, said) = (Arc::clone(good), Arc::clone(said));
    server(move |stream| {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut stream = stream;
        let mut say = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).unwrap();
        say("220 smarthost.example");
        let mut content = false;
        while let Some(Ok(line)) = lines.next() {
            match line.get(..4).unwrap_or(&line) {
                "." => {
                    content = false;
                    say("250 2.0.0 taken");
                }
                _ if content => {}
                "EHLO" => say(&format!("250-smarthost.example\r\n250 AUTH {offers}")),
                "AUTH" => {
                    said.lock().unwrap().push(line.clone());
                    let response = line.split(' ').nth(2).unwrap_or_default().to_owned();
                    if good.lock().unwrap().contains(&response) {
                        say("235 2.7.0 welcome");
                        continue;
                    }
                    if !line.starts_with("AUTH PLAIN") {
                        say("334 eyJzdGF0dXMiOiI0MDEifQ==");
                        said.lock().unwrap().push(lines.next().unwrap().unwrap());
                    }
                    say("535 5.7.8 no");
                }
                "DATA" => {
                    content = true;
                    say("354 go on");
                }
                "QUIT" => {
                    say("221 2.0.0 bye");
                    break;
                }
                _ => say("250 2.0.0 fine"),
            }
        }
    })
}

/// Gives out what `answer` makes of the number of the request, and keeps the requests.
fn endpoint(
    said: &Said,
    mut answer: impl FnMut(usize) -> (u16, String) + Send + 'static,
) -> SocketAddr {
    let (said, mut count) = (Arc::clone(said), 0);
    server(move |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let first = head.lines().next().unwrap();
        let form = String::from_utf8(body).unwrap();
        said.lock().unwrap().push(format!("{first}|{form}"));
        let (code, body) = answer(count);
        count += 1;
        let length = body.len();
        let head = format!("HTTP/1.1 {code} X\r\ncontent-length: {length}\r\nconnection: close");
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
    })
}

fn token(token: &str, life: u64) -> (u16, String) {
    let text =
        format!("{{\"token_type\":\"Bearer\",\"access_token\":\"{token}\",\"expires_in\":{life}}}");
    (200, text)
}

fn xoauth2(token: &str) -> String {
    STANDARD.encode(format!("user=erp@corp.example\x01auth=Bearer {token}\x01\x01"))
}

fn login(secret: LoginSecret, mechanism: Option<Mechanism>) -> LoginSettings {
    LoginSettings { user: "erp@corp.example".to_owned(), secret, mechanism, without_tls: true }
}

fn grant(address: SocketAddr, folder: &Path) -> LoginSecret {
    let secret = folder.join("secret");
    std::fs::write(&secret, "hunter2&more\n").unwrap();
    LoginSecret::Token(TokenPlace::Grant(TokenGrant {
        url: format!("http://{address}/token"),
        client_id: "optgate".to_owned(),
        client_secret: Password::File(secret),
        scope: Some("https://outlook.office365.com/.default".to_owned()),
    }))
}

fn smarthosts(address: SocketAddr, settings: &LoginSettings) -> Smarthosts {
    let wait = Duration::from_secs(60);
    let one = proxy::SmarthostSettings {
        name: "main".to_owned(),
        address: address.to_string(),
        priority: 1,
        weight: 1,
        connect_timeout: wait,
        data_timeout: wait,
        connections: 9,
        pool: PoolSettings { idle: 1, idle_timeout: wait, age: wait, messages: 9 },
        client: Arc::new(ClientSettings {
            hostname: "gate.example".to_owned(),
            timeouts: Timeouts { command: wait, data_asked: wait, dot: wait },
            starttls: UseTls::Never,
        }),
        tls: None,
        login: Some(of("main", settings)),
        introduce: proxy::Introduce::Off,
    };
    Smarthosts::new(vec![one], vec![vec![SmarthostId(0)]], 1)
}

fn message() -> OwnMessage {
    OwnMessage {
        from: address::ReversePath::parse("<>").unwrap(),
        to: address::ForwardPath::parse("<postmaster@corp.example>").unwrap(),
        content: b"Subject: x\r\n\r\nx\r\n".to_vec(),
    }
}

async fn send(smarthosts: &Smarthosts) -> Result<(), NotDelivered> {
    smarthosts.deliver(Clock::start(), &message()).await
}

#[tokio::test]
async fn one_token_serves_all_until_the_smarthost_refuses_it_and_a_new_one_is_fetched_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (good, heard, asked) = (Said::default(), Said::default(), Said::default());
    good.lock().unwrap().push(xoauth2("t0"));
    let endpoint = endpoint(&asked, |count| token(&format!("t{count}"), 3600));
    let smarthost = smarthost("PLAIN XOAUTH2", &good, &heard);
    let gate = smarthosts(smarthost, &login(grant(endpoint, folder.path()), None));
    send(&gate).await.unwrap();
    send(&gate).await.unwrap();
    let form = "POST /token HTTP/1.1|grant_type=client_credentials&client_id=optgate\
                &client_secret=hunter2%26more&scope=https%3A%2F%2Foutlook.office365.com%2F.default";
    assert_eq!(*asked.lock().unwrap(), [form]);
    // Revoked: the message goes out all the same.
    *good.lock().unwrap() = vec![xoauth2("t1")];
    send(&gate).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
    let auth = |token: &str| format!("AUTH XOAUTH2 {}", xoauth2(token));
    // After the challenge that says why, an empty response.
    let all = [auth("t0"), auth("t0"), auth("t0"), String::new(), auth("t1")];
    assert_eq!(*heard.lock().unwrap(), all);
    // One that was new and is refused does not help by being fetched again at once.
    good.lock().unwrap().clear();
    assert_eq!(send(&gate).await, Err(NotDelivered::NoLogin));
    assert_eq!(asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn the_refusal_of_a_bearer_token_is_answered_by_one_octet() {
    let (good, heard) = (Said::default(), Said::default());
    let smarthost = smarthost("OAUTHBEARER XOAUTH2", &good, &heard);
    let argv = vec!["echo".to_owned(), "t0ken".to_owned()];
    let settings = login(LoginSecret::Token(TokenPlace::Command(argv)), None);
    assert_eq!(send(&smarthosts(smarthost, &settings)).await, Err(NotDelivered::NoLogin));
    let initial = STANDARD.encode("n,a=erp@corp.example,\x01auth=Bearer t0ken\x01\x01");
    assert_eq!(*heard.lock().unwrap(), [format!("AUTH OAUTHBEARER {initial}"), "AQ==".to_owned()]);
}

#[tokio::test]
async fn without_a_token_the_smarthost_is_not_even_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (good, heard, asked) = (Said::default(), Said::default(), Said::default());
    let endpoint = endpoint(&asked, |_| (401, "{\"error\":\"invalid_client\"}".to_owned()));
    let smarthost = smarthost("XOAUTH2", &good, &heard);
    let gate = smarthosts(smarthost, &login(grant(endpoint, folder.path()), None));
    assert_eq!(send(&gate).await, Err(NotDelivered::NoLogin));
    assert!(heard.lock().unwrap().is_empty());
    // Its next answer counts.
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn files_are_read_for_each_connection() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let (good, heard) = (Said::default(), Said::default());
    let plain = STANDARD.encode("\0erp@corp.example\0second");
    good.lock().unwrap().extend([plain, xoauth2("second")]);
    let of = |secret, mechanism| login(secret, Some(mechanism));
    for (settings, offers) in [
        (of(LoginSecret::Password(Password::File(file.clone())), Mechanism::Plain), "PLAIN"),
        (
            of(LoginSecret::Token(TokenPlace::File(file.clone())), Mechanism::XOauth2),
            "OAUTHBEARER XOAUTH2",
        ),
    ] {
        let gate = smarthosts(smarthost(offers, &good, &heard), &settings);
        let _ = std::fs::remove_file(&file);
        assert_eq!(send(&gate).await, Err(NotDelivered::NoLogin), "{offers}: no file");
        std::fs::write(&file, "\n").unwrap();
        assert_eq!(send(&gate).await, Err(NotDelivered::NoLogin), "{offers}: empty");
        std::fs::write(&file, "first\n").unwrap();
        assert_eq!(send(&gate).await, Err(NotDelivered::NoLogin), "{offers}: wrong");
        std::fs::write(&file, "second\n").unwrap();
        assert_eq!(send(&gate).await, Ok(()), "{offers}");
    }
}

#[tokio::test]
async fn who_waited_for_a_try_that_failed_does_not_try_again() {
    let folder = tempfile::tempdir().unwrap();
    let asked = Said::default();
    let waiting = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&waiting);
    let address = endpoint(&asked, move |_| {
        // Not before all of them wait.
        while seen.load(Ordering::Acquire) < 5 {
            std::thread::yield_now();
        }
        (500, "{}".to_owned())
    });
    let LoginSecret::Token(place) = grant(address, folder.path()) else { unreachable!() };
    let tokens = Arc::new(Tokens::new("main", place));
    let all = (0..5).map(|_| {
        let (tokens, waiting) = (Arc::clone(&tokens), Arc::clone(&waiting));
        async move {
            waiting.fetch_add(1, Ordering::Release);
            tokens.token().await
        }
    });
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(Result::is_err), "{all:?}");
    assert_eq!(asked.lock().unwrap().len(), 1);
}
