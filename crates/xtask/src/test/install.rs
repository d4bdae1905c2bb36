//! Installing what is missing: Debian's packages in one go, then the mail
//! servers, then what comes from a language's own registry into private folders.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::found::{first_line, on_path};
use super::needs::{Kind, NODEMAILER, Need};
use super::places::Places;
use super::{apt, mta};
use crate::processes;

/// pip and npm fetch a handful of small packages.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Installs all of `missing`; only root gets here.
pub(super) fn install(missing: &[&Need], places: &Places) -> Result<()> {
    let mut packages: Vec<String> = Vec::new();
    for need in missing {
        let lacking = need.packages.iter().filter(|package| !is_here(package));
        packages.extend(lacking.map(|package| (*package).to_owned()));
    }
    packages.sort();
    packages.dedup();
    if !packages.is_empty() || missing.iter().any(|need| need.is_from_debian()) {
        apt::update()?;
    }
    apt::install(&packages)?;
    for need in missing {
        match need.kind {
            Kind::Command(..) | Kind::Tool(..) => {}
            Kind::Postfix => mta::install_postfix(places)?,
            Kind::Exim => mta::install_exim(places)?,
            Kind::Unpacked(server) | Kind::Overlaid(server) => server.install(need.name, places)?,
            Kind::Pip(package, version) => install_from_pypi(package, version, places)?,
            Kind::Nodemailer => install_nodemailer(places)?,
        }
    }
    println!();
    Ok(())
}

/// Whether what a package is wanted for is here already, perhaps from another
/// place: an interpreter of one's own must not get Debian's beside it.
fn is_here(package: &str) -> bool {
    match package {
        "nodejs" => on_path("node").is_some(),
        "npm" | "curl" | "swaks" | "msmtp" | "python3" => on_path(package).is_some(),
        "python3-venv" => {
            first_line(Command::new("python3").args(["-c", "import venv, ensurepip; print(1)"]))
                .is_some()
        }
        "perl" => has_module("Net::SMTP"),
        "libnet-ssleay-perl" => has_module("Net::SSLeay"),
        "libio-socket-ssl-perl" => has_module("IO::Socket::SSL"),
        "libauthen-sasl-perl" => has_module("Authen::SASL"),
        _ => false,
    }
}

fn has_module(name: &str) -> bool {
    let module = format!("-M{name}");
    first_line(Command::new("perl").args([&module, "-e", "print 1"])).is_some()
}

fn install_from_pypi(package: &str, version: &str, places: &Places) -> Result<()> {
    let folder = places.peers.join("py");
    let python = folder.join("bin/python");
    // Another package may have made it, and lives in it.
    if first_line(Command::new(&python).args(["-m", "pip", "--version"])).is_none() {
        println!("+ python3 -m venv {}", folder.display());
        let mut venv = Command::new("python3");
        if !processes::run(venv.args(["-m", "venv", "--clear"]).arg(&folder), LIMIT)?.success() {
            bail!("python3 could not make a virtual environment in {}", folder.display());
        }
    }
    let wanted = format!("{package}=={version}");
    println!("+ pip install {wanted}");
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &wanted]);
    if !processes::run(&mut pip, LIMIT)?.success() {
        bail!("pip could not install {wanted}");
    }
    Ok(())
}

fn install_nodemailer(places: &Places) -> Result<()> {
    let folder = places.peers.join("npm");
    std::fs::create_dir_all(&folder)?;
    let wanted = format!("nodemailer@{NODEMAILER}");
    println!("+ npm install {wanted} (into {})", folder.display());
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
    if !processes::run(npm.arg(&folder).arg(&wanted), LIMIT)?.success() {
        bail!("npm could not install {wanted}");
    }
    Ok(())
}
