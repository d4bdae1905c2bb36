//! MariaDB: a server of its own for each test, on a copy of files that are made once
//! in a run.
//!
//! Its general log holds every statement with the values that were bound to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use crate::authority::Authority;
use crate::peers::Peers;
use crate::port::free_port;
use crate::process::{Server, run};
use crate::scratch::{Scratch, copy_tree};

const NAME: &str = "mariadb";
/// Of a start after a kill it is the recovery that takes the time.
const START_LIMIT: Duration = Duration::from_secs(90);
/// A million rows are loaded within this.
const SQL_LIMIT: Duration = Duration::from_secs(180);

/// A running server with an empty database `crm`.
pub struct Mariadb {
    server: Server,
    /// Where it listens.
    pub address: SocketAddr,
    folder: PathBuf,
    words: Vec<String>,
}

impl Mariadb {
    /// Who may read everything and change nothing.
    pub const USER: &str = "reader";
    /// Its password.
    pub const PASSWORD: &str = "sesam \"und' %20 auf";

    /// Starts one without TLS.
    pub fn start(scratch: &Scratch) -> Self {
        Self::start_with(scratch, Vec::new())
    }

    /// Starts one that offers TLS; `only`: it takes no other connection by a network.
    pub fn start_with_tls(scratch: &Scratch, authority: &Authority, only: bool) -> Self {
        let mut words = vec![
            format!("--ssl-cert={}", authority.certificate.display()),
            format!("--ssl-key={}", authority.key.display()),
        ];
        words.extend(only.then(|| "--require-secure-transport=ON".to_owned()));
        Self::start_with(scratch, words)
    }

    fn start_with(scratch: &Scratch, words: Vec<String>) -> Self {
        let folder = scratch.folder("mariadb", None, 0o755);
        copy_tree(&template(), &folder.join("data"));
        let address = free_port();
        let server = serve(&folder, address, &words);
        let mut server = Self { server, address, folder, words };
        server.wait();
        let password = Self::PASSWORD.replace('\'', "''");
        server.sql(&format!(
            "CREATE USER {user}@'%' IDENTIFIED BY '{password}'; GRANT SELECT ON crm.* TO {user}@'%'",
            user = Self::USER,
        ));
        server
    }

    /// Runs SQL in the database as root; the values of a row are parted by tabs.
    ///
    /// # Panics
    /// When the server does not take it.
    pub fn sql(&self, sql: &str) -> String {
        let mut client = self.client();
        let ran = run(client.args(["-e", sql]), SQL_LIMIT);
        assert_eq!(ran.code, 0, "{sql}: {}", ran.text());
        ran.out.trim_end().to_owned()
    }

    /// Runs SQL of any length, from a file.
    ///
    /// # Panics
    /// When the server does not take it.
    pub fn load(&self, sql: &str) {
        let file = self.folder.join("load.sql");
        std::fs::write(&file, sql).expect("a file can be written");
        let file = std::fs::File::open(file).expect("a file can be read");
        let mut client = self.client();
        let ran = run(client.stdin(std::process::Stdio::from(file)), SQL_LIMIT);
        assert_eq!(ran.code, 0, "{}", ran.text());
    }

    fn client(&self) -> std::process::Command {
        let mut client = Peers::get().tool(NAME, "client");
        client.args(["--no-defaults", "--batch", "--skip-column-names", "--user=root"]);
        client.arg(format!("--socket={}", self.folder.join("socket").display()));
        client
            .arg("--init-command=CREATE DATABASE IF NOT EXISTS crm CHARACTER SET utf8mb4; USE crm");
        client
    }

    /// Everything it was asked: each statement, with its parameters.
    pub fn log(&self) -> String {
        let log = std::fs::read(self.folder.join("general.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again after [`Mariadb::kill`].
    pub fn restart(&mut self) {
        self.server = serve(&self.folder, self.address, &self.words);
        self.wait();
    }

    fn wait(&mut self) {
        let mut client = self.client();
        client.args(["-e", "SELECT 1"]);
        self.server.wait_ready(START_LIMIT, || run(&mut client, START_LIMIT).code == 0);
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        // Its files go with it: there is nothing to put in order.
        self.server.kill();
    }
}

fn serve(folder: &Path, address: SocketAddr, words: &[String]) -> Server {
    let mut command = Peers::get().tool(NAME, "program");
    let path = |name: &str| folder.join(name).display().to_string();
    command.args(common()).args([
        format!("--datadir={}", path("data")),
        format!("--socket={}", path("socket")),
        format!("--pid-file={}", path("pid")),
        format!("--general-log-file={}", path("general.log")),
        format!("--tmpdir={}", folder.display()),
        format!("--port={}", address.port()),
    ]);
    command.args(["--bind-address=127.0.0.1", "--general-log=1", "--skip-name-resolve"]);
    command.args(["--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0"]);
    command.args(["--performance-schema=OFF", "--plugin-dir=/nonexistent"]).args(words);
    Server::start(NAME, &mut command, folder.join("mariadb.log"))
}

/// What the server is told, and the program that makes its files.
fn common() -> Vec<String> {
    let root = Path::new(Peers::get().field(NAME, "root"));
    // Started by root it wants to be told that this is meant.
    let user = if rustix::process::geteuid().is_root() { "root" } else { "" };
    let mut words = vec![
        "--no-defaults".to_owned(),
        format!("--basedir={}", root.join("usr").display()),
        format!("--lc-messages-dir={}", root.join("usr/share/mysql").display()),
        "--innodb-log-file-size=16M".to_owned(),
        "--innodb-buffer-pool-size=64M".to_owned(),
    ];
    words.extend((!user.is_empty()).then(|| format!("--user={user}")));
    words
}

/// The files of an empty server, made at the first use in a run.
fn template() -> PathBuf {
    static MADE: Mutex<bool> = Mutex::new(false);
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let template = Peers::get().running().with_file_name("mariadb-template");
    if !*made {
        let scratch = Scratch::new();
        let data = scratch.path().join("data");
        let mut command = Peers::get().tool(NAME, "install");
        command.args(common()).arg(format!("--datadir={}", data.display()));
        command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        let ran = run(command.current_dir(scratch.path()), START_LIMIT);
        assert_eq!(ran.code, 0, "mariadb-install-db: {}", ran.text());
        let _ = std::fs::remove_dir_all(&template);
        copy_tree(&data, &template);
        *made = true;
    }
    template
}
