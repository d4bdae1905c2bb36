//! Exim as the smarthost: another implementation, with other habits (it answers
//! without enhanced status codes, hangs up on early talkers, offers PIPECONNECT).
//!
//! It runs from where its package was unpacked. Because it starts itself again
//! under its own user, the binary is copied to where that user can reach it.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::peers::Peers;
use crate::port::free_port;
use crate::process::Server;
use crate::scratch::{Scratch, User};
use crate::secured::{Doors, Secured};
use crate::smarthost::{Smarthost, holds_files};
use crate::wire::Dialogue;

const NAME: &str = "exim.test";

/// A running Exim.
pub struct Exim {
    _server: Server,
    address: SocketAddr,
    spool: PathBuf,
    maildir: PathBuf,
    log: PathBuf,
}

impl Exim {
    /// What it says to `RCPT TO:<gone@...>`: two lines.
    pub const GONE: [&str; 2] = ["The mailbox \"gone\" was closed in May;", "ask +49 30 1234"];

    /// Starts one in `scratch`.
    pub fn start(scratch: &Scratch) -> Self {
        Self::start_with(scratch, free_port(), &Parts::default())
    }

    /// Starts one that relays for nobody. `guarded`: with the rule of its sample
    /// configuration against routes in local parts.
    pub fn start_closed(scratch: &Scratch, guarded: bool) -> Self {
        let guard = "  deny message = restricted characters in address\n       \
                     local_parts = ^[.] : ^.*[@%!/|]\n";
        let closed = "  require message = relay not permitted\n          domains = exim.test\n";
        let recipient = format!("{}{closed}", if guarded { guard } else { "" });
        let parts = Parts { recipient, ..Parts::default() };
        Self::start_with(scratch, free_port(), &parts)
    }

    /// Starts one with two more doors, for who logs in.
    pub(crate) fn start_secured(scratch: &Scratch, doors: &Doors<'_>) -> Self {
        let address = free_port();
        Self::start_with(scratch, address, &Parts::secured(scratch, address, doors))
    }

    fn start_with(scratch: &Scratch, address: SocketAddr, parts: &Parts) -> Self {
        let peers = Peers::get();
        let user = User::find(peers.field("exim", "user")).expect("Exim's user exists");
        // Delivery starts it again, and needs root for a moment.
        let program = scratch.program(Path::new(peers.field("exim", "program")), "exim4", "4755");
        let spool = scratch.folder("exim-spool", Some(&user), 0o750);
        scratch.folder("exim-log", Some(&user), 0o750);
        scratch.folder("exim-mail", Some(&user), 0o755);
        let configuration =
            scratch.write("exim.conf", configuration(scratch, address, &user, parts));

        let mut command = Command::new(&program);
        command.arg("-C").arg(&configuration).args(["-bdf", "-q1m"]).env_clear();
        let printed = scratch.path().join("exim.log");
        let mut server = Server::start("exim", &mut command, printed);
        server.wait_ready(Duration::from_secs(90), || Dialogue::open(address).is_ok());
        let maildir = scratch.path().join("exim-mail/inbox");
        let log = scratch.path().join("exim-log/mainlog");
        Self { _server: server, address, spool, maildir, log }
    }
}

impl Smarthost for Exim {
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
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn is_busy(&self) -> bool {
        holds_files(&self.spool.join("input"), |_| true)
    }
}

/// What differs between the Exims of the tests, in the words of its configuration.
struct Parts {
    /// More ports.
    ports: String,
    main: String,
    /// What is asked of a recipient before it is accepted.
    recipient: String,
    authenticators: String,
}

impl Default for Parts {
    fn default() -> Self {
        let main = "tls_advertise_hosts =\n".to_owned();
        let (ports, recipient, authenticators) = Default::default();
        Self { ports, main, recipient, authenticators }
    }
}

impl Parts {
    fn secured(scratch: &Scratch, address: SocketAddr, doors: &Doors<'_>) -> Self {
        // It reads its key as its own user.
        let user = User::find(Peers::get().field("exim", "user")).expect("Exim's user exists");
        let key = fs::read(&doors.authority.key).expect("the key can be read");
        let key = scratch.write("exim.key", key);
        chown(&key, Some(user.uid), Some(user.gid)).expect("root can give a file away");
        let (plain, starttls, implicit) =
            (address.port(), doors.starttls.port(), doors.implicit.port());
        let (name, password) = (Secured::USER, Secured::PASSWORD);
        Self {
            ports: format!(" : {starttls} : {implicit}"),
            main: format!(
                "tls_on_connect_ports = {implicit}
tls_advertise_hosts = ${{if eq{{$received_port}}{{{plain}}}{{}}{{*}}}}
tls_certificate = {certificate}
tls_privatekey = {key}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
",
                certificate = doors.authority.certificate.display(),
                key = key.display(),
            ),
            recipient: format!(
                "  deny message = authentication required
       condition = ${{if !eq{{$received_port}}{{{plain}}}}}
       !authenticated = *
"
            ),
            authenticators: format!(
                "begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{name}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{name}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{name}}}{{{password}}}fail}}
  server_set_id = $auth1
"
            ),
        }
    }
}

fn configuration(scratch: &Scratch, address: SocketAddr, user: &User, parts: &Parts) -> String {
    format!(
        r#"primary_hostname = {NAME}
exim_path = {root}/exim4
exim_user = {user}
exim_group = {gid}
spool_directory = {root}/exim-spool
log_file_path = {root}/exim-log/%slog
pid_file_path = {root}/exim-log/exim.pid
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}{ports}
acl_smtp_rcpt = recipient
acl_smtp_data = accept
host_lookup =
rfc1413_query_timeout = 0s
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
chunking_advertise_hosts = *
smtp_accept_max = 200
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
recipients_max = 0
return_path_remove = false
message_size_limit = 50M
{main}
begin acl
recipient:
  deny local_parts = gone
       message = {first}\n{second}
{recipient}  accept

begin routers
every:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {root}/exim-mail/inbox
  maildir_format
  create_directory
  message_prefix =
  message_suffix =
  check_string =
  escape_string =
  envelope_to_add
  user = {user}

{authenticators}"#,
        root = scratch.path().display(),
        user = user.name,
        gid = user.gid,
        port = address.port(),
        ports = parts.ports,
        main = parts.main,
        recipient = parts.recipient,
        authenticators = parts.authenticators,
        first = Exim::GONE[0],
        second = Exim::GONE[1],
    )
}
