//! ClamAV as a milter: the daemon that scans, and the milter that asks it. They know one
//! virus, the test file of EICAR, by a signature that is written here.

use std::time::Duration;

use crate::door::Door;
use crate::peers::Peers;
use crate::process::Server;
use crate::scratch::Scratch;

const NAME: &str = "clamav";

/// Both, running.
pub struct Clamav {
    milter: Server,
    daemon: Server,
    /// Where the milter listens.
    pub door: Door,
}

impl Clamav {
    /// The test file: a text of which everybody who looks for viruses says that it is one.
    /// It stands here in two pieces, so that nobody says it of this file.
    pub fn eicar() -> String {
        format!("X5O!P%@AP[4\\PZX54(P^)7CC)7}}$EICAR-STANDARD-ANTIVIRUS{}", "-TEST-FILE!$H+H*")
    }

    /// Starts both in `scratch`.
    pub fn start(scratch: &Scratch) -> Self {
        let folder = scratch.folder(NAME, None, 0o755);
        scratch.folder("clamav/signatures", None, 0o755);
        // Name, type (0: any file), offset, and the bytes in hexadecimal.
        let bytes: String = Self::eicar().bytes().map(|byte| format!("{byte:02x}")).collect();
        scratch.write("clamav/signatures/own.ndb", format!("Eicar-Test:0:*:{bytes}\n"));
        let scanner = Door::file(scratch, "clamav/clamd");
        let door = Door::file(scratch, "clamav/milter");
        let root = folder.display();
        let configuration = format!(
            "LocalSocket {root}/clamd\nDatabaseDirectory {root}/signatures\nForeground yes\n\
             LogFile {root}/clamd.log\nTemporaryDirectory {root}\nMaxThreads 2\n\
             ConcurrentDatabaseReload no\n"
        );
        let file = scratch.write("clamav/clamd.conf", configuration);
        let mut command = Peers::get().tool(NAME, "program");
        command.arg("--config-file").arg(file);
        let mut daemon = Server::start(NAME, &mut command, scratch.path().join("clamd.printed"));
        daemon.wait_ready(Duration::from_secs(60), || scanner.is_open());

        let configuration = format!(
            "MilterSocket {}\nClamdSocket unix:{root}/clamd\nForeground yes\n\
             LogFile {root}/milter.log\nTemporaryDirectory {root}\nOnInfected Reject\n\
             RejectMsg Infected with %v\nOnFail Defer\nAddHeader No\nMilterSocketMode 666\n",
            door.for_milter()
        );
        let file = scratch.write("clamav/milter.conf", configuration);
        let mut command = Peers::get().tool(NAME, "milter");
        command.arg("--config-file").arg(file);
        let mut milter =
            Server::start(NAME, &mut command, scratch.path().join("clamav-milter.printed"));
        milter.wait_ready(Duration::from_secs(60), || door.is_open());
        Self { milter, daemon, door }
    }
}

impl Drop for Clamav {
    fn drop(&mut self) {
        // Asked to end, it would wait for its connections first.
        self.milter.kill();
        self.daemon.kill();
    }
}
