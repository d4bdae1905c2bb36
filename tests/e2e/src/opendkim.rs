//! OpenDKIM as a milter: it signs what comes from its own clients, or says of a message
//! whether its signatures are true. The public keys it asks for are in a file.

use std::time::Duration;

use crate::dkim::DkimKey;
use crate::door::Door;
use crate::peers::Peers;
use crate::process::Server;
use crate::scratch::Scratch;
use crate::smarthost::GATE_NAME;

const NAME: &str = "opendkim";

/// A running OpenDKIM.
pub struct OpenDkim {
    server: Server,
    /// Where it listens.
    pub door: Door,
}

impl OpenDkim {
    /// Starts one that signs for the domain of `key`.
    pub fn signing(scratch: &Scratch, door: &Door, key: &DkimKey) -> Self {
        let lines = format!(
            "Mode s\nSignatureAlgorithm {}\nDomain {}\nSelector {}\nKeyFile {}\nCanonicalization relaxed/relaxed\n\
             InternalHosts csl:127.0.0.1\nRequireSafeKeys no\nOversignHeaders From\n",
            key.kind.algorithm(),
            key.domain,
            key.selector,
            key.file.display()
        );
        Self::start(scratch, "opendkim-signs", door, &lines)
    }

    /// Starts one that verifies, with the public halves of `keys`.
    pub fn verifying(scratch: &Scratch, door: &Door, keys: &[&DkimKey]) -> Self {
        let lines = keys.iter().map(|key| format!("{} {}\n", key.name(), key.record()));
        let zone = scratch.write("opendkim.zone", lines.collect::<String>());
        let lines = format!(
            "Mode v\nTestDNSData file:{}\nAuthservID {GATE_NAME}\nAlwaysAddARHeader yes\n\
             On-BadSignature reject\n",
            zone.display()
        );
        Self::start(scratch, "opendkim-verifies", door, &lines)
    }

    fn start(scratch: &Scratch, name: &str, door: &Door, lines: &str) -> Self {
        let text = format!("Syslog no\nSocket {}\nUMask 000\n{lines}", door.for_milter());
        let file = scratch.write(&format!("{name}.conf"), text);
        let mut command = Peers::get().tool(NAME, "program");
        command.args(["-f", "-x"]).arg(file);
        let log = scratch.path().join(format!("{name}.log"));
        let mut server = Server::start(NAME, &mut command, log);
        server.wait_ready(Duration::from_secs(90), || door.is_open());
        Self { server, door: door.clone() }
    }
}

impl Drop for OpenDkim {
    fn drop(&mut self) {
        // Asked to end, it would wait for its connections first.
        self.server.kill();
    }
}
