//! Servers with paths built in, such as `/usr/bin/doveconf`: started in a view of the
//! file system of their own, in which the unpacked package lies over `/usr`. The machine
//! is not changed, and two of them do not meet.

use std::path::Path;
use std::process::Command;

use crate::peers::Peers;

/// A command that prepares such a view by `prepare`, lines for a shell, and then becomes
/// `program` (a path in the view). Arguments are added by the caller.
pub(crate) fn overlaid(server: &str, prepare: &str, program: &str) -> Command {
    let root = Path::new(Peers::get().field(server, "root"));
    let overlay = if root == Path::new("/") {
        String::new()
    } else {
        format!("mount -t overlay overlay -o lowerdir={}/usr:/usr /usr\n", root.display())
    };
    let script = format!("set -e\n{overlay}{prepare}\nexec \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script, server, program]);
    command.env("LC_ALL", "C").env("TZ", "UTC");
    command
}
