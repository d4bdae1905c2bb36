//! What is told a filter, step by step.

use std::fmt;

/// A step of a session, and the command it is told by (`SMFIC_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// `O`: which version, actions, steps.
    Negotiate,
    /// `C`: a client.
    Connect,
    /// `H`: HELO or EHLO.
    Helo,
    /// `M`: MAIL.
    Mail,
    /// `R`: RCPT.
    Rcpt,
    /// `T`: DATA.
    Data,
    /// `L`: one header field.
    Header,
    /// `N`: the header is complete.
    EndOfHeader,
    /// `B`: a piece of the body.
    Body,
    /// `E`: the message is complete.
    EndOfBody,
}

impl Step {
    /// Its letter.
    pub fn letter(self) -> u8 {
        match self {
            Self::Negotiate => b'O',
            Self::Connect => b'C',
            Self::Helo => b'H',
            Self::Mail => b'M',
            Self::Rcpt => b'R',
            Self::Data => b'T',
            Self::Header => b'L',
            Self::EndOfHeader => b'N',
            Self::Body => b'B',
            Self::EndOfBody => b'E',
        }
    }

    /// The flag by which a filter does not want to be told of it (`SMFIP_NO*`).
    pub(crate) fn unwanted(self) -> u32 {
        match self {
            Self::Connect => 0x01,
            Self::Helo => 0x02,
            Self::Mail => 0x04,
            Self::Rcpt => 0x08,
            Self::Body => 0x10,
            Self::Header => 0x20,
            Self::EndOfHeader => 0x40,
            Self::Data => 0x200,
            Self::Negotiate | Self::EndOfBody => 0,
        }
    }

    /// The flag by which it will not reply to it (`SMFIP_NR_*`).
    pub(crate) fn unanswered(self) -> u32 {
        match self {
            Self::Header => 0x80,
            Self::Connect => 0x1000,
            Self::Helo => 0x2000,
            Self::Mail => 0x4000,
            Self::Rcpt => 0x8000,
            Self::Data => 0x1_0000,
            Self::EndOfHeader => 0x4_0000,
            Self::Body => 0x8_0000,
            Self::Negotiate | Self::EndOfBody => 0,
        }
    }
}

/// The words of a message to people.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negotiate => "the negotiation",
            Self::Connect => "connect",
            Self::Helo => "HELO",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Header => "a header field",
            Self::EndOfHeader => "the end of the header",
            Self::Body => "the body",
            Self::EndOfBody => "the end of the message",
        })
    }
}
