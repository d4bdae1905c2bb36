//! PostgreSQL: a cluster of its own for each test, copied from one that is made once
//! in a run.
//!
//! Nothing is forced to the disk; what a kill of the server leaves in the page cache
//! is all there again when it is started anew. Its log holds every statement with the
//! values that were bound to it.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use crate::authority::Authority;
use crate::peers::Peers;
use crate::port::free_port;
use crate::process::{Server, children_of, kill_nine, run, signal_process};
use crate::scratch::{Scratch, User, copy_tree};

const NAME: &str = "postgresql";
/// Of a start after a kill it is the recovery that takes the time.
const START_LIMIT: Duration = Duration::from_secs(60);
/// A million rows are loaded within this.
const SQL_LIMIT: Duration = Duration::from_secs(180);

/// A running server with an empty database `crm`.
pub struct Postgresql {
    server: Server,
    /// Where it listens.
    pub address: SocketAddr,
    programs: Programs,
    folder: PathBuf,
    words: Vec<String>,
}

impl Postgresql {
    /// Who may read everything and change nothing.
    pub const USER: &str = "reader";
    /// Its password.
    pub const PASSWORD: &str = "sesam \"und' %20 auf";

    /// Starts one without TLS.
    pub fn start(scratch: &Scratch) -> Self {
        Self::start_with(scratch, &[])
    }

    /// Starts one that offers TLS; `only`: the reader gets in no other way.
    pub fn start_with_tls(scratch: &Scratch, authority: &Authority, only: bool) -> Self {
        let folder = scratch.folder("postgresql", owner().as_ref(), 0o755);
        let copy = |from: &Path, name: &str| give(from, &folder.join(name));
        let (certificate, key) =
            (copy(&authority.certificate, "server.pem"), copy(&authority.key, "server.key"));
        let words = [
            "ssl=on".to_owned(),
            format!("ssl_cert_file={certificate}"),
            format!("ssl_key_file={key}"),
        ];
        let server = Self::start_with(scratch, &words);
        if only {
            let rules = "hostssl all reader 127.0.0.1/32 scram-sha-256\n\
                         host all postgres 127.0.0.1/32 trust\n";
            std::fs::write(server.folder.join("pg_hba.conf"), rules).expect("a file is written");
            server.sql("SELECT pg_reload_conf()");
        }
        server
    }

    fn start_with(scratch: &Scratch, words: &[String]) -> Self {
        let programs = Programs::reachable(scratch);
        scratch.folder("postgresql", owner().as_ref(), 0o755);
        let folder = scratch.path().join("postgresql/data");
        copy_tree(&template(), &folder);
        let rules = "host all reader 127.0.0.1/32 scram-sha-256\n\
                     host all postgres 127.0.0.1/32 trust\n";
        std::fs::write(folder.join("pg_hba.conf"), rules).expect("a file is written");
        give_tree(&folder);
        let address = free_port();
        let log = scratch.path().join("postgresql.log");
        let words: Vec<String> =
            words.iter().flat_map(|word| ["-c".to_owned(), word.clone()]).collect();
        let mut server = Self {
            server: programs.serve(&folder, address, &words, log),
            address,
            programs,
            folder,
            words,
        };
        server.wait();
        let user = format!("CREATE ROLE {} LOGIN PASSWORD {}", Self::USER, quoted(Self::PASSWORD));
        server.run("postgres", &user);
        server.run("postgres", "CREATE DATABASE crm TEMPLATE template0");
        server.sql("GRANT pg_read_all_data TO reader");
        server
    }

    /// Runs SQL in the database as its owner; the values of a row are parted by `|`.
    ///
    /// # Panics
    /// When the server does not take it.
    pub fn sql(&self, sql: &str) -> String {
        self.run("crm", sql)
    }

    /// Runs SQL of any length, from a file.
    ///
    /// # Panics
    /// When the server does not take it.
    pub fn load(&self, sql: &str) {
        let file = self.folder.with_extension("load.sql");
        std::fs::write(&file, sql).expect("a file can be written");
        let file = file.to_str().expect("a temporary folder has a plain name");
        let ran = self.client("crm", &["-f", file]);
        assert_eq!(ran.code, 0, "{}", ran.text());
    }

    fn run(&self, database: &str, sql: &str) -> String {
        let ran = self.client(database, &["-c", sql]);
        assert_eq!(ran.code, 0, "{sql}: {}", ran.text());
        ran.out.trim_end().to_owned()
    }

    fn client(&self, database: &str, words: &[&str]) -> crate::process::Ran {
        let mut client = Command::new(&self.programs.client);
        Peers::get().find_libraries(NAME, &mut client);
        client.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]);
        client.args(["-p", &self.address.port().to_string(), "-U", "postgres", "-d", database]);
        run(client.args(words), SQL_LIMIT)
    }

    /// Everything it has logged: each statement, with its parameters.
    pub fn log(&self) -> String {
        self.server.printed()
    }

    /// Ends it as a power cut would, with all that serve its clients.
    pub fn kill(&mut self) {
        // The clients' processes are in groups of their own, and would go on with what
        // they are at for a while.
        let children = children_of(self.server.id());
        self.server.kill();
        children.into_iter().for_each(kill_nine);
    }

    /// Starts it again after [`Postgresql::kill`].
    pub fn restart(&mut self) {
        let log = self.folder.with_extension("again.log");
        // Who was killed could not take it away, and its number may be anybody's now.
        let _ = std::fs::remove_file(self.folder.join("postmaster.pid"));
        self.server = self.programs.serve(&self.folder, self.address, &self.words, log);
        self.wait();
    }

    fn wait(&mut self) {
        let mut client = Command::new(&self.programs.client);
        Peers::get().find_libraries(NAME, &mut client);
        client.args(["-X", "-q", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres"]);
        client.args(["-p", &self.address.port().to_string(), "-c", "SELECT 1"]);
        self.server.wait_ready(START_LIMIT, || run(&mut client, START_LIMIT).code == 0);
    }

    /// The number of the shared memory that a killed server could not give back.
    fn shared_memory(&self) -> Option<String> {
        let note = std::fs::read_to_string(self.folder.join("postmaster.pid")).ok()?;
        note.lines().nth(6)?.split_whitespace().nth(1).map(str::to_owned)
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        let memory = self.shared_memory();
        // At once, whoever is connected; it gives everything back.
        signal_process(self.server.id(), rustix::process::Signal::QUIT);
        let ended =
            crate::process::wait_until(START_LIMIT, || (!self.server.is_running()).then_some(()));
        if let (Some(memory), Some(())) = (memory, ended) {
            let mut give_back = Command::new("ipcrm");
            let _ = run(give_back.args(["-m", &memory]), START_LIMIT);
        }
    }
}

/// Where its programs are.
struct Programs {
    server: PathBuf,
    initdb: PathBuf,
    client: PathBuf,
}

impl Programs {
    /// The programs as anybody can run them: the server refuses root, and its programs
    /// may lie below a folder that is root's alone.
    fn reachable(scratch: &Scratch) -> Self {
        let peers = Peers::get();
        let root = Path::new(peers.field(NAME, "root"));
        let reachable = scratch.reachable(root, "postgresql-programs");
        let path = |field| {
            let path = Path::new(peers.field(NAME, field));
            reachable.join(path.strip_prefix(root).expect("a program is below its root"))
        };
        Self { server: path("program"), initdb: path("initdb"), client: path("client") }
    }

    fn serve(&self, data: &Path, address: SocketAddr, more: &[String], log: PathBuf) -> Server {
        let mut command = Command::new(&self.server);
        Peers::get().find_libraries(NAME, &mut command);
        command.arg("-D").arg(data).args(["-p", &address.port().to_string()]);
        for word in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "full_page_writes=off",
            "autovacuum=off",
            "jit=off",
            "log_statement=all",
        ] {
            command.args(["-c", word]);
        }
        as_owner(command.args(more));
        Server::start(NAME, &mut command, log)
    }
}

/// The empty cluster that the tests copy, made at the first use in a run.
fn template() -> PathBuf {
    static MADE: Mutex<bool> = Mutex::new(false);
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let template = Peers::get().running().with_file_name("postgresql-template");
    if !*made {
        let scratch = Scratch::new();
        let programs = Programs::reachable(&scratch);
        let home = scratch.folder("home", owner().as_ref(), 0o700);
        let data = home.join("data");
        let mut command = Command::new(&programs.initdb);
        Peers::get().find_libraries(NAME, &mut command);
        command.arg("-D").arg(&data).args(["-U", "postgres", "--auth=trust", "--no-sync"]);
        command.args(["--encoding=UTF8", "--locale=C"]).current_dir(&home);
        let ran = run(as_owner(&mut command), START_LIMIT);
        assert_eq!(ran.code, 0, "initdb: {}", ran.text());
        let _ = std::fs::remove_dir_all(&template);
        copy_tree(&data, &template);
        *made = true;
    }
    template
}

/// Who runs it when we are root, whom it refuses.
fn owner() -> Option<User> {
    let root = rustix::process::geteuid().is_root();
    root.then(|| User::find("nobody").expect("every Debian has the user nobody"))
}

fn as_owner(command: &mut Command) -> &mut Command {
    match owner() {
        Some(user) => command.uid(user.uid).gid(user.gid),
        None => command,
    }
}

fn give_tree(folder: &Path) {
    let Some(owner) = owner() else { return };
    let mut give = Command::new("chown");
    let ran =
        run(give.args(["-R", &format!("{}:{}", owner.uid, owner.gid)]).arg(folder), SQL_LIMIT);
    assert_eq!(ran.code, 0, "{}", ran.text());
}

/// A copy for the server alone; it takes no key that others could read.
fn give(from: &Path, to: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    std::fs::copy(from, to).expect("a file can be copied");
    let alone = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(to, alone).expect("its permissions can be set");
    give_tree(to);
    to.display().to_string()
}

/// A value as a literal of SQL.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
