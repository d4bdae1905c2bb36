//! Postfix as a before-queue proxy (SMTPD_PROXY_README): smtpd asks an access map for
//! every recipient and speaks to the sink itself; nothing is queued. Everything lies in
//! a private folder; only the programs are the system's.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::mail;
use super::setting::Setting;
use crate::test::Postfix;

/// Folders of a queue that the daemons expect, and who owns them.
const QUEUE: [(&str, Owner); 15] = [
    ("active", Owner::Postfix),
    ("bounce", Owner::Postfix),
    ("corrupt", Owner::Postfix),
    ("defer", Owner::Postfix),
    ("deferred", Owner::Postfix),
    ("flush", Owner::Postfix),
    ("hold", Owner::Postfix),
    ("incoming", Owner::Postfix),
    ("maildrop", Owner::Postfix),
    ("pid", Owner::Root),
    ("private", Owner::Postfix),
    ("public", Owner::Postfix),
    ("saved", Owner::Postfix),
    ("trace", Owner::Postfix),
    ("data", Owner::Postfix),
];

#[derive(Clone, Copy, PartialEq)]
enum Owner {
    Root,
    Postfix,
}

/// Writes the configuration, makes the map if there is none yet, and gives the command.
pub(super) fn command(folder: &Path, address: SocketAddr, setting: &Setting) -> Result<Command> {
    let programs = setting.postfix.as_ref().context("Postfix was not looked for")?;
    let (config, queue) = (folder.join("config"), folder.join("queue"));
    fs::create_dir_all(&config)?;
    fs::create_dir_all(&queue)?;
    let user = postfix_user()?;
    for (name, owner) in QUEUE {
        let path = queue.join(name);
        fs::create_dir_all(&path)?;
        if owner == Owner::Postfix {
            chown(&path, Some(user), None)?;
        }
    }
    for path in folder.ancestors() {
        ensure!(
            fs::metadata(path)?.permissions().mode() & 0o001 != 0,
            "the user postfix cannot reach {}; put the build elsewhere with CARGO_TARGET_DIR",
            path.display()
        );
    }
    fs::write(config.join("main.cf"), main_cf(folder, setting, programs))?;
    fs::write(config.join("master.cf"), master_cf(address, setting))?;
    make_map(folder, &config, setting, programs)?;
    let mut command = run(programs, programs.daemons.join("master"));
    command.arg("-d").arg("-c").arg(config);
    Ok(command)
}

fn main_cf(folder: &Path, setting: &Setting, programs: &Postfix) -> String {
    let libraries = programs.libraries.as_deref().unwrap_or(&programs.shared).display();
    let folder = folder.display();
    let mut text = String::new();
    let settings = [
        ("compatibility_level", "3.6".to_owned()),
        ("queue_directory", format!("{folder}/queue")),
        ("data_directory", format!("{folder}/queue/data")),
        ("daemon_directory", programs.daemons.display().to_string()),
        ("command_directory", programs.commands.display().to_string()),
        ("shlib_directory", programs.shared.display().to_string()),
        // A Postfix that was only unpacked finds its libraries in no other way.
        ("import_environment", format!("MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH={libraries}")),
        ("mail_owner", "postfix".to_owned()),
        ("setgid_group", "postdrop".to_owned()),
        ("myhostname", "postfix.example".to_owned()),
        ("mydestination", String::new()),
        ("mynetworks", "127.0.0.0/8".to_owned()),
        ("inet_interfaces", "127.0.0.1".to_owned()),
        ("inet_protocols", "ipv4".to_owned()),
        ("alias_maps", String::new()),
        ("alias_database", String::new()),
        ("local_recipient_maps", String::new()),
        ("smtpd_relay_restrictions", "permit_mynetworks, reject".to_owned()),
        (
            "smtpd_recipient_restrictions",
            format!(
                "check_recipient_access {}:{folder}/optouts-{}, permit_mynetworks, reject",
                setting.map, setting.opt_outs
            ),
        ),
        ("message_size_limit", "52428800".to_owned()),
        // Its log goes to its own small daemon, not to the system's.
        ("maillog_file", format!("{folder}/postfix.log")),
        ("maillog_file_prefixes", format!("{folder}")),
    ];
    for (name, value) in settings {
        let _ = writeln!(text, "{name} = {value}");
    }
    text
}

fn master_cf(address: SocketAddr, setting: &Setting) -> String {
    format!(
        "{address} inet n - n - - smtpd\n    -o smtpd_proxy_filter={}\n\
         rewrite unix - - n - - trivial-rewrite\n\
         anvil unix - - n - 1 anvil\n\
         proxymap unix - - n - - proxymap\n\
         postlog unix-dgram n - n - 1 postlogd\n",
        setting.sink
    )
}

/// Makes the map once for a length of list and a type.
fn make_map(folder: &Path, config: &Path, setting: &Setting, programs: &Postfix) -> Result<()> {
    let made = folder.join(format!("made-{}-{}", setting.map, setting.opt_outs));
    if made.exists() {
        return Ok(());
    }
    eprintln!("making a {} map of {} opt-outs for Postfix", setting.map, setting.opt_outs);
    let text = folder.join(format!("optouts-{}", setting.opt_outs));
    mail::write_access(&text, setting.opt_outs)?;
    let status = run(programs, programs.commands.join("postmap"))
        .arg("-c")
        .arg(config)
        .arg(format!("{}:{}", setting.map, text.display()))
        .status()
        .context("cannot run postmap")?;
    ensure!(status.success(), "postmap ended with {status}");
    fs::write(made, "")?;
    Ok(())
}

/// A program of Postfix, with its libraries when they are not the system's.
fn run(programs: &Postfix, program: PathBuf) -> Command {
    let mut command = Command::new(program);
    if let Some(libraries) = &programs.libraries {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command
}

/// The user id that Debian's package made.
fn postfix_user() -> Result<u32> {
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find_map(|line| line.strip_prefix("postfix:"));
    let id = line.and_then(|line| line.split(':').nth(1)).context("there is no user postfix")?;
    Ok(id.parse()?)
}
