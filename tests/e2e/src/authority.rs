//! A certificate authority of a test, made by openssl, and the certificate of its
//! servers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::peers::Peers;
use crate::process::run;
use crate::scratch::Scratch;

/// The authority and one certificate for `localhost` and `127.0.0.1`.
pub struct Authority {
    /// The certificate of the authority: what a client trusts. PEM.
    pub ca: PathBuf,
    /// The certificate of the server. PEM.
    pub certificate: PathBuf,
    /// The key of the server. PEM.
    pub key: PathBuf,
    ca_key: PathBuf,
}

/// A certificate of an authority.
pub struct Issued {
    /// PEM.
    pub certificate: PathBuf,
    /// Its key. PEM.
    pub key: PathBuf,
}

/// A key on this curve is made in no time, and every server takes it.
const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

impl Authority {
    /// Makes one in a folder `name` of the scratch folder. Two have nothing in common.
    pub fn new(scratch: &Scratch, name: &str) -> Self {
        let folder = scratch.folder(name, None, 0o755);
        let file = |name: &str| folder.join(name);
        let own = Self {
            ca: file("ca.pem"),
            certificate: file("server.pem"),
            key: file("server.key"),
            ca_key: file("ca.key"),
        };
        // What the certificates may be used for is said in full: GnuTLS insists on it.
        make(
            &own.ca_key,
            &own.ca,
            &[
                ("-subj", &format!("/CN={name} of the tests")),
                ("-addext", "basicConstraints=critical,CA:TRUE"),
                ("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            ],
        );
        own.sign(
            &Issued { certificate: own.certificate.clone(), key: own.key.clone() },
            "localhost",
            "DNS:localhost,IP:127.0.0.1",
            "serverAuth",
        );
        own
    }

    /// Another certificate: `names` as openssl writes them, `DNS:*.example.com`.
    pub fn issue(&self, common: &str, names: &str, purpose: &str) -> Issued {
        let folder = self.ca.parent().expect("it is in a folder");
        let file = |ending: &str| folder.join(format!("{}.{ending}", common.replace('*', "star")));
        let issued = Issued { certificate: file("pem"), key: file("key") };
        self.sign(&issued, common, names, purpose);
        issued
    }

    fn sign(&self, issued: &Issued, common: &str, names: &str, purpose: &str) {
        make(
            &issued.key,
            &issued.certificate,
            &[
                ("-subj", &format!("/CN={common}")),
                ("-addext", "basicConstraints=critical,CA:FALSE"),
                ("-addext", "keyUsage=critical,digitalSignature"),
                ("-addext", &format!("extendedKeyUsage={purpose}")),
                ("-addext", &format!("subjectAltName={names}")),
                ("-CA", &self.ca.display().to_string()),
                ("-CAkey", &self.ca_key.display().to_string()),
            ],
        );
    }
}

fn make(key: &Path, certificate: &Path, words: &[(&str, &str)]) {
    let mut command = Peers::get().command("openssl");
    command.args(["req", "-x509", "-days", "2", "-config", "/dev/null"]).args(KEY);
    command.arg("-keyout").arg(key).arg("-out").arg(certificate);
    command.args(words.iter().flat_map(|(word, value)| [word, value]));
    let ran = run(&mut command, Duration::from_secs(30));
    assert_eq!(ran.code, 0, "openssl: {}", ran.text());
}
