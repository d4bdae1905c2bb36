//! Every reply the server role gives by itself (RFC 5321 s4.2, RFC 3463).
//!
//! Nothing else in the role builds a reply. Replies of policy and of the smarthost
//! come from `relay`.

use address::AddressFault;
use smtp_wire::{CommandError, Enhanced, PathVerb, Reply};

const fn code(class: u8, subject: u16, detail: u16) -> Enhanced {
    Enhanced::new(class, subject, detail)
}

pub(super) fn hello(hostname: &str) -> Reply {
    Reply::plain(250, hostname)
}

pub(super) fn reset() -> Reply {
    Reply::new(250, code(2, 0, 0), "Ok")
}

pub(super) fn noop() -> Reply {
    Reply::new(250, code(2, 0, 0), "Ok")
}

/// RFC 5321 s7.3: a disabled VRFY says 252 to everything.
pub(super) fn cannot_verify() -> Reply {
    Reply::new(252, code(2, 5, 0), "Cannot verify; send some mail, it will be tried")
}

pub(super) fn help() -> Reply {
    Reply::new(
        214,
        code(2, 0, 0),
        "EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT\nRecipients who opted out are refused",
    )
}

pub(super) fn bye(hostname: &str) -> Reply {
    Reply::new(221, code(2, 0, 0), format!("{hostname} closing connection"))
}

pub(super) fn hello_first() -> Reply {
    Reply::new(503, code(5, 5, 1), "EHLO or HELO first")
}

pub(super) fn mail_first() -> Reply {
    Reply::new(503, code(5, 5, 1), "MAIL first")
}

pub(super) fn nested_mail() -> Reply {
    Reply::new(503, code(5, 5, 1), "a mail transaction is already open; RSET ends it")
}

pub(super) fn sender_needs_utf8() -> Reply {
    Reply::new(550, code(5, 6, 7), "a non-ASCII address needs SMTPUTF8")
}

pub(super) fn recipient_needs_utf8() -> Reply {
    Reply::new(553, code(5, 6, 7), "a non-ASCII address needs SMTPUTF8")
}

pub(super) fn not_implemented() -> Reply {
    Reply::new(502, code(5, 5, 1), "command not implemented")
}

/// RFC 3207 s4.
pub(super) fn ready_for_tls() -> Reply {
    Reply::new(220, code(2, 0, 0), "Ready to start TLS")
}

pub(super) fn tls_is_active() -> Reply {
    Reply::new(503, code(5, 5, 1), "TLS is already active")
}

/// RFC 3207 s4.
pub(super) fn tls_required() -> Reply {
    Reply::new(530, code(5, 7, 0), "Must issue a STARTTLS command first")
}

/// RFC 3207 s5: what stands in the clear behind STARTTLS may be somebody else's.
pub(super) fn input_before_tls() -> Reply {
    Reply::new(554, code(5, 5, 0), "SMTP protocol synchronization: wait for TLS")
}

pub(super) fn not_in_transaction() -> Reply {
    Reply::new(503, code(5, 5, 1), "not inside a mail transaction")
}

/// RFC 4954 s4.
pub(super) fn logged_in_already() -> Reply {
    Reply::new(503, code(5, 5, 1), "already authenticated")
}

/// RFC 4954 s4.
pub(super) fn no_such_mechanism() -> Reply {
    Reply::new(504, code(5, 5, 4), "mechanism not offered")
}

/// RFC 4954 s6: not 502, which would tell the client to give up.
pub(super) fn login_unknown() -> Reply {
    Reply::new(454, code(4, 7, 0), "logins cannot be checked yet; try again later")
}

/// RFC 4954 s4.
pub(super) fn bad_base64() -> Reply {
    Reply::new(501, code(5, 5, 2), "not base64")
}

/// RFC 4954 s4.
pub(super) fn login_cancelled() -> Reply {
    Reply::new(501, code(5, 7, 0), "authentication cancelled")
}

/// RFC 4954 s6.
pub(super) fn response_too_long() -> Reply {
    Reply::new(500, code(5, 5, 6), "authentication exchange line is too long")
}

/// RFC 5321 s3.1: behind a greeting of 554.
pub(super) fn nothing_but_quit() -> Reply {
    Reply::new(503, code(5, 5, 1), "nothing but QUIT is accepted here")
}

/// Chunking is not offered, and the bytes behind BDAT cannot be told from commands.
pub(super) fn no_chunking() -> Reply {
    Reply::new(502, code(5, 5, 1), "CHUNKING is not offered; closing connection")
}

pub(super) fn not_http(hostname: &str) -> Reply {
    Reply::new(421, code(4, 7, 0), format!("{hostname} speaks SMTP, not HTTP; closing connection"))
}

pub(super) fn line_too_long() -> Reply {
    Reply::new(500, code(5, 5, 2), "line too long")
}

pub(super) fn bare_character() -> Reply {
    Reply::new(500, code(5, 5, 2), "bare CR, bare LF or NUL in a command; closing connection")
}

pub(super) fn eight_bit() -> Reply {
    Reply::new(500, code(5, 5, 2), "8-bit bytes that are not UTF-8; closing connection")
}

pub(super) fn not_synchronised() -> Reply {
    Reply::new(554, code(5, 5, 0), "SMTP protocol synchronization: wait for the reply")
}

pub(super) fn too_many_errors(hostname: &str) -> Reply {
    Reply::new(421, code(4, 7, 0), format!("{hostname} too many errors; closing connection"))
}

pub(super) fn too_many_idle(hostname: &str) -> Reply {
    let text = format!("{hostname} too many commands without mail; closing connection");
    Reply::new(421, code(4, 7, 0), text)
}

pub(super) fn timed_out(hostname: &str) -> Reply {
    Reply::new(421, code(4, 4, 2), format!("{hostname} timed out waiting for you"))
}

pub(super) fn shutting_down(hostname: &str) -> Reply {
    Reply::new(421, code(4, 3, 2), format!("{hostname} is shutting down; try again"))
}

/// RFC 5321 s4.2.4, s4.1.1.11; enhanced codes RFC 3463 s3.2, s3.6 and RFC 6531 s3.5.
pub(super) fn for_command_error(error: &CommandError) -> Reply {
    match error {
        CommandError::Unknown => Reply::new(500, code(5, 5, 1), "command unrecognized"),
        CommandError::EightBit => eight_bit(),
        CommandError::Syntax(what) => Reply::new(501, code(5, 5, 2), *what),
        CommandError::ArgumentForbidden | CommandError::ArgumentMissing => {
            Reply::new(501, code(5, 5, 4), error.to_string())
        }
        CommandError::Address { verb, error } => {
            let detail = match verb {
                PathVerb::Mail => 7,
                PathVerb::Rcpt => 3,
            };
            let number = match error.fault {
                AddressFault::Syntax | AddressFault::TooLong => 501,
                AddressFault::Ambiguous => 553,
            };
            Reply::new(number, code(5, 1, detail), error.to_string())
        }
        CommandError::Parameter(fault) => Reply::new(501, code(5, 5, 4), fault.to_string()),
        CommandError::UnknownParameter(name) => {
            Reply::new(555, code(5, 5, 4), format!("{name} is not offered"))
        }
    }
}

/// All fixed replies with the event that brings them, for `docs/replies.md`.
pub fn all() -> Vec<(&'static str, Reply)> {
    let host = "mail.example.com";
    vec![
        ("HELO", hello(host)),
        ("RSET", reset()),
        ("NOOP", noop()),
        ("VRFY", cannot_verify()),
        ("HELP", help()),
        ("QUIT", bye(host)),
        ("MAIL before EHLO or HELO", hello_first()),
        ("RCPT or DATA before MAIL", mail_first()),
        ("MAIL inside a transaction", nested_mail()),
        (
            "EXPN, ETRN, TURN, ...; STARTTLS, AUTH, XCLIENT where they are not offered",
            not_implemented(),
        ),
        ("STARTTLS", ready_for_tls()),
        ("STARTTLS under TLS", tls_is_active()),
        ("anything but EHLO, NOOP, STARTTLS, QUIT where TLS is required", tls_required()),
        ("input behind STARTTLS (the connection is closed)", input_before_tls()),
        ("STARTTLS, AUTH or XCLIENT inside a transaction", not_in_transaction()),
        ("AUTH after a login", logged_in_already()),
        ("AUTH with a mechanism that is not offered", no_such_mechanism()),
        ("AUTH passed through to a smarthost that was never heard", login_unknown()),
        ("a response of AUTH that is not base64", bad_base64()),
        ("`*` instead of a response of AUTH", login_cancelled()),
        ("a response of AUTH over the limit", response_too_long()),
        ("anything but QUIT after a greeting of 554", nothing_but_quit()),
        ("BDAT (the connection is closed)", no_chunking()),
        ("an HTTP request (the connection is closed)", not_http(host)),
        ("a command line over the limit", line_too_long()),
        ("bare CR, LF or NUL in a command (the connection is closed)", bare_character()),
        ("8-bit bytes that are not UTF-8 (the connection is closed)", eight_bit()),
        ("input before the reply after HELO (the connection is closed)", not_synchronised()),
        ("too many faulty commands (the connection is closed)", too_many_errors(host)),
        ("too many commands without mail (the connection is closed)", too_many_idle(host)),
        ("no command in time, or too slow (the connection is closed)", timed_out(host)),
        ("the gate is stopping (the connection is closed)", shutting_down(host)),
        ("an unknown command", for_command_error(&CommandError::Unknown)),
        ("an argument where none belongs", for_command_error(&CommandError::ArgumentForbidden)),
        (
            "a parameter that is not offered",
            for_command_error(&CommandError::UnknownParameter("FOO".to_owned())),
        ),
        ("a non-ASCII sender without SMTPUTF8", sender_needs_utf8()),
        ("a non-ASCII recipient without SMTPUTF8", recipient_needs_utf8()),
    ]
}
