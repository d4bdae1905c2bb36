//! A private folder of one test, gone when the test is over.
//!
//! It lies in the system's folder for temporary files, because the mail servers
//! run under users of their own, and these must be able to reach it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder.
pub struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    /// A new, empty folder.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("optgate-e2e.")
            .tempdir()
            .expect("a temporary folder can be made");
        let everybody = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), everybody).expect("its permissions can be set");
        Self { folder }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file and says where.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, content).expect("a file can be written");
        path
    }

    /// Copies a program into the folder, with this mode in octal, such as `4755`.
    ///
    /// Another program makes the copy: a file that this one had open for writing could be
    /// inherited by a child that another thread starts in that moment, and while it is open
    /// there nobody can run it ("text file busy").
    pub fn program(&self, from: &Path, name: &str, mode: &str) -> PathBuf {
        let path = self.path().join(name);
        let status = Command::new("install").args(["-m", mode]).arg(from).arg(&path).status();
        assert!(status.is_ok_and(|status| status.success()), "a program can be installed");
        path
    }

    /// Makes a folder inside, for a user, with these permissions.
    pub fn folder(&self, name: &str, owner: Option<&User>, mode: u32) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(&path).expect("a folder can be made");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode can be set");
        if let Some(owner) = owner {
            chown(&path, Some(owner.uid), Some(owner.gid)).expect("root can give a folder away");
        }
        path
    }

    /// A folder of programs as any user can run them: itself, or where it lies below a
    /// folder that is root's alone, a copy in here.
    pub fn reachable(&self, folder: &Path, name: &str) -> PathBuf {
        let open = |folder: &Path| {
            fs::metadata(folder).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0)
        };
        if folder.ancestors().all(open) {
            return folder.to_owned();
        }
        let copy = self.path().join(name);
        if !copy.exists() {
            copy_tree(folder, &copy);
        }
        copy
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// Copies a folder with everything in it, owners and permissions too.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    let mut copy = Command::new("cp");
    let status = copy.args(["-a", "--reflink=auto", "-T"]).args([from, to]).status();
    assert!(status.is_ok_and(|status| status.success()), "a folder can be copied");
}

/// A user of the system.
pub struct User {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
}

impl User {
    /// Looks a user up.
    pub fn find(name: &str) -> Option<Self> {
        let number = |what: &str| {
            let output = Command::new("id").args([what, name]).output().ok()?;
            String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().ok()
        };
        Some(Self { name: name.to_owned(), uid: number("-u")?, gid: number("-g")? })
    }
}
