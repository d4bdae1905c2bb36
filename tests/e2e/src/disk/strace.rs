//! What strace says, as deeds.

use std::path::{Path, PathBuf};

/// What of a program's calls changes files, and what tells somebody something.
pub(super) const CALLS: &str = "openat,creat,write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,ftruncate,fallocate,fsync,\
                     fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,copy_file_range";

/// One thing a program did.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Make(String),
    Write {
        name: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Append {
        name: String,
        bytes: Vec<u8>,
    },
    Cut {
        name: String,
        length: usize,
    },
    Sync(String),
    Rename {
        from: String,
        to: String,
    },
    Link {
        from: String,
        to: String,
    },
    Remove(String),
    /// It told somebody: on standard output, or through a socket.
    Say(Vec<u8>),
}

/// What one call did to the files of the folder; none if nothing, or if it failed.
pub(super) fn deed(folder: &Path, call: &str) -> Option<Deed> {
    let (name, rest) = call.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let result = result.trim();
    if result.starts_with('-') || result.starts_with('?') {
        return None;
    }
    let written = || result.split('<').next().and_then(|n| n.trim().parse::<usize>().ok());
    let arguments: Vec<&str> = split(arguments.trim_end().strip_suffix(')')?);
    let argument = |at: usize| arguments.get(at).copied().unwrap_or_default();
    // A path may be given as seen from an open folder: `AT_FDCWD<...>, "name"`.
    let path = |at: usize| inside(folder, &text(argument(at)));
    // Not relative: that is a pipe or a socket.
    let file = |at: usize| inside(folder, &file_of(argument(at)).filter(|p| p.starts_with('/'))?);
    match name {
        "openat" if argument(2).contains("O_CREAT") => {
            let name = path(1)?;
            (!name.is_empty()).then_some(Deed::Make(name))
        }
        "openat" if argument(2).contains("O_TRUNC") => {
            Some(Deed::Cut { name: path(1)?, length: 0 })
        }
        "write" | "sendto" | "sendmsg" => {
            let bytes = bytes(argument(1));
            match file(0) {
                Some(name) => {
                    let bytes = bytes.get(..written()?)?.to_vec();
                    Some(Deed::Append { name, bytes })
                }
                None => Some(Deed::Say(bytes)),
            }
        }
        "writev" => {
            let all: Vec<u8> = strings(argument(1)).concat();
            match file(0) {
                Some(name) => Some(Deed::Append { name, bytes: all.get(..written()?)?.to_vec() }),
                None => Some(Deed::Say(all)),
            }
        }
        "pwrite64" => Some(Deed::Write {
            name: file(0)?,
            at: argument(3).parse().expect("an offset"),
            bytes: bytes(argument(1)).get(..written()?)?.to_vec(),
        }),
        "pwritev" | "pwritev2" | "copy_file_range" | "creat" if file(0).is_some() => {
            panic!("{name} is not played back yet")
        }
        "ftruncate" => Some(Deed::Cut { name: file(0)?, length: argument(1).parse().ok()? }),
        "fsync" | "fdatasync" => Some(Deed::Sync(file(0)?)),
        "rename" => Some(Deed::Rename { from: path(0)?, to: path(1)? }),
        "renameat" | "renameat2" => Some(Deed::Rename { from: path(1)?, to: path(3)? }),
        "link" => Some(Deed::Link { from: path(0)?, to: path(1)? }),
        "linkat" => Some(Deed::Link { from: path(1)?, to: path(3)? }),
        "unlink" => Some(Deed::Remove(path(0)?)),
        "unlinkat" => Some(Deed::Remove(path(1)?)),
        _ => None,
    }
}

/// The name of a file of the folder itself, empty for the folder, none for any other.
fn inside(folder: &Path, path: &str) -> Option<String> {
    let path = Path::new(path);
    let whole = if path.is_absolute() { path.to_owned() } else { folder.join(path) };
    let whole: PathBuf = whole.components().collect();
    let name = whole.strip_prefix(folder).ok()?.to_str()?;
    (!name.contains('/') && !name.ends_with(" (deleted)")).then(|| name.to_owned())
}

/// Arguments, parted at the commas outside of brackets.
fn split(arguments: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, byte) in arguments.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(arguments.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(arguments.get(start..).unwrap_or_default().trim());
    parts
}

/// The file behind `5<\x2f...>`.
fn file_of(argument: &str) -> Option<String> {
    let (_, path) = argument.split_once('<')?;
    Some(String::from_utf8_lossy(&unhex(path.trim_end_matches('>'))).into_owned())
}

fn text(argument: &str) -> String {
    String::from_utf8_lossy(&bytes(argument)).into_owned()
}

/// A string in quotes; strace's own `...` behind it would mean that it was cut off.
fn bytes(argument: &str) -> Vec<u8> {
    assert!(!argument.ends_with("..."), "strace cut a string off");
    strings(argument).concat()
}

/// Every string in quotes.
fn strings(argument: &str) -> Vec<Vec<u8>> {
    argument.split('"').skip(1).step_by(2).map(unhex).collect()
}

/// `\x2f\x74` as bytes. What is not written so stands for itself.
fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let (mut out, mut rest) = (Vec::with_capacity(text.len() / 4), text.as_bytes());
    loop {
        rest = match rest {
            [] => return out,
            [b'\\', b'x', high, low, rest @ ..] => {
                let pair = digit(*high).zip(digit(*low)).expect("two digits");
                out.push(pair.0 << 4 | pair.1);
                rest
            }
            [byte, rest @ ..] => {
                out.push(*byte);
                rest
            }
        };
    }
}
