//! Where a milter listens, as each program that names it writes it.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::port::free_port;
use crate::scratch::Scratch;

/// A socket of a milter.
#[derive(Debug, Clone)]
pub enum Door {
    /// A port on the loopback address.
    Port(SocketAddr),
    /// A file in the folder of the test.
    File(PathBuf),
}

impl Door {
    /// A port that is free.
    pub fn port() -> Self {
        Self::Port(free_port())
    }

    /// A file of this name in the folder of the test.
    pub fn file(scratch: &Scratch, name: &str) -> Self {
        Self::File(scratch.path().join(name))
    }

    /// As the gate writes it in `[[milter]]`.
    pub fn for_gate(&self) -> String {
        match self {
            Self::Port(address) => address.to_string(),
            Self::File(path) => format!("unix:{}", path.display()),
        }
    }

    /// As Postfix writes it in `smtpd_milters`.
    pub fn for_postfix(&self) -> String {
        match self {
            Self::Port(address) => format!("inet:{address}"),
            Self::File(path) => format!("unix:{}", path.display()),
        }
    }

    /// As Sendmail's library has it, and what is built on that.
    pub fn for_milter(&self) -> String {
        match self {
            Self::Port(address) => format!("inet:{}@{}", address.port(), address.ip()),
            Self::File(path) => format!("unix:{}", path.display()),
        }
    }

    /// Whether somebody listens.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Port(address) => TcpStream::connect(address).is_ok(),
            Self::File(path) => UnixStream::connect(path).is_ok(),
        }
    }

    /// `[[milter]]` of the gate's configuration, with more of its lines.
    pub fn table(&self, name: &str, lines: &str) -> String {
        format!("[[milter]]\nname = \"{name}\"\naddress = \"{}\"\n{lines}\n", self.for_gate())
    }
}
