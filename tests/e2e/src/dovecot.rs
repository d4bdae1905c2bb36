//! Dovecot, for nothing but its logins: Postfix asks it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::overlay::overlaid;
use crate::process::Server;
use crate::scratch::Scratch;
use crate::secured::Secured;

/// A running Dovecot that knows one user.
pub struct Dovecot {
    _server: Server,
    socket: PathBuf,
}

impl Dovecot {
    /// What it offers.
    pub const MECHANISMS: &[&str] = &["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"];

    /// Starts one in `scratch`.
    pub fn start(scratch: &Scratch) -> Self {
        let folder = scratch.folder("dovecot", None, 0o755);
        for name in ["run", "state"] {
            scratch.folder(&format!("dovecot/{name}"), None, 0o755);
        }
        let users = format!("{}:{{PLAIN}}{}\n", Secured::USER, Secured::PASSWORD);
        scratch.write("dovecot/users", users);
        let configuration = scratch.write("dovecot/dovecot.conf", configuration(&folder));
        let mut command = overlaid("dovecot", "", "/usr/sbin/dovecot");
        command.arg("-F").arg("-c").arg(configuration);
        let mut server = Server::start("dovecot", &mut command, folder.join("printed"));
        let socket = folder.join("auth");
        server.wait_ready(Duration::from_secs(90), || socket.exists());
        Self { _server: server, socket }
    }

    /// The socket at which Postfix asks.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

fn configuration(folder: &Path) -> String {
    format!(
        "base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
libexec_dir = /usr/lib/dovecot
mail_plugin_dir = /usr/lib/dovecot/modules
default_login_user = nobody
default_internal_user = mail
default_internal_group = mail
protocols =
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = {mechanisms}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {root}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={root}
}}
service auth {{
  unix_listener {root}/auth {{
    mode = 0666
  }}
}}
service stats {{
  chroot =
}}
service anvil {{
  chroot =
}}
",
        root = folder.display(),
        mechanisms = Dovecot::MECHANISMS.join(" ").to_lowercase(),
    )
}
