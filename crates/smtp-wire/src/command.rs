//! Commands: what a client can ask, and why a line may not be one. RFC 5321 s4.1.1.
//!
//! A command holds only what was understood. It is written anew for the smarthost from these
//! fields; a client's bytes never go on as they came, so that the smarthost reads in them exactly
//! what we read.

use std::fmt;

use address::{AddressError, ForwardPath, ReversePath};

use crate::parameter::{MailParams, ParamError, RcptParams};
use crate::xclient::Xclient;

/// One command, read from a line by [`parse`](crate::parse).
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// `HELO name`: printable ASCII, safe inside a Received field.
    Helo(String),
    /// `EHLO name`, likewise.
    Ehlo(String),
    /// `MAIL FROM:<path> [parameters]`
    Mail {
        /// The reverse-path; not ASCII only if SMTPUTF8 is to be asked for.
        from: ReversePath,
        /// Offered parameters only.
        params: MailParams,
    },
    /// `RCPT TO:<path> [parameters]`
    Rcpt {
        /// The forward-path.
        to: ForwardPath,
        /// Offered parameters only.
        params: RcptParams,
    },
    /// `DATA`
    Data,
    /// `RSET`
    Rset,
    /// `NOOP [anything]`
    Noop,
    /// `QUIT`
    Quit,
    /// `VRFY string`
    Vrfy(String),
    /// `HELP [string]`
    Help,
    /// `STARTTLS`
    StartTls,
    /// `AUTH mechanism [initial-response]`
    Auth {
        /// Upper-case.
        mechanism: String,
        /// Base64, or `=` for an empty response; never to be logged.
        initial: Option<String>,
    },
    /// `XCLIENT attributes`, where it is offered.
    Xclient(Box<Xclient>),
    /// `BDAT ...`: what follows it cannot be told from commands: 502 and close.
    Bdat,
    /// `GET`, `POST` and the like: a web browser was led here; close.
    Http,
    /// A known verb that this server does not carry out: 502.
    NotImplemented(&'static str),
}

/// Which command an address belongs to: 501 5.1.7 or 501 5.1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathVerb {
    /// The reverse-path of MAIL.
    Mail,
    /// The forward-path of RCPT.
    Rcpt,
}

impl fmt::Display for PathVerb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
        })
    }
}

/// Why a line is not a command. Always the client's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No verb of ours: 500, and the connection stays (RFC 5321 s3.8).
    #[error("unknown command")]
    Unknown,
    /// Not UTF-8, or not ASCII where no address can be: 500 and close.
    #[error("octets over 127 in a command")]
    EightBit,
    /// Not what the verb's grammar says, or a control character: 501 5.5.4.
    #[error("{0}")]
    Syntax(&'static str),
    /// RSET, DATA, QUIT, STARTTLS with an argument: 501 (RFC 5321 s4.1.1).
    #[error("this command takes no argument")]
    ArgumentForbidden,
    /// A command without its argument: 501.
    #[error("this command needs an argument")]
    ArgumentMissing,
    /// The path of MAIL or RCPT: 501 or 553, by its fault.
    #[error("{error}")]
    Address {
        /// The command it came with.
        verb: PathVerb,
        /// What is wrong with it.
        error: AddressError,
    },
    /// A known parameter given wrongly: 501 5.5.4.
    #[error("{0}")]
    Parameter(ParamError),
    /// A parameter that is not offered, shortened and in upper case: 555 5.5.4.
    #[error("parameter {0} not recognised")]
    UnknownParameter(String),
}

impl Command {
    /// The verb, in upper case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Helo(_) => "HELO",
            Self::Ehlo(_) => "EHLO",
            Self::Mail { .. } => "MAIL",
            Self::Rcpt { .. } => "RCPT",
            Self::Data => "DATA",
            Self::Rset => "RSET",
            Self::Noop => "NOOP",
            Self::Quit => "QUIT",
            Self::Vrfy(_) => "VRFY",
            Self::Help => "HELP",
            Self::StartTls => "STARTTLS",
            Self::Auth { .. } => "AUTH",
            Self::Xclient(_) => "XCLIENT",
            Self::Bdat => "BDAT",
            Self::Http => "GET",
            Self::NotImplemented(name) => name,
        }
    }

    /// Appends the command as a client sends it, CRLF included.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.to_string().as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

impl fmt::Debug for Command {
    /// The line, without what proves who the client is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth { mechanism, initial: Some(_) } => write!(f, "`AUTH {mechanism} (secret)`"),
            other => write!(f, "`{other}`"),
        }
    }
}

impl fmt::Display for Command {
    /// The line without its CRLF. Holds addresses: not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Helo(argument) | Self::Ehlo(argument) | Self::Vrfy(argument) => {
                write!(f, "{name} {argument}")
            }
            Self::Mail { from, params } => write!(f, "{name} FROM:{from}{params}"),
            Self::Rcpt { to, params } => write!(f, "{name} TO:{to}{params}"),
            Self::Auth { mechanism, initial: None } => write!(f, "{name} {mechanism}"),
            Self::Auth { mechanism, initial: Some(initial) } => {
                write!(f, "{name} {mechanism} {initial}")
            }
            Self::Xclient(told) => write!(f, "{name}{told}"),
            _ => f.write_str(name),
        }
    }
}
