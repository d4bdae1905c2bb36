//! What speaks as Microsoft SQL Server: pysqlbridge with `programs/sqlserver.py`.
//!
//! Its tables are files, which nobody can change by SQL; a test writes them anew.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::authority::Authority;
use crate::peers::Peers;
use crate::port::free_port;
use crate::process::Server;
use crate::scratch::Scratch;

const NAME: &str = "pysqlbridge";
const START_LIMIT: Duration = Duration::from_secs(60);

/// The table of most tests.
const TABLE: &str = "optout";

/// A running server with the one table `optout`, or as many as a test wants.
pub struct SqlServer {
    server: Server,
    /// Where it listens.
    pub address: SocketAddr,
    folder: PathBuf,
    pem: Vec<PathBuf>,
}

impl SqlServer {
    /// Who may log in.
    pub const USER: &str = "reader";
    /// Its password.
    pub const PASSWORD: &str = "sesam \"und' %20 auf";

    /// Starts one with this table (CSV with a header) and a certificate that it made for
    /// itself.
    pub fn start(scratch: &Scratch, table: &str) -> Self {
        Self::start_with(scratch, &[(TABLE, table)], Vec::new())
    }

    /// The same with these tables: name and content.
    pub fn start_tables(scratch: &Scratch, tables: &[(&str, &str)]) -> Self {
        Self::start_with(scratch, tables, Vec::new())
    }

    /// Starts one with a certificate that can be verified.
    pub fn start_with_tls(scratch: &Scratch, table: &str, authority: &Authority) -> Self {
        let pem = vec![authority.certificate.clone(), authority.key.clone()];
        Self::start_with(scratch, &[(TABLE, table)], pem)
    }

    fn start_with(scratch: &Scratch, tables: &[(&str, &str)], pem: Vec<PathBuf>) -> Self {
        let folder = scratch.folder("sqlserver", None, 0o755);
        let named = |(name, _): &(&str, &str)| serde_json::json!({ "name": name, "csv": format!("{name}.csv") });
        let configuration = serde_json::json!({
            "tables": tables.iter().map(named).collect::<Vec<_>>(),
            "logins": [{ "user": Self::USER, "password": Self::PASSWORD }],
        });
        fs::write(folder.join("tables.json"), configuration.to_string())
            .expect("a file can be written");
        for (name, content) in tables {
            fs::write(folder.join(format!("{name}.csv")), content).expect("a file can be written");
        }
        let address = free_port();
        let server = serve(&folder, address, &pem);
        let mut server = Self { server, address, folder, pem };
        server.wait();
        server
    }

    /// Writes the table anew; the next statement sees it.
    pub fn write(&self, table: &str) {
        self.write_table(TABLE, table);
    }

    /// The same of any of its tables.
    pub fn write_table(&self, name: &str, table: &str) {
        let new = self.folder.join("new.csv");
        fs::write(&new, table).expect("a file can be written");
        fs::rename(new, self.folder.join(format!("{name}.csv"))).expect("a file can be moved");
    }

    /// Everything it was asked.
    pub fn log(&self) -> String {
        self.server.printed()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again after [`SqlServer::kill`].
    pub fn restart(&mut self) {
        self.server = serve(&self.folder, self.address, &self.pem);
        self.wait();
    }

    fn wait(&mut self) {
        let address = self.address;
        self.server.wait_ready(START_LIMIT, || std::net::TcpStream::connect(address).is_ok());
    }
}

fn serve(folder: &Path, address: SocketAddr, pem: &[PathBuf]) -> Server {
    let mut command = Peers::get().command(NAME);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/programs/sqlserver.py"));
    command.arg(folder.join("tables.json")).arg(address.port().to_string()).args(pem);
    Server::start(NAME, &mut command, folder.join("sqlserver.log"))
}
