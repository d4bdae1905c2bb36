//! Both ends of TLS in memory: handshakes cut anywhere, who is believed, what changes on disk.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use relay::TlsFacts;
use smtp_session::Moment;
use tempfile::TempDir;

use super::certificates::{Certificates, Refreshed};
use super::channel::{Channel, KEPT_MAX};
use super::client::{ClientMode, ClientTls, ClientTlsSettings};
use super::identity::key_digest;
use super::pair::{Pair, PairFiles};
use super::server::{Begin, ServerTls};

const SAMPLES: [(&str, &str); 10] = [
    ("authority.pem", include_str!("samples/authority.pem")),
    ("stranger.pem", include_str!("samples/stranger.pem")),
    ("mail.pem", include_str!("samples/mail.pem")),
    ("mail.key", include_str!("samples/mail.key")),
    ("star.pem", include_str!("samples/star.pem")),
    ("star.key", include_str!("samples/star.key")),
    ("client.pem", include_str!("samples/client.pem")),
    ("client.key", include_str!("samples/client.key")),
    ("other.pem", include_str!("samples/other.pem")),
    ("other.key", include_str!("samples/other.key")),
];

/// 2027: all samples hold.
const NOW: i64 = 1_800_000_000;

/// A folder with the samples.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, _) in SAMPLES {
            folder.copy(name, name);
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a sample under a name, as a new file.
    fn copy(&self, sample: &str, name: &str) {
        let (_, text) = SAMPLES.iter().find(|(known, _)| *known == sample).unwrap();
        let new = self.path("new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    fn pair(&self, name: &str) -> PairFiles {
        let file = |ending| self.path(&format!("{name}.{ending}"));
        PairFiles { certificate: file("pem"), key: file("key") }
    }

    fn server(&self, names: &[&str], ca: Option<&str>) -> ServerTls {
        let pairs: Vec<_> = names.iter().map(|name| self.pair(name)).collect();
        let certificates = Arc::new(Certificates::read(&pairs).unwrap());
        let ca = ca.map(|name| self.path(name));
        ServerTls::new(Begin::StartTls, certificates, ca.as_deref()).unwrap()
    }

    fn client(&self, change: impl FnOnce(&mut ClientTlsSettings)) -> ClientTls {
        let mut settings = ClientTlsSettings {
            mode: ClientMode::Required,
            name: "mail.example.com".to_owned(),
            ca: Some(self.path("authority.pem")),
            pins: Vec::new(),
            certificate: None,
        };
        change(&mut settings);
        ClientTls::new(settings).unwrap()
    }
}

/// Brings what one end says to the other, in pieces; tells what was heard.
fn carry(from: &mut Channel, to: &mut Channel, piece: usize) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    let sealed = std::mem::take(from.output());
    for piece in sealed.chunks(piece) {
        let mut input = to.kept().to_vec();
        input.extend_from_slice(piece);
        let mut into = [0; 100];
        let filled = to.hear(&mut input, &mut into)?;
        heard.extend_from_slice(&into[..filled]);
        while let Some(taken @ 1..) = to.take_plain(&mut into)? {
            heard.extend_from_slice(&into[..taken]);
        }
    }
    Ok(heard)
}

/// The handshake; both ends, the client's first.
fn shake_in(
    server: &ServerTls,
    client: &ClientTls,
    piece: usize,
) -> io::Result<(Channel, Channel)> {
    let mut pair = (client.connect().unwrap(), server.accept().unwrap());
    while pair.0.has_output() || pair.1.has_output() {
        assert!(carry(&mut pair.0, &mut pair.1, piece)?.is_empty());
        assert!(carry(&mut pair.1, &mut pair.0, piece)?.is_empty());
    }
    assert!(!pair.0.is_handshaking() && !pair.1.is_handshaking());
    Ok(pair)
}

fn shake(server: &ServerTls, client: &ClientTls) -> io::Result<(Channel, Channel)> {
    shake_in(server, client, usize::MAX)
}

fn facts(server: &ServerTls, channel: &Channel) -> TlsFacts {
    server.facts(channel, Moment::new(Duration::ZERO, NOW * 1_000_000))
}

/// The name in the certificate that the server showed.
fn shown(channel: &Channel) -> String {
    super::identity::Identity::of(&channel.peer_certificates()[0]).unwrap().label
}

#[test]
fn a_handshake_and_what_follows_may_be_cut_anywhere() {
    let folder = Folder::new();
    let (server, client) = (folder.server(&["mail"], None), folder.client(|_| {}));
    for piece in [1, 2, 7, 100, 1000, usize::MAX] {
        let (mut client, mut gate) = shake_in(&server, &client, piece).unwrap();
        let facts = facts(&server, &gate);
        assert_eq!(facts.protocol, "TLSv1.3");
        assert!(facts.cipher.starts_with("TLS_AES_"), "{}", facts.cipher);
        let long = vec![b'x'; 40_000];
        for text in [&b"EHLO a\r\n"[..], b"250 b\r\n", &long] {
            let mut rest = text;
            while !rest.is_empty() {
                let taken = client.seal(rest).unwrap();
                rest = &rest[taken..];
            }
            assert_eq!(carry(&mut client, &mut gate, piece).unwrap(), text);
            gate.seal(b"250 ok\r\n").unwrap();
            assert_eq!(carry(&mut gate, &mut client, piece).unwrap(), b"250 ok\r\n");
        }
    }
}

#[test]
fn a_session_at_rest_owns_no_buffer() {
    let folder = Folder::new();
    let (mut client, mut gate) =
        shake(&folder.server(&["mail"], None), &folder.client(|_| {})).unwrap();
    // Its tickets are no more than that.
    assert!(client.is_quiet() && gate.is_quiet());
    client.seal(&[b'x'; 16_000]).unwrap();
    carry(&mut client, &mut gate, 999).unwrap();
    assert_eq!((gate.buffered(), client.output().len()), (0, 0));
}

#[test]
fn an_end_is_one_only_when_it_was_said() {
    let folder = Folder::new();
    let (server, client) = (folder.server(&["mail"], None), folder.client(|_| {}));
    let (mut closing, mut gate) = shake(&server, &client).unwrap();
    closing.seal(b"QUIT\r\n").unwrap();
    closing.close();
    assert_eq!(carry(&mut closing, &mut gate, usize::MAX).unwrap(), b"QUIT\r\n");
    assert_eq!(gate.take_plain(&mut [0; 9]).unwrap(), Some(0));
    assert!(!gate.is_quiet());
    // The other half is still open.
    gate.seal(b"221 bye\r\n").unwrap();
    assert_eq!(carry(&mut gate, &mut closing, usize::MAX).unwrap(), b"221 bye\r\n");

    let (_, mut gate) = shake(&server, &client).unwrap();
    assert_eq!(gate.cut_off().kind(), io::ErrorKind::UnexpectedEof);
    assert!(gate.take_plain(&mut [0; 9]).is_err() && !gate.is_quiet());
}

#[test]
fn a_changed_octet_breaks_the_connection() {
    let folder = Folder::new();
    let (server, client) = (folder.server(&["mail"], None), folder.client(|_| {}));
    let (mut client, mut gate) = shake(&server, &client).unwrap();
    client.seal(b"RCPT TO:<a@b.example>\r\n").unwrap();
    *client.output().last_mut().unwrap() ^= 1;
    assert!(carry(&mut client, &mut gate, usize::MAX).is_err());
    assert!(gate.has_output(), "an alert");
    assert!(gate.take_plain(&mut [0; 9]).is_err());
}

#[test]
fn commands_in_the_clear_are_no_handshake() {
    let folder = Folder::new();
    let server = folder.server(&["mail"], None);
    for text in [&b"EHLO a\r\n"[..], b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"] {
        let mut gate = server.accept().unwrap();
        assert!(gate.hear(&mut text.to_vec(), &mut [0; 100]).is_err());
    }
}

#[test]
fn a_handshake_without_end_is_not_kept() {
    let folder = Folder::new();
    let mut gate = folder.server(&["mail"], None).accept().unwrap();
    let mut result = Ok(0);
    // A ClientHello of 65,535 octets, in records of 16,384.
    let mut record = vec![22, 3, 1, 0x40, 0];
    record.extend_from_slice(&[1, 0, 0xff, 0xff]);
    record.resize(5 + 0x4000, 0);
    for _ in 0..4 {
        let mut input = gate.kept().to_vec();
        input.extend_from_slice(&record);
        result = gate.hear(&mut input, &mut []);
        assert!(gate.kept().len() <= KEPT_MAX);
        if result.is_err() {
            break;
        }
        record[5..9].fill(0);
    }
    assert!(result.is_err());
}

#[test]
fn the_certificate_is_the_one_for_the_name_that_is_asked_for() {
    let folder = Folder::new();
    let server = folder.server(&["mail", "star", "other"], None);
    for (asked, common) in [
        ("mail.example.com", "mail.example.com"),
        ("MX.Example.ORG", "*.example.org"),
        ("a.b.example.org", "mail.example.com"),
        ("example.org", "mail.example.com"),
        ("other.example.net", "other"),
        ("unknown.example", "mail.example.com"),
        ("127.0.0.1", "mail.example.com"),
    ] {
        let client = folder.client(|settings| {
            settings.mode = ClientMode::Opportunistic { fall_back: true };
            settings.name = asked.to_owned();
        });
        let (client, _) = shake(&server, &client).unwrap();
        assert_eq!(shown(&client), common, "{asked}");
    }
}

#[test]
fn a_smarthost_must_be_who_it_should_be() {
    let folder = Folder::new();
    let digest = |name: &str| {
        let pair = Pair::read(&folder.pair(name)).unwrap();
        key_digest(&pair.key.cert[0]).unwrap()
    };
    let (mail, other) = (digest("mail"), digest("other"));
    type Change = Box<dyn Fn(&mut ClientTlsSettings)>;
    let cases: [(&str, &str, Change, bool); 8] = [
        ("mail", "by chain and name", Box::new(|_| {}), true),
        ("mail", "another name", Box::new(|s| s.name = "mx.example.com".to_owned()), false),
        (
            "other",
            "another authority",
            Box::new(|s| s.name = "other.example.net".to_owned()),
            false,
        ),
        ("client", "no server's", Box::new(|s| s.name = "shop".to_owned()), false),
        ("other", "its key", Box::new(move |s| s.pins = vec![mail, other]), true),
        ("mail", "another key", Box::new(move |s| s.pins = vec![other]), false),
        (
            "other",
            "anybody",
            Box::new(|s| s.mode = ClientMode::Opportunistic { fall_back: false }),
            true,
        ),
        ("mail", "implicit", Box::new(|s| s.mode = ClientMode::Implicit), true),
    ];
    for (server, what, change, good) in cases {
        let result = shake(&folder.server(&[server], None), &folder.client(change));
        assert_eq!(result.is_ok(), good, "{what}");
    }
}

#[test]
fn the_certificate_of_a_client_counts_only_from_an_authority_of_ours() {
    let folder = Folder::new();
    let server = folder.server(&["mail"], Some("authority.pem"));
    let with = |certificate: Option<&str>| {
        let client = folder.client(|s| s.certificate = certificate.map(|name| folder.pair(name)));
        let (mut client, mut gate) = shake(&server, &client).unwrap();
        // The handshake holds in any case.
        client.seal(b"EHLO a\r\n").unwrap();
        assert_eq!(carry(&mut client, &mut gate, 50).unwrap(), b"EHLO a\r\n");
        facts(&server, &gate).certificate
    };
    assert_eq!(with(Some("client")).as_deref(), Some("shop"));
    assert_eq!(with(Some("other")), None, "from another authority");
    assert_eq!(with(Some("mail")), None, "a server's");
    assert_eq!(with(None), None);
    let client = folder.client(|s| s.certificate = Some(folder.pair("client")));
    let (_, gate) = shake(&server, &client).unwrap();
    let late = Moment::new(Duration::ZERO, 10_000_000_000_000_000);
    assert_eq!(server.facts(&gate, late).certificate, None, "it has ended");
    // Nobody asks.
    let server = folder.server(&["mail"], None);
    let (_, gate) = shake(&server, &client).unwrap();
    assert_eq!(facts(&server, &gate).certificate, None);
}

#[test]
fn a_changed_certificate_is_in_use_for_new_sessions_only() {
    let folder = Folder::new();
    let server = folder.server(&["mail"], None);
    // A new one each time, which takes no session up again.
    let new = || {
        let client = folder.client(|s| s.mode = ClientMode::Opportunistic { fall_back: true });
        shake(&server, &client).unwrap()
    };
    let (mut client, mut gate) = new();
    assert!(server.certificates().refresh().is_empty(), "nothing has changed");

    // The first of two files is written: they do not belong together.
    folder.copy("other.pem", "mail.pem");
    let told = server.certificates().refresh();
    let [Refreshed::Kept(fault)] = &told[..] else { panic!("{told:?}") };
    assert!(fault.to_string().contains("mail.key: is not the key of"), "{fault}");
    assert_eq!(shown(&new().0), "mail.example.com");

    folder.copy("other.key", "mail.key");
    assert!(matches!(&server.certificates().refresh()[..], [Refreshed::Read(_)]));
    assert_eq!(shown(&new().0), "other");
    assert!(server.certificates().refresh().is_empty());

    client.seal(b"NOOP\r\n").unwrap();
    assert_eq!(carry(&mut client, &mut gate, 9).unwrap(), b"NOOP\r\n");
}

#[test]
fn changed_authorities_of_clients_are_in_use() {
    let folder = Folder::new();
    let server = folder.server(&["mail"], Some("stranger.pem"));
    let client = folder.client(|s| s.certificate = Some(folder.pair("client")));
    let named = || facts(&server, &shake(&server, &client).unwrap().1).certificate;
    assert_eq!(named(), None);
    assert_eq!(server.refresh(), Ok(false));
    folder.copy("mail.key", "stranger.pem");
    assert!(server.refresh().unwrap_err().what.contains("holds no certificate, but a key"));
    folder.copy("authority.pem", "stranger.pem");
    assert_eq!(server.refresh(), Ok(true));
    assert_eq!(named().as_deref(), Some("shop"));
}

#[test]
fn changed_files_towards_a_smarthost_are_in_use() {
    let folder = Folder::new();
    let server = folder.server(&["mail"], Some("authority.pem"));
    let client = folder.client(|s| {
        s.ca = Some(folder.path("stranger.pem"));
        s.certificate = Some(folder.pair("other"));
    });
    assert!(shake(&server, &client).is_err());
    folder.copy("authority.pem", "stranger.pem");
    folder.copy("client.pem", "other.pem");
    assert!(client.refresh().is_err(), "half of the pair");
    folder.copy("client.key", "other.key");
    assert_eq!(client.refresh(), Ok(true));
    let (_, gate) = shake(&server, &client).unwrap();
    assert_eq!(facts(&server, &gate).certificate.as_deref(), Some("shop"));
}

#[test]
fn a_certificate_that_ends_is_told_in_time() {
    let folder = Folder::new();
    let pair = Pair::read(&folder.pair("mail")).unwrap();
    assert_eq!(pair.worry(NOW), None);
    let told = |now| pair.worry(now).unwrap();
    assert!(told(0).contains("begins to hold in"), "{}", told(0));
    assert!(told(10_000_000_000).contains("has ended"));
    let day = 86_400;
    let mut now = NOW;
    while pair.worry(now).is_none() {
        now += day;
    }
    assert!(told(now).contains("ends in 13 days"), "{}", told(now));
    assert_eq!(pair.names().collect::<Vec<_>>(), ["mail.example.com", "localhost"]);
}

#[test]
fn a_session_without_certificates_of_clients_is_taken_up_again() {
    let folder = Folder::new();
    let client = folder.client(|_| {});
    for (ca, again) in [(None, true), (Some("authority.pem"), false)] {
        let server = folder.server(&["mail"], ca);
        shake(&server, &client).unwrap();
        let (_, gate) = shake(&server, &client).unwrap();
        assert_eq!(gate.is_resumed(), again, "{ca:?}");
    }
}

#[test]
fn a_key_that_everybody_may_read_is_refused() {
    let folder = Folder::new();
    let files = folder.pair("mail");
    let read = |mode| {
        fs::set_permissions(&files.key, fs::Permissions::from_mode(mode)).unwrap();
        Pair::read(&files)
    };
    assert!(read(0o640).is_ok() && read(0o400).is_ok());
    for mode in [0o644, 0o602, 0o777] {
        assert!(read(mode).unwrap_err().what.contains("chmod o="), "{mode:o}");
    }
    assert!(Path::new(&files.key).exists());
}
