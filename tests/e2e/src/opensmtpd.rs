//! OpenSMTPD as the smarthost: a third reading of SMTP and of TLS.
//!
//! The version of Debian 12 (6.8) signs in a process of its own and does not find the
//! way there with OpenSSL 3. A function of ten lines, `programs/opensmtpd.c`, does in its
//! place what version 7 does itself; the key must be one of an elliptic curve.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::overlay::overlaid;
use crate::peers::Peers;
use crate::port::free_port;
use crate::process::{Server, run};
use crate::scratch::{Scratch, User};
use crate::secured::{Doors, Secured};
use crate::smarthost::{Smarthost, holds_files};
use crate::wire::Dialogue;

const NAME: &str = "opensmtpd.test";
/// Numbers for its two users, who are known in its own view of the system only.
const USERS: [(&str, u32); 2] = [("opensmtpd", 58_001), ("opensmtpq", 58_002)];

/// A running OpenSMTPD.
pub struct OpenSmtpd {
    server: Server,
    address: SocketAddr,
    spool: PathBuf,
    maildir: PathBuf,
}

impl OpenSmtpd {
    pub(crate) fn start(scratch: &Scratch, doors: &Doors<'_>) -> Self {
        let address = free_port();
        let mail = User::find("mail").expect("Debian has the user mail");
        let folder = scratch.folder("opensmtpd", None, 0o755);
        let spool = scratch.folder("opensmtpd/spool", None, 0o711);
        let maildir = scratch.folder("opensmtpd/inbox", Some(&mail), 0o755);
        scratch.write("opensmtpd/users", format!("{}\t{}\n", Secured::USER, hash()));
        let key = scratch.write(
            "opensmtpd/key.pem",
            std::fs::read(&doors.authority.key).expect("the key can be read"),
        );
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600))
            .expect("mode can be set");
        let configuration =
            scratch.write("opensmtpd/smtpd.conf", configuration(&folder, address, doors));
        let mut command = overlaid("opensmtpd", &prepare(scratch, &folder), "env");
        command.arg(format!("LD_PRELOAD={}", way_to_the_key(scratch).display()));
        command.args(["/usr/sbin/smtpd", "-d", "-v", "-f"]).arg(configuration);
        let mut server = Server::start("opensmtpd", &mut command, folder.join("log"));
        server.wait_ready(Duration::from_secs(90), || Dialogue::open(address).is_ok());
        Self { server, address, spool, maildir }
    }
}

impl Smarthost for OpenSmtpd {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn maildir(&self) -> &Path {
        &self.maildir
    }

    fn log(&self) -> String {
        self.server.printed()
    }

    fn is_busy(&self) -> bool {
        // What is in "incoming" is not accepted yet.
        holds_files(&self.spool.join("queue"), |_| true)
    }
}

fn configuration(folder: &Path, address: SocketAddr, doors: &Doors<'_>) -> String {
    format!(
        r#"pki "{NAME}" cert "{certificate}"
pki "{NAME}" key "{root}/key.pem"
table users "file:{root}/users"
smtp max-message-size "50M"
listen on 127.0.0.1 port {plain} hostname "{NAME}"
listen on 127.0.0.1 port {starttls} tls-require pki "{NAME}" auth <users> hostname "{NAME}"
listen on 127.0.0.1 port {implicit} smtps pki "{NAME}" auth <users> hostname "{NAME}"
action "store" maildir "{root}/inbox" virtual {{ "@" = mail }}
match from any for any action "store"
"#,
        certificate = doors.authority.certificate.display(),
        root = folder.display(),
        plain = address.port(),
        starttls = doors.starttls.port(),
        implicit = doors.implicit.port(),
    )
}

/// Its fixed folders, of this test alone, and its users.
fn prepare(scratch: &Scratch, folder: &Path) -> String {
    let add = |file: &str, line: &dyn Fn(&str, u32) -> String| {
        let known = std::fs::read_to_string(format!("/etc/{file}")).expect("users are known");
        let more = USERS.map(|(name, number)| line(name, number)).concat();
        scratch.write(&format!("opensmtpd/{file}"), known + &more);
    };
    add("passwd", &|name, number| {
        format!("{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n")
    });
    add("group", &|name, number| format!("{name}:x:{number}:\n"));
    let root = folder.display();
    format!(
        "mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/spool
mount -t tmpfs tmpfs /var/lib
mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty
mount --bind {root}/spool /var/spool/smtpd
mount --bind {root}/passwd /etc/passwd
mount --bind {root}/group /etc/group"
    )
}

fn way_to_the_key(scratch: &Scratch) -> PathBuf {
    let library = scratch.path().join("opensmtpd/key.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/programs/opensmtpd.c");
    // Rust needs a C compiler to link, so one is here.
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source);
    let ran = run(&mut compile, Duration::from_secs(60));
    assert_eq!(ran.code, 0, "cc: {}", ran.text());
    library
}

/// The password as it stands in its table.
fn hash() -> String {
    let mut command = Peers::get().command("openssl");
    let ran = run(command.args(["passwd", "-6", Secured::PASSWORD]), Duration::from_secs(30));
    assert_eq!(ran.code, 0, "openssl: {}", ran.text());
    ran.out.trim().to_owned()
}
