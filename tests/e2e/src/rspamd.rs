//! rspamd as a milter: its proxy scans by itself, with its own rules and without a
//! network, Redis, or the long lists whose compilation takes most of a usual start.

use std::path::Path;
use std::time::Duration;

use crate::door::Door;
use crate::peers::Peers;
use crate::process::Server;
use crate::scratch::Scratch;

const NAME: &str = "rspamd";

/// A running rspamd.
pub struct Rspamd {
    server: Server,
    /// Where it listens.
    pub door: Door,
}

impl Rspamd {
    /// What every rspamd rejects.
    pub const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";
    /// What every rspamd marks as spam.
    pub const MARKED: &str = "YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

    /// Starts one in `scratch`.
    pub fn start(scratch: &Scratch) -> Self {
        let door = Door::port();
        let Door::Port(address) = door else { panic!("a port is a port") };
        let folder = scratch.folder(NAME, None, 0o755);
        let shared = Path::new(Peers::get().field(NAME, "root")).join("usr/share/rspamd");
        for name in ["db", "run", "languages"] {
            scratch.folder(&format!("{NAME}/{name}"), None, 0o755);
        }
        for name in ["en.json", "stop_words"] {
            let from = shared.join("languages").join(name);
            std::fs::copy(from, folder.join("languages").join(name)).expect("rspamd has it");
        }
        scratch.write("rspamd/domains", "com\nexample\ntest\n");
        let text = configuration(&folder, &shared, &address.to_string());
        let file = scratch.write("rspamd/rspamd.conf", text);
        let mut command = Peers::get().tool(NAME, "program");
        command.args(["-f", "-i", "-c"]).arg(file);
        let shared = shared.display();
        let folder = folder.display();
        for (name, value) in [
            ("SHAREDIR", format!("{shared}")),
            ("LUALIBDIR", format!("{shared}/lualib")),
            ("RULESDIR", format!("{shared}/rules")),
            ("PLUGINSDIR", format!("{shared}/plugins")),
            ("DBDIR", format!("{folder}/db")),
            ("RUNDIR", format!("{folder}/run")),
            ("LOGDIR", format!("{folder}/run")),
            ("CONFDIR", format!("{folder}")),
        ] {
            command.arg(format!("--var={name}={value}")).env(name, value);
        }
        let log = scratch.path().join("rspamd.log");
        let mut server = Server::start(NAME, &mut command, log);
        server.wait_ready(Duration::from_secs(60), || door.is_open());
        Self { server, door }
    }
}

fn configuration(folder: &Path, shared: &Path, address: &str) -> String {
    format!(
        r#"lang_detection {{ languages = "{own}/languages"; languages_enabled = ["en"]; }}
options {{
  filters = "regexp";
  dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }}
  url_tld = "{own}/domains";
  tempdir = "{own}/run";
  pidfile = "{own}/run/pid";
  cache_file = "{own}/db/symbols.cache";
  hs_cache_dir = "{own}/db";
  control_socket = "{own}/run/control mode=0600";
  disable_hyperscan = true;
  enable_test_patterns = true;
  local_addrs = [];
}}
logging {{ type = "console"; level = "info"; color = false; }}
worker "rspamd_proxy" {{
  bind_socket = "{address}";
  milter = yes;
  count = 1;
  timeout = 30s;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
lua = "{rules}/rules/rspamd.lua";
actions {{ reject = 15; add_header = 6; greylist = null; }}
milter_headers {{ use = ["x-spam-status"]; skip_local = false; skip_authenticated = false; }}
modules {{ path = "{rules}/plugins/milter_headers.lua"; }}
"#,
        own = folder.display(),
        rules = shared.display(),
    )
}

impl Drop for Rspamd {
    fn drop(&mut self) {
        // Asked to end, it would wait for its connections first.
        self.server.kill();
    }
}
