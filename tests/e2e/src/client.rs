//! The real clients: each sends one message and says what it was told.

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::letter::Letter;
use crate::peers::Peers;
use crate::process::run;
use crate::scratch::Scratch;
use crate::way::{Tls, Way};
use crate::wire::on_the_wire;

/// No client needs longer for one message, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);

/// A program that people send mail with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The one of the quickstart; gives up at the first refused recipient.
    Curl,
    /// curl with `--mail-rcpt-allowfails`.
    CurlAllowFails,
    /// A tool for scripted dialogues.
    Swaks,
    /// What cron jobs use as `sendmail`; gives up at the first refused recipient.
    Msmtp,
    /// Python's own.
    Smtplib,
    /// Perl's own.
    NetSmtp,
    /// What JavaScript shops use.
    Nodemailer,
}

/// How a client took it.
#[derive(Debug)]
pub struct Told {
    /// Whether it believes the message to be on its way (to anybody).
    pub accepted: bool,
    /// Everything it printed: the server's words as this client shows them.
    pub text: String,
}

impl Client {
    /// Sends a letter to `recipients` by the server at `gate`, in the clear.
    pub fn send(
        self,
        scratch: &Scratch,
        gate: SocketAddr,
        sender: &str,
        recipients: &[&str],
        letter: &Letter,
    ) -> Told {
        self.send_by(&Way::plain(gate), scratch, sender, recipients, letter)
    }

    /// Sends a letter to `recipients` by this way. A server that does not show a
    /// certificate of the authority is not sent anything.
    pub fn send_by(
        self,
        way: &Way,
        scratch: &Scratch,
        sender: &str,
        recipients: &[&str],
        letter: &Letter,
    ) -> Told {
        let gate = way.server;
        let file = scratch.write("letter.eml", &letter.content);
        let file = file.to_str().expect("a temporary folder has a plain name");
        let (host, port) = (gate.ip().to_string(), gate.port().to_string());
        let peers = Peers::get();
        let mut command = match self {
            Self::Curl | Self::CurlAllowFails => {
                let mut command = peers.command("curl");
                command.args(["--silent", "--show-error", "--verbose", "--max-time", "60"]);
                if self == Self::CurlAllowFails {
                    command.arg("--mail-rcpt-allowfails");
                }
                curl_way(&mut command, way);
                command.args(["--mail-from", sender, "--upload-file", file]);
                command.args(recipients.iter().flat_map(|recipient| ["--mail-rcpt", recipient]));
                command
            }
            Self::Swaks => {
                let mut command = peers.command("swaks");
                command.args(["--server", &host, "--port", &port, "--helo", "client.test"]);
                command.args(["--from", sender, "--to", &recipients.join(",")]);
                // Sent as it stands in the file: no tokens replaced, nothing taken
                // for a line end that is none; so dots and the end are ours to do.
                let wire = scratch.write("letter.wire", on_the_wire(&letter.content));
                command.arg("--data").arg(format!("@{}", wire.display()));
                command.arg("--no-data-fixup");
                command.args(["--suppress-data", "--timeout", "60"]);
                swaks_way(&mut command, way);
                command
            }
            Self::Msmtp => {
                let mut command = peers.command("msmtp");
                let nowhere = scratch.write("msmtprc", "");
                command.arg("--file").arg(nowhere);
                command.args([&format!("--host={host}"), &format!("--port={port}")]);
                command.args(["--domain=client.test", &format!("--from={sender}"), "--timeout=60"]);
                msmtp_way(&mut command, way, scratch);
                command.args(["--debug", "--"]).args(recipients);
                let file = File::open(file).expect("the letter can be read");
                command.stdin(Stdio::from(file));
                command
            }
            Self::Smtplib => script(peers.command("smtplib"), "send.py"),
            Self::NetSmtp => script(peers.command("net-smtp"), "send.pl"),
            Self::Nodemailer => {
                let mut command = script(peers.command("nodemailer"), "send.cjs");
                command.env("NODE_PATH", peers.field("nodemailer", "modules"));
                command
            }
        };
        if matches!(self, Self::Smtplib | Self::NetSmtp | Self::Nodemailer) {
            command.args([&host, &port, sender, file]).args(recipients);
            command.env("WAY", way.for_scripts());
        }
        let ran = run(&mut command, LIMIT);
        let accepted = match self {
            Self::Smtplib | Self::NetSmtp | Self::Nodemailer => {
                let told: Option<serde_json::Value> = serde_json::from_str(&ran.out).ok();
                let told = told.unwrap_or_else(|| panic!("{self:?} failed: {}", ran.text()));
                told.get("accepted").and_then(serde_json::Value::as_bool) == Some(true)
            }
            _ => ran.code == 0,
        };
        Told { accepted, text: ran.text() }
    }
}

fn script(mut command: Command, name: &str) -> Command {
    command.arg(format!("{}/programs/{name}", env!("CARGO_MANIFEST_DIR")));
    command
}

fn curl_way(command: &mut Command, way: &Way) {
    let scheme = if way.tls == Tls::Implicit { "smtps" } else { "smtp" };
    command.arg(format!("{scheme}://{}/client.test", way.server));
    if way.tls == Tls::StartTls {
        command.arg("--ssl-reqd");
    }
    if let Some(ca) = &way.ca {
        command.arg("--cacert").arg(ca);
    }
    if let Some(login) = &way.login {
        command.arg("--user").arg(format!("{}:{}", login.user, login.password));
        command.arg("--login-options").arg(format!("AUTH={}", login.mechanism));
    }
}

fn swaks_way(command: &mut Command, way: &Way) {
    match way.tls {
        Tls::Off => {}
        Tls::StartTls => {
            command.arg("--tls");
        }
        Tls::Implicit => {
            command.arg("--tls-on-connect");
        }
    }
    if let Some(ca) = &way.ca {
        command.arg("--tls-verify").arg("--tls-ca-path").arg(ca);
    }
    if let Some(login) = &way.login {
        command.args(["--auth", login.mechanism, "--auth-user", &login.user]);
        command.args(["--auth-password", &login.password]);
    }
}

fn msmtp_way(command: &mut Command, way: &Way, scratch: &Scratch) {
    match way.tls {
        Tls::Off => command.arg("--tls=off"),
        Tls::StartTls => command.args(["--tls=on", "--tls-starttls=on"]),
        Tls::Implicit => command.args(["--tls=on", "--tls-starttls=off"]),
    };
    if let Some(ca) = &way.ca {
        command.arg(format!("--tls-trust-file={}", ca.display()));
    }
    let Some(login) = &way.login else {
        command.arg("--auth=off");
        return;
    };
    let password = scratch.write("msmtp.password", format!("{}\n", login.password));
    command.arg(format!("--auth={}", login.mechanism.to_lowercase()));
    command.arg(format!("--user={}", login.user));
    command.arg(format!("--passwordeval=cat {}", password.display()));
}
