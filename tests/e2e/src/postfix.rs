//! Postfix as the smarthost: its master process in the foreground, with a
//! configuration, a queue and a port of its own.
//!
//! It stores everything unchanged (no rewriting of headers, none dropped) into
//! one Maildir, a copy for each recipient. Two recipients it refuses, in its own
//! words, which the client must hear.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::authority::Authority;
use crate::door::Door;
use crate::peers::Peers;
use crate::port::free_port;
use crate::process::{Server, run, wait_until};
use crate::scratch::{Scratch, User};
use crate::secured::Doors;
use crate::smarthost::{GATE_NAME, Smarthost, holds_files};
use crate::stored::Stored;
use crate::wire::Dialogue;

const NAME: &str = "postfix.test";
/// A line of a log is written within milliseconds; the machine is shared.
const LOG_LIMIT: Duration = Duration::from_secs(60);

/// A running Postfix.
pub struct Postfix {
    server: Server,
    address: SocketAddr,
    spool: PathBuf,
    maildir: PathBuf,
    log: PathBuf,
    etc: PathBuf,
}

impl Postfix {
    /// What it says to `RCPT TO:<gone@...>`, after the code and the address.
    pub const GONE: &str = "The mailbox \"gone\" was closed in May; ask +49 30 1234, or postmaster";

    /// Starts one in `scratch`.
    pub fn start(scratch: &Scratch) -> Self {
        Self::start_at(scratch, free_port())
    }

    /// Starts one on a given port; again in the same scratch folder it finds
    /// what it stored before.
    pub fn start_at(scratch: &Scratch, address: SocketAddr) -> Self {
        Self::start_with(scratch, address, "", "")
    }

    /// Starts one as it comes: it relays for nobody who did not log in.
    pub fn start_closed(scratch: &Scratch) -> Self {
        let closed = "mynetworks =\nvirtual_mailbox_domains =\n\
                      smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n\
                      smtpd_recipient_restrictions =\nsmtpd_error_sleep_time = 0\n";
        Self::start_with(scratch, free_port(), closed, "")
    }

    /// Starts one that believes what it is told of clients, by XFORWARD and by XCLIENT.
    pub fn start_told(scratch: &Scratch) -> Self {
        let told = "inet_protocols = all\nsmtpd_authorized_xforward_hosts = 127.0.0.0/8\n\
                    smtpd_authorized_xclient_hosts = 127.0.0.0/8\n\
                    smtpd_recipient_restrictions =\n\
                    smtpd_relay_restrictions = reject_unauth_destination\n";
        Self::start_with(scratch, free_port(), told, "")
    }

    /// Starts one that keeps nothing and hands everything on to `relayhost`: a client.
    pub fn start_relaying(scratch: &Scratch, relayhost: SocketAddr) -> Self {
        let main = format!(
            "relayhost = [{}]:{}\nvirtual_mailbox_domains =\nsmtpd_recipient_restrictions =\n\
             smtpd_relay_restrictions = permit_mynetworks, reject\n",
            relayhost.ip(),
            relayhost.port(),
        );
        let master = "smtp unix - - n - - smtp\nrelay unix - - n - - smtp\n";
        Self::start_with(scratch, free_port(), &main, master)
    }

    /// Starts one that asks these milters, as the gate does: one that fails defers.
    pub fn start_with_milters(scratch: &Scratch, doors: &[&Door]) -> Self {
        let doors: Vec<String> = doors.iter().map(|door| door.for_postfix()).collect();
        let main = format!(
            "smtpd_milters = {}\nmilter_default_action = tempfail\nmilter_protocol = 6\n\
             smtpd_error_sleep_time = 0\n",
            doors.join(", ")
        );
        Self::start_with(scratch, free_port(), &main, "")
    }

    /// Starts one that takes its time before it greets.
    pub fn start_slow(scratch: &Scratch) -> Self {
        let main = "smtpd_delay_reject = no\nsmtpd_client_restrictions = sleep 4\n";
        Self::start_with(scratch, free_port(), main, "")
    }

    /// Starts one that keeps everything in its queue.
    pub fn start_keeping(scratch: &Scratch) -> Self {
        Self::start_with(scratch, free_port(), "defer_transports = virtual\n", "")
    }

    /// The messages in its queue, as its own postcat shows them, once there are so many.
    ///
    /// # Panics
    /// When there are not.
    pub fn kept(&self, count: usize) -> Vec<Stored> {
        let kept = wait_until(Duration::from_secs(90), || {
            let files = files_below(&self.spool.join("deferred"));
            (files.len() == count).then_some(files)
        });
        let files = kept.unwrap_or_else(|| panic!("not {count} in the queue: {}", self.log()));
        let peers = Peers::get();
        files
            .into_iter()
            .map(|file| {
                let mut command =
                    Command::new(format!("{}/postcat", peers.field("postfix", "commands")));
                peers.find_libraries("postfix", &mut command);
                command.arg("-c").arg(&self.etc).args(["-b", "-h"]).arg(file);
                let told = command.output().expect("postcat can be started");
                assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
                Stored::new(&told.stdout, GATE_NAME, NAME)
            })
            .collect()
    }

    /// Starts one with two more doors, for who logs in; it asks Dovecot at `logins`.
    pub(crate) fn start_secured(scratch: &Scratch, doors: &Doors<'_>, logins: &Path) -> Self {
        let main = format!(
            "smtpd_sasl_type = dovecot\nsmtpd_sasl_path = {}\nsmtpd_tls_auth_only = yes\n\
             smtpd_tls_cert_file = {}\nsmtpd_tls_key_file = {}\n\
             smtpd_tls_session_cache_database =\nsmtpd_error_sleep_time = 0\n\
             smtpd_authorized_xclient_hosts = 127.0.0.0/8\n\
             smtpd_authorized_xforward_hosts = 127.0.0.0/8\n",
            logins.display(),
            doors.authority.certificate.display(),
            doors.authority.key.display(),
        );
        let only = "-o smtpd_sasl_auth_enable=yes -o smtpd_tls_security_level=encrypt \
                    -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject";
        let master = format!(
            "{} inet n - n - 100 smtpd {only}\n\
             {} inet n - n - 100 smtpd {only} -o smtpd_tls_wrappermode=yes\n\
             tlsmgr unix - - n 1000? 1 tlsmgr\n",
            doors.starttls, doors.implicit,
        );
        Self::start_with(scratch, free_port(), &main, &master)
    }

    /// Offers STARTTLS at its address, or wants it.
    pub fn start_with_tls(scratch: &Scratch, authority: &Authority, only: bool) -> Self {
        let main = format!(
            "smtpd_tls_cert_file = {}\nsmtpd_tls_key_file = {}\nsmtpd_tls_loglevel = 1\n\
             smtpd_tls_session_cache_database =\nsmtpd_tls_security_level = {}\n",
            authority.certificate.display(),
            authority.key.display(),
            if only { "encrypt" } else { "may" },
        );
        let master = "tlsmgr unix - - n 1000? 1 tlsmgr\n";
        Self::start_with(scratch, free_port(), &main, master)
    }

    /// `main` and `master`: more lines of the two files of its configuration.
    fn start_with(scratch: &Scratch, address: SocketAddr, main: &str, master: &str) -> Self {
        let peers = Peers::get();
        let daemons = peers.field("postfix", "daemons");
        let etc = write_configuration(scratch, address);
        for (file, more) in [("main.cf", main), ("master.cf", master)] {
            let file = etc.join(file);
            let text = std::fs::read_to_string(&file).expect("it was written") + more;
            std::fs::write(file, text).expect("a file can be written");
        }
        let spool = make_queue(scratch);
        let mut command = Command::new(format!("{daemons}/master"));
        // -d: stay in the foreground and in our process group.
        command.arg("-c").arg(&etc).arg("-d").env_clear();
        if let Some(libraries) = peers.optional("postfix", "libraries") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        let printed = scratch.path().join("postfix.log");
        let mut server = Server::start("postfix", &mut command, printed);
        server.wait_ready(Duration::from_secs(90), || Dialogue::open(address).is_ok());
        let maildir = scratch.path().join("postfix-mail/inbox");
        let log = scratch.path().join("postfix-mail.log");
        Self { server, address, spool, maildir, log, etc }
    }

    /// Stops it, as for the weekend.
    pub fn stop(mut self) {
        self.server.stop(Duration::from_secs(10));
    }
}

impl Smarthost for Postfix {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn maildir(&self) -> &Path {
        &self.maildir
    }

    /// Whatever its programs had to say until now: they hand it to postlogd, which writes it
    /// behind their backs, in the order in which it came.
    fn log(&self) -> String {
        const MARK: &str = "all until here";
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let mark = format!("{MARK} {};", ASKED.fetch_add(1, Ordering::Relaxed));
        let peers = Peers::get();
        let mut command = Command::new(format!("{}/postlog", peers.field("postfix", "commands")));
        peers.find_libraries("postfix", &mut command);
        command.arg("-c").arg(&self.etc).arg(&mark).stdin(Stdio::null());
        run(&mut command, LOG_LIMIT);
        let read = || std::fs::read_to_string(&self.log).unwrap_or_default();
        let written = wait_until(LOG_LIMIT, || read().contains(&mark).then_some(()));
        assert!(written.is_some(), "postlogd does not write: {}", read());
        let log = read();
        log.split_inclusive('\n').filter(|line| !line.contains(MARK)).collect()
    }

    fn is_busy(&self) -> bool {
        // A file is executable when the message is whole and accepted. Before, it belongs to a
        // transaction that a client has left open: the gate, on a connection that it keeps.
        let accepted = |file: &Path| {
            let mode = std::fs::metadata(file).map(|meta| meta.permissions().mode());
            mode.is_ok_and(|mode| mode & 0o100 != 0)
        };
        let queues = ["maildrop", "incoming", "active", "deferred", "hold"];
        queues.iter().any(|queue| holds_files(&self.spool.join(queue), accepted))
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// The user that owns the queue: Debian's, or where Postfix is only unpacked one
/// that every Debian has. Postfix wants the group of its public folders to be
/// nobody's own.
fn owner() -> (User, &'static str) {
    match User::find("postfix") {
        Some(user) => (user, "postdrop"),
        None => (User::find("mail").expect("Debian has the user mail"), "uucp"),
    }
}

fn write_configuration(scratch: &Scratch, address: SocketAddr) -> PathBuf {
    let peers = Peers::get();
    let etc = scratch.folder("postfix-etc", None, 0o755);
    let (owner, group) = owner();
    let root = scratch.path().display();
    let store = User::find("mail").expect("Debian has the user mail");
    scratch.folder("postfix-mail", Some(&store), 0o755);
    let (uid, gid) = (store.uid, store.gid);
    let main = format!(
        "compatibility_level = 3.6
maillog_file = {root}/postfix-mail.log
maillog_file_prefixes = {root}
queue_directory = {root}/postfix-spool
data_directory = {root}/postfix-data
daemon_directory = {daemons}
command_directory = {commands}
shlib_directory = {shared}
meta_directory = {root}/postfix-etc
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH={libraries}
mail_owner = {owner}
setgid_group = {group}
myhostname = {NAME}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = regexp:{root}/postfix-etc/every
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {root}/postfix-mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
local_header_rewrite_clients =
message_drop_headers =
alias_maps =
alias_database =
smtpd_recipient_restrictions = check_recipient_access texthash:{root}/postfix-etc/refused, permit_mynetworks, reject
smtpd_recipient_limit = 1000
smtpd_client_connection_count_limit = 0
message_size_limit = 52428800
",
        daemons = peers.field("postfix", "daemons"),
        commands = peers.field("postfix", "commands"),
        shared = peers.field("postfix", "shared"),
        libraries = peers.optional("postfix", "libraries").unwrap_or("/usr/lib/postfix"),
        owner = owner.name,
    );
    // smtpd with a client connection of its own each, the queue, and delivery to
    // virtual mailboxes; nothing that sends anything out.
    let master = format!(
        "{address} inet n - n - 100 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"
    );
    let refused = format!("gone@example.com 550 5.1.1 {}\n", Postfix::GONE)
        + "busy@example.com 450 4.2.1 The mailbox is being moved; come back in an hour\n";
    scratch.write("postfix-etc/main.cf", main);
    scratch.write("postfix-etc/master.cf", master);
    scratch.write("postfix-etc/every", "/./ yes\n");
    scratch.write("postfix-etc/refused", refused);
    etc
}

/// The folders of the queue, with the owners that Postfix insists on.
fn make_queue(scratch: &Scratch) -> PathBuf {
    let (owner, group) = owner();
    let drop = User {
        name: owner.name.clone(),
        uid: owner.uid,
        gid: group_id(group).expect("the group exists"),
    };
    scratch.folder("postfix-data", Some(&owner), 0o755);
    let spool = scratch.folder("postfix-spool", None, 0o755);
    for queue in [
        "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
        "saved", "trace",
    ] {
        scratch.folder(&format!("postfix-spool/{queue}"), Some(&owner), 0o700);
    }
    scratch.folder("postfix-spool/pid", None, 0o755);
    scratch.folder("postfix-spool/public", Some(&drop), 0o710);
    scratch.folder("postfix-spool/maildrop", Some(&drop), 0o730);
    spool
}

fn group_id(name: &str) -> Option<u32> {
    let output = Command::new("getent").args(["group", name]).output().ok()?;
    String::from_utf8_lossy(&output.stdout).split(':').nth(2)?.parse().ok()
}
