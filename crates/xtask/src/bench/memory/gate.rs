//! The gate of one case, with a certificate and one user.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::client::{NAME, PASSWORD, Secrecy, Session, USER};
use crate::bench::subject::{Process, free_address};

/// Addresses that the clients come from.
const CLIENTS: usize = 20;
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running gate. Dropping it ends it.
pub(super) struct Gate {
    process: Process,
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

impl Gate {
    /// Starts one in a folder of its own and waits for its greeting.
    pub(super) fn start(program: &Path, folder: &Path, smarthost: SocketAddr) -> Result<Self> {
        let folder = folder.join("gate");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        let address = free_address()?;
        make_certificate(&folder)?;
        fs::write(folder.join("password"), PASSWORD)?;
        fs::write(
            folder.join("optgate.toml"),
            format!(
                "[server]\nhostname = \"{NAME}\"\n\n[[smarthost]]\naddress = \"{smarthost}\"\n\n\
                 [[listener]]\naddress = \"{address}\"\nallow = [\"127.0.0.0/8\"]\n\
                 auth = \"users\"\n\n[users]\nfile = \"optgate.users\"\n\n\
                 [[certificate]]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n\n\
                 [limits]\nconnections = 20000\n"
            ),
        )?;
        let words = ["user", "add", USER, "--password-file", "password"];
        let added = Command::new(program).args(words).current_dir(&folder).output()?;
        ensure!(added.status.success(), "user add: {}", String::from_utf8_lossy(&added.stderr));
        let mut command = Command::new(program);
        command.args(["serve", "--config", "optgate.toml"]).current_dir(&folder);
        let mut process = Process::start_anywhere(&mut command, &folder.join("output.log"))?;
        let tls = client_config(&folder.join("cert.pem"))?;
        let began = Instant::now();
        loop {
            if let Some(status) = process.ended()? {
                let log = fs::read_to_string(folder.join("output.log")).unwrap_or_default();
                bail!("the gate ended with {status}:\n{log}");
            }
            if Session::open(Ipv4Addr::LOCALHOST, address, None).is_ok() {
                return Ok(Self { process, address, tls });
            }
            ensure!(began.elapsed() < START_LIMIT, "the gate does not get ready");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Opens a session up to the reply to EHLO, from one of many addresses.
    pub(super) fn session(&self, number: usize, secrecy: Secrecy) -> Result<Session> {
        let host = u8::try_from(2 + number % CLIENTS)?;
        let from = Ipv4Addr::new(127, 0, 0, host);
        let tls = (secrecy == Secrecy::Tls).then(|| Arc::clone(&self.tls));
        Session::open(from, self.address, tls).with_context(|| format!("session {number}"))
    }
}

fn make_certificate(folder: &Path) -> Result<()> {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.args(["-nodes", "-days", "2", "-keyout", "key.pem", "-out", "cert.pem"]);
    command.args(["-subj", "/CN=optgate.example", "-addext", "subjectAltName=DNS:optgate.example"]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    let made = command.current_dir(folder).stdin(Stdio::null()).output();
    let made = made.context("cannot run openssl")?;
    ensure!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}

/// Believes this certificate. No resumption: every session pays in full.
fn client_config(certificate: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}
