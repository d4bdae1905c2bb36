//! `cargo xtask bench distance`: what the pool saves when the smarthost is far away and wants TLS
//! and a login. The same client sends messages, each on a connection of its own, now straight to
//! the smarthost, with STARTTLS and AUTH, and now to optgate without either, which does both when
//! it opens a connection and then keeps it.

mod forwarder;

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::circumstances::load_average;
use super::subject::{Process, free_address};
use super::{interrupt, prepare};

/// The words behind `cargo xtask bench distance`.
#[derive(clap::Args, Debug)]
pub(crate) struct DistanceOptions {
    /// Messages of a round, each on a connection of its own
    #[arg(long, default_value_t = 20)]
    messages: u32,
    /// Rounds
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Milliseconds to the smarthost and back
    #[arg(long, default_value_t = 20)]
    round_trip: u64,
    /// Measure this optgate binary and build none
    #[arg(long)]
    gate: Option<PathBuf>,
}

/// Of going direct.
const AIM: f64 = 0.5;

pub(super) fn run(options: &DistanceOptions) -> Result<()> {
    let place = prepare::scale(options.gate.as_deref(), false)?;
    interrupt::watch();
    let folder = place.folder.join("distance");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    write_programs(&folder)?;
    println!("{}", load_average("at the start"));
    let address = free_address()?;
    let port = address.port().to_string();
    let mut command = python(&folder, "smarthost.py", &[&port, "certificate.pem", "key.pem"]);
    let mut smarthost = Process::start_anywhere(&mut command, &folder.join("smarthost.log"))?;
    await_port(address, &mut smarthost, "pip install aiosmtpd, or PYTHONPATH, may help")?;
    let one_way = Duration::from_micros(options.round_trip * 500);
    let far = forwarder::start(address, one_way)?;
    let near = free_address()?;
    configure(&folder, near, far)?;
    let mut command = Command::new(&place.gate);
    command.args(["serve", "--config", "optgate.toml"]).current_dir(&folder);
    let mut gate = Process::start_anywhere(&mut command, &folder.join("optgate.log"))?;
    await_port(near, &mut gate, "see optgate.log")?;

    let (mut direct, mut through) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds.max(1) {
        direct.extend(send(&folder, far, options.messages, &["certificate.pem"])?);
        through.extend(send(&folder, near, options.messages, &[])?);
    }
    let (direct, through) = (median(&mut direct), median(&mut through));
    println!("{}", load_average("at the end"));
    println!("\n| | median of a message, ms | of direct | aim |");
    println!("| --- | ---: | ---: | ---: |");
    println!("| direct, STARTTLS and AUTH | {direct:.1} | 1.00 | |");
    println!("| through optgate | {through:.1} | {:.2} | {AIM:.2} |", through / direct);
    Ok(())
}

/// The programs, and a certificate for the smarthost, which is its own authority.
fn write_programs(folder: &Path) -> Result<()> {
    fs::write(folder.join("smarthost.py"), include_str!("distance/smarthost.py"))?;
    fs::write(folder.join("client.py"), include_str!("distance/client.py"))?;
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(folder)
        .output()
        .context("cannot run openssl")?;
    ensure!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}

fn configure(folder: &Path, near: SocketAddr, far: SocketAddr) -> Result<()> {
    let password = folder.join("password");
    fs::write(&password, "secret\n")?;
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600))?;
    let text = format!(
        "[server]\nhostname = \"optgate.example\"\n\n\
         [smarthost]\naddress = \"{far}\"\ntls = \"required\"\ntls_ca = \"certificate.pem\"\n\
         login = \"erp\"\npassword_file = \"password\"\nmechanism = \"PLAIN\"\n\n\
         [[listener]]\naddress = \"{near}\"\nallow = [\"127.0.0.0/8\"]\n\n\
         [ledger]\npath = \"optgate.db\"\nkey_file = \"optgate.key\"\n\n\
         [evidence]\npath = \"evidence.jsonl\"\n"
    );
    fs::write(folder.join("optgate.toml"), text)?;
    Ok(())
}

fn python(folder: &Path, program: &str, words: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg(program).args(words).current_dir(folder);
    command
}

fn await_port(address: SocketAddr, process: &mut Process, hint: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(address).is_err() {
        if let Some(status) = process.ended()? {
            bail!("a server ended with {status}; {hint}");
        }
        ensure!(Instant::now() < deadline, "nobody listens at {address}; {hint}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Microseconds of each message.
fn send(folder: &Path, to: SocketAddr, messages: u32, words: &[&str]) -> Result<Vec<f64>> {
    let (port, messages) = (to.port().to_string(), messages.to_string());
    let mut command = python(folder, "client.py", &[&port, &messages]);
    let output = command.args(words).output().context("cannot run python3")?;
    ensure!(output.status.success(), "client: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    text.lines().map(|line| Ok(line.parse()?)).collect()
}

/// In milliseconds.
fn median(micros: &mut [f64]) -> f64 {
    micros.sort_unstable_by(f64::total_cmp);
    micros.get(micros.len() / 2).copied().unwrap_or_default() / 1e3
}
