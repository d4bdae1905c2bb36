//! Where the programs of the tests are, as `cargo xtask test` found them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The variable that names the manifest.
const MANIFEST: &str = "OPTGATE_E2E_PEERS";

/// The manifest of `cargo xtask test`.
pub struct Peers {
    manifest: Value,
}

impl Peers {
    /// The manifest of this run.
    ///
    /// # Panics
    /// When the tests were not started by `cargo xtask test`: nothing is skipped
    /// because a program is not there.
    pub fn get() -> &'static Self {
        static PEERS: OnceLock<Peers> = OnceLock::new();
        PEERS.get_or_init(|| {
            let Some(path) = std::env::var_os(MANIFEST) else {
                panic!(
                    "{MANIFEST} is not set: the end-to-end tests need real mail servers and \
                     clients; run `cargo xtask test`, which installs and finds them"
                );
            };
            let text = std::fs::read_to_string(&path).expect("the manifest can be read");
            Peers { manifest: serde_json::from_str(&text).expect("the manifest is JSON") }
        })
    }

    /// The program under test.
    pub fn optgate(&self) -> PathBuf {
        self.top("optgate").into()
    }

    /// Where running servers are noted.
    pub fn running(&self) -> PathBuf {
        self.top("running").into()
    }

    /// One field of one program, such as where its binary is.
    ///
    /// # Panics
    /// When the program was left out of the run: a test that needs it must carry
    /// its name, so that it is left out as well.
    pub fn field(&self, program: &str, field: &str) -> &str {
        match self.optional(program, field) {
            Some(value) => value,
            None => panic!("{program} is not in the manifest; is its name in the test's name?"),
        }
    }

    /// A field that not every installation has.
    pub fn optional(&self, program: &str, field: &str) -> Option<&str> {
        self.manifest.get("programs")?.get(program)?.get(field)?.as_str()
    }

    /// A command for a client program.
    pub fn command(&self, program: &str) -> Command {
        Command::new(self.field(program, "program"))
    }

    /// A command for one of the programs of a server, which may be unpacked only.
    pub(crate) fn tool(&self, server: &str, field: &str) -> Command {
        let mut command = Command::new(self.field(server, field));
        self.find_libraries(server, &mut command);
        command
    }

    /// Tells a program of a server where the libraries are that came with it.
    pub(crate) fn find_libraries(&self, server: &str, command: &mut Command) {
        if let Some(libraries) = self.optional(server, "libraries") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command.env("LC_ALL", "C").env("TZ", "UTC");
    }

    fn top(&self, field: &str) -> &str {
        self.manifest.get(field).and_then(Value::as_str).expect("the manifest has all its fields")
    }
}
