//! A source on a web server, and one in a file of SQLite: both as they really are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Mutex;

use super::*;

/// A web server with one page.
struct Server {
    port: u16,
    page: Arc<Mutex<Served>>,
}

#[derive(Default)]
struct Served {
    body: String,
    /// Header lines besides the length.
    headers: String,
    /// The head of each request.
    asked: Vec<String>,
    /// Answers this instead.
    broken: Option<&'static str>,
}

fn server(body: &str, headers: &str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Served { body: body.into(), headers: headers.into(), ..Served::default() };
    let page = Arc::new(Mutex::new(served));
    let shared = Arc::clone(&page);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
            let mut page = shared.lock().unwrap();
            let tag = page.headers.lines().find_map(|line| line.strip_prefix("ETag: "));
            let known = tag.is_some_and(|tag| head.contains(&format!("if-none-match: {tag}")));
            let answer = match (page.broken, known) {
                (Some(broken), _) => broken.to_owned(),
                (None, true) => "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned(),
                (None, false) => format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}",
                    page.body.len(),
                    page.headers,
                    page.body
                ),
            };
            page.asked.push(head);
            drop(page);
            // The other side may have heard enough.
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read(&mut [0; 16]);
        }
    });
    Server { port, page }
}

impl Server {
    fn house(&self, more: &str) -> House {
        let house = house_of(&format!(
            "csv = \"http://127.0.0.1:{}/out/optouts.csv?key=secret\"\n{more}",
            self.port
        ));
        note_ages(&house.keeper, &house.settings.sources).unwrap();
        house
    }

    fn serves(&self, body: &str, headers: &str) {
        let mut page = self.page.lock().unwrap();
        (page.body, page.headers) = (body.to_owned(), headers.to_owned());
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.page.lock().unwrap().asked)
    }
}

fn once(house: &House, all: bool) -> Result<SyncOutcome, crate::error::AppError> {
    sync_once(&house.keeper, &house.settings, &house.settings.sources[0], all)
}

#[test]
fn a_page_is_fetched_and_fetched_again_only_when_it_is_another() {
    let server = server(&rows(0..20), "ETag: \"one\"\r\n");
    let house = server.house("");
    let first = once(&house, false).unwrap();
    assert_eq!((first.rows, first.added), (20, 20));
    let before = house.state();
    let same = once(&house, false).unwrap();
    assert_eq!((same.changed, same.rows), (false, 20));
    assert!(house.state().last_success > before.last_success);
    let asked = server.asked();
    assert!(!asked[0].contains("if-none-match"), "{asked:?}");
    assert!(asked[1].contains("if-none-match: \"one\""), "{asked:?}");
    server.serves(&rows(0..21), "ETag: \"two\"\r\n");
    assert_eq!(once(&house, false).unwrap().added, 1);
    assert_eq!(once(&house, true).unwrap().known, 21);
    assert!(!server.asked().pop().unwrap().contains("if-none-match"));
    house.keeper.stop();
}

#[test]
fn a_server_that_breaks_off_or_is_gone_changes_nothing() {
    let server = server(&rows(0..20), "ETag: \"one\"\r\n");
    let house = server.house("");
    once(&house, false).unwrap();
    let before = house.state();
    for broken in [
        "HTTP/1.1 200 OK\r\nContent-Length: 400\r\nConnection: close\r\n\r\nemail\nu99@example.com\n",
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ] {
        server.page.lock().unwrap().broken = Some(broken);
        let why = once(&house, false).unwrap_err().to_string();
        assert!(!why.contains("secret"), "{why}");
        let after = house.state();
        assert_eq!((&after.cursor, after.last_success), (&before.cursor, before.last_success));
        assert!(after.last_error.is_some());
        assert_eq!(house.keeper.index().load().len(), 20);
    }
    server.page.lock().unwrap().broken = None;
    once(&house, false).unwrap();
    assert_eq!(house.state().last_error, None);
    house.keeper.stop();
}

#[test]
fn its_age_counts_from_what_the_server_says_of_it() {
    let server = server(&rows(0..2), "Last-Modified: Fri, 21 Oct 2011 11:02:55 GMT\r\n");
    let house = server.house("max_age = \"7d\"\n");
    let watch = house.watch();
    let asked = house.look_up("a@example.com");
    assert!(matches!(&asked, Lookup::Unknown(why) if why.contains("2011-10-21")), "{asked:?}");
    server.serves(&rows(0..2), "");
    watch.orders().sync("crm", true).unwrap();
    house.wait_until("known", |house| house.look_up("a@example.com") == Lookup::Clear);
    drop(watch);
    house.keeper.stop();
}

#[test]
fn a_file_of_sqlite_is_kept_in_step() {
    let house = house_of(
        "sqlite = \"crm.db\"\nquery = \"SELECT email, changed FROM o\"\nwatermark = \"changed\"\n",
    );
    note_ages(&house.keeper, &house.settings.sources).unwrap();
    let gone = once(&house, false).unwrap_err().to_string();
    assert!(gone.contains("crm.db"), "{gone}");
    let path = house.folder.path().join("crm.db");
    let run = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    run(
        "CREATE TABLE o (email TEXT, changed INTEGER); INSERT INTO o VALUES ('a@example.com', 1), ('b@example.com', 2)",
    );
    let first = once(&house, false).unwrap();
    assert_eq!((first.whole, first.added), (true, 2));
    run("INSERT INTO o VALUES ('c@example.com', 3)");
    let next = once(&house, false).unwrap();
    assert_eq!((next.whole, next.rows, next.added), (false, 2, 1));
    assert!(matches!(house.look_up("c@example.com"), Lookup::Suppressed(_)));
    house.keeper.stop();
}
