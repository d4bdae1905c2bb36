//! Somebody who may send tries to reach a person who opted out: every way to write the address,
//! by every entrance, at every moment of a session. What the smarthost was told is heard byte by
//! byte on its way there.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use e2e::{
    Aiosmtpd, Authority, Dialogue, Encrypted, Gate, Haproxy, Reply, Scratch, Secured, Setup,
    free_port,
};

const LIST: &str = "Email Address,Opted out\njoe@opt.example,2026-03-02\n\
                    joe@b\u{fc}cher.example,2026-03-02\n";

/// Ways to write `joe@opt.example` and `joe@bücher.example`, or to have them mailed.
const FORMS: &[&str] = &[
    "<joe@opt.example>",
    "<joe%opt.example@relay.example>",
    "<\"joe@opt.example\"@relay.example>",
    "<\"joe%opt.example\"@relay.example>",
    "<opt.example!joe@relay.example>",
    "<opt.example!joe>",
    "<@relay.example:joe@opt.example>",
    "<@a.example,@b.example:joe@opt.example>",
    "<joe@opt.example@relay.example>",
    "<\"joe\"@opt.example>",
    "<\"j\\oe\"@opt.example>",
    "<JOE@OPT.EXAMPLE>",
    "<joe@opt.example.>",
    "<joe@[192.0.2.66]>",
    "<joe@[IPv6:2001:db8::66]>",
    "<joe(comment)@opt.example>",
    "joe@opt.example",
    "< joe@opt.example>",
    "<joe@opt.example >",
    "<joe+tag@opt.example>",
    "<joe@opt.example> ORCPT=rfc822;alice@example.com",
    "<joe@opt.example> NOTIFY=NEVER",
    "<joe@xn--bcher-kva.example>",
    "<JOE@XN--BCHER-KVA.EXAMPLE>",
    "<joe@b\u{fc}cher.example>",
];

/// What comes before the recipient that must be refused. Nothing of it reaches the smarthost but
/// one message to alice, with `second`.
const MOMENTS: &[(&str, &[&str])] = &[
    ("first", &[]),
    ("after RSET", &["MAIL FROM:<shop@corp.example>", "RSET"]),
    ("after EHLO", &["MAIL FROM:<shop@corp.example>", "EHLO again.test"]),
    ("after a refused DATA", &["MAIL FROM:<shop@corp.example>", "DATA", "RSET"]),
    ("after a routed sender", &["MAIL FROM:<@opt.example:joe@corp.example>", "RSET"]),
];

/// All that the gate sends to a server.
struct Ear {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Ear {
    fn on(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&heard);
        std::thread::spawn(move || {
            for gate in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                let (gate_out, server_in) =
                    (gate.try_clone().unwrap(), server.try_clone().unwrap());
                let all = Arc::clone(&all);
                std::thread::spawn(move || {
                    pass(gate, server, |bytes| all.lock().unwrap().extend(bytes))
                });
                std::thread::spawn(move || pass(server_in, gate_out, |_| ()));
            }
        });
        Self { address, heard }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }
}

/// Every byte is heard before it is passed on.
fn pass(mut from: TcpStream, mut to: TcpStream, mut hear: impl FnMut(&[u8])) {
    let mut part = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut part) {
        let bytes = part.get(..read).unwrap_or_default();
        hear(bytes);
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// A session, in clear or under TLS.
enum Talk {
    Clear(Dialogue),
    Tls(Encrypted),
}

impl Talk {
    fn ask(&mut self, line: &str) -> Reply {
        let reply = match self {
            Self::Clear(talk) => talk.ask(line),
            Self::Tls(talk) => talk.ask(line),
        };
        reply.unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn expect(&mut self, line: &str, code: u16) {
        let reply = self.ask(line);
        assert_eq!(reply.code, code, "{line}: {reply:?}");
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Clear(talk) => talk.send(bytes),
            Self::Tls(talk) => talk.send(bytes),
        }
    }

    fn read(&mut self) -> Reply {
        let reply = match self {
            Self::Clear(talk) => talk.read(),
            Self::Tls(talk) => talk.read(),
        };
        reply.unwrap()
    }
}

/// The gate behind its entrances.
struct Place {
    server: Aiosmtpd,
    ear: Ear,
    gate: Gate,
    with_login: SocketAddr,
    behind_proxy: SocketAddr,
    with_xclient: SocketAddr,
}

impl Place {
    fn new(scratch: &Scratch) -> Self {
        let authority = Authority::new(scratch, "authority");
        let server = Aiosmtpd::start(scratch);
        let ear = Ear::on(server.address);
        let [with_login, behind_proxy, with_xclient] = [(); 3].map(|()| free_port());
        let mut setup = Setup::new(ear.address);
        setup.list = LIST.to_owned();
        let more = [
            (with_login, "allow = [\"login\"]\ntls = \"required\"\nauth = \"users\""),
            (behind_proxy, "allow = [\"127.0.0.0/8\"]\nproxy_protocol = [\"127.0.0.1\"]"),
            (
                with_xclient,
                "allow = [\"192.0.2.0/24\"]\nxclient = [\"127.0.0.1\"]\nrefuse_at = \"mail\"",
            ),
        ];
        for (address, lines) in more {
            writeln!(setup.tables, "[[listener]]\naddress = \"{address}\"\n{lines}\n").unwrap();
        }
        let (certificate, key) = (authority.certificate.display(), authority.key.display());
        write!(
            setup.tables,
            "[users]\nfile = \"optgate.users\"\n[[certificate]]\ncertificate = \"{certificate}\"\n\
             key = \"{key}\"\n[limits]\nerrors = 10000\nidle_commands = 10000\n"
        )
        .unwrap();
        let gate = Gate::start(&scratch.path().join("gate"), &setup);
        std::fs::write(gate.folder().join("password"), Secured::PASSWORD).unwrap();
        let ran = gate.ask(&["user", "add", Secured::USER, "--password-file", "password"]);
        assert_eq!(ran.code, 0, "{}", ran.text());
        Self { server, ear, gate, with_login, behind_proxy, with_xclient }
    }

    /// Every form at every moment of one session, and alone beside somebody who may be mailed.
    fn tries(&self, mut talk: Talk) {
        for form in FORMS {
            for (moment, before) in MOMENTS {
                for line in *before {
                    talk.ask(line);
                }
                talk.expect("MAIL FROM:<shop@corp.example> SMTPUTF8", 250);
                let reply = talk.ask(&format!("RCPT TO:{form}"));
                assert!(reply.code >= 500, "{form}, {moment}: {reply:?}");
                let reply = talk.ask("DATA");
                assert!(reply.code >= 500, "{form}, {moment}: {reply:?}");
                // Once more where DATA was refused.
                let reply = talk.ask(&format!("RCPT TO:{form}"));
                assert!(reply.code >= 500, "{form}, {moment}, again: {reply:?}");
                talk.expect("RSET", 250);
            }
            // In one write.
            let group =
                format!("MAIL FROM:<shop@corp.example> SMTPUTF8\r\nRCPT TO:{form}\r\nDATA\r\n");
            talk.send(group.as_bytes()).unwrap();
            let replies = [talk.read(), talk.read(), talk.read()];
            assert_eq!(replies[0].code, 250, "{form}: {replies:?}");
            assert!(replies[1].code >= 500 && replies[2].code >= 500, "{form}: {replies:?}");
            talk.expect("RSET", 250);
        }
        let all = self.ear.text();
        assert!(!all.contains("RCPT"), "nobody was to be shown: {all}");
        // Beside alice, in the first transaction of the smarthost and in later ones.
        for form in FORMS {
            talk.expect("MAIL FROM:<shop@corp.example>", 250);
            talk.expect("RCPT TO:<alice@example.com>", 250);
            let reply = talk.ask(&format!("RCPT TO:{form}"));
            assert!(reply.code >= 500, "{form}, beside alice: {reply:?}");
            talk.expect("DATA", 354);
            talk.send(b"From: shop@corp.example\r\nSubject: news\r\n\r\nHello\r\n").unwrap();
            talk.expect(".", 250);
        }
        talk.expect("QUIT", 221);
        let all = self.ear.text().to_lowercase();
        assert!(all.contains("rcpt to:<alice@example.com>"), "{all}");
        assert!(!all.contains("joe") && !all.contains("opt.example"), "{all}");
        assert!(!all.contains("b\u{fc}cher") && !all.contains("bcher"), "{all}");
        let taken = self.server.taken();
        assert_eq!(taken.len(), FORMS.len());
        for message in taken {
            assert_eq!(message.to, ["alice@example.com"]);
        }
    }
}

fn clear(address: SocketAddr) -> Talk {
    let (talk, greeting) = Dialogue::open(address).unwrap();
    assert_eq!(greeting.code, 220, "{greeting:?}");
    let mut talk = Talk::Clear(talk);
    talk.expect("EHLO client.test", 250);
    talk
}

#[test]
fn from_an_allowed_network_aiosmtpd_openssl() {
    let scratch = Scratch::new();
    let place = Place::new(&scratch);
    place.tries(clear(place.gate.address));
}

#[test]
fn with_a_login_under_tls_aiosmtpd_openssl() {
    let scratch = Scratch::new();
    let place = Place::new(&scratch);
    let mut talk = Talk::Tls(Encrypted::open(place.with_login, &["-starttls", "smtp", "-quiet"]));
    talk.expect("EHLO client.test", 250);
    talk.expect("MAIL FROM:<shop@corp.example>", 530);
    talk.expect("AUTH PLAIN AGVycABhdWYgJiB6dSA3IQ==", 235);
    place.tries(talk);
}

#[test]
fn behind_a_front_end_haproxy_aiosmtpd_openssl() {
    let scratch = Scratch::new();
    let place = Place::new(&scratch);
    let front = Haproxy::start(&scratch, place.behind_proxy, "send-proxy-v2");
    place.tries(clear(front.address));
}

#[test]
fn after_xclient_aiosmtpd_openssl() {
    let scratch = Scratch::new();
    let place = Place::new(&scratch);
    let mut talk = clear(place.with_xclient);
    talk.expect("MAIL FROM:<shop@corp.example>", 550);
    talk.expect("XCLIENT ADDR=192.0.2.7", 220);
    talk.expect("EHLO client.test", 250);
    place.tries(talk);
}
