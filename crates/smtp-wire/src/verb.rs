//! The verbs: one table, and the parser of each. RFC 5321 s4.1.1, RFC 2920 s3.1.
//!
//! Whatever is special about a verb stands in its row. The session asks the rows too (what must
//! be last in its group, what needs a transaction), so that no second list can drift away.
//!
//! Leniencies, each harmless because commands are written anew for the smarthost: more than one
//! space between words, spaces after `FROM:` and `TO:`, white space before the CRLF (RFC 5321
//! s4.1.1 asks for that one), and host names of hosts that were named by their owners (`bad_name`).

use address::{ForwardPath, ReversePath, split_path};

use crate::command::{Command, CommandError, PathVerb};
use crate::extension::{Offered, is_mechanism};
use crate::parameter::{MailParams, RcptParams, Refused};
use crate::xclient::Xclient;

/// One row of the table.
#[derive(Debug)]
pub struct Verb {
    /// In upper case.
    pub name: &'static str,
    /// Whether something may, or must, follow it.
    pub argument: Argument,
    /// Where in a pipelined group it may stand.
    pub group: Group,
    /// What must have gone before.
    pub needs: Needs,
    /// Whether its argument may hold UTF-8 (RFC 6531 s3.3, s3.7.4.2).
    utf8: bool,
    parse: Parser,
}

type Parser = fn(&str, &Offered) -> Result<Command, CommandError>;

/// What may follow a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Argument {
    /// Without it: 501.
    Needed,
    /// Anything or nothing.
    Free,
    /// With it: 501.
    Forbidden,
}

/// Where in a pipelined group a command may stand (RFC 2920 s3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// Anywhere.
    Anywhere,
    /// At its end: nothing may be read behind it before it is answered.
    Last,
}

/// What must have gone before; otherwise 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing (RFC 5321 s4.1.4: NOOP, HELP, EXPN, VRFY, RSET; and what is refused anyway).
    Nothing,
    /// EHLO or HELO.
    Hello,
    /// MAIL.
    Transaction,
}

// RFC 2920 s3.1: "The EHLO, DATA, VRFY, EXPN, TURN, QUIT, and NOOP commands can only appear as the
// last command in a group since their success or failure produces a change of state which the
// client SMTP must accommodate." RSET, MAIL, RCPT, SEND, SOML and SAML may appear anywhere, and
// "additional SMTP extensions" only where their own specification says so: last.
//
// RFC 5321 s4.1.1: "Several commands (RSET, DATA, QUIT) are specified as not permitting
// parameters. In the absence of specific extensions offered by the server and accepted by the
// client, clients MUST NOT send such parameters and servers SHOULD reject commands containing
// them as having invalid syntax."
#[rustfmt::skip]
static VERBS: [Verb; 33] = [
    row("EHLO",     Argument::Needed,    Group::Last,     Needs::Nothing,     true,  ehlo),
    row("HELO",     Argument::Needed,    Group::Last,     Needs::Nothing,     true,  helo),
    row("MAIL",     Argument::Needed,    Group::Anywhere, Needs::Hello,       true,  mail),
    row("RCPT",     Argument::Needed,    Group::Anywhere, Needs::Transaction, true,  rcpt),
    row("DATA",     Argument::Forbidden, Group::Last,     Needs::Transaction, false, |_, _| Ok(Command::Data)),
    row("RSET",     Argument::Forbidden, Group::Anywhere, Needs::Nothing,     false, |_, _| Ok(Command::Rset)),
    row("NOOP",     Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Noop)),
    row("QUIT",     Argument::Forbidden, Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Quit)),
    row("VRFY",     Argument::Needed,    Group::Last,     Needs::Nothing,     true,  |text, _| Ok(Command::Vrfy(text.to_owned()))),
    row("HELP",     Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Help)),
    row("STARTTLS", Argument::Forbidden, Group::Last,     Needs::Hello,       false, |_, _| Ok(Command::StartTls)),
    row("AUTH",     Argument::Needed,    Group::Last,     Needs::Hello,       false, auth),
    row("BDAT",     Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Bdat)),
    row("EXPN",     Argument::Free,      Group::Last,     Needs::Nothing,     true,  |_, _| Ok(Command::NotImplemented("EXPN"))),
    row("TURN",     Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::NotImplemented("TURN"))),
    row("ATRN",     Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::NotImplemented("ATRN"))),
    row("ETRN",     Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::NotImplemented("ETRN"))),
    row("SEND",     Argument::Free,      Group::Anywhere, Needs::Nothing,     true,  |_, _| Ok(Command::NotImplemented("SEND"))),
    row("SOML",     Argument::Free,      Group::Anywhere, Needs::Nothing,     true,  |_, _| Ok(Command::NotImplemented("SOML"))),
    row("SAML",     Argument::Free,      Group::Anywhere, Needs::Nothing,     true,  |_, _| Ok(Command::NotImplemented("SAML"))),
    row("BURL",     Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::NotImplemented("BURL"))),
    row("XCLIENT",  Argument::Free,      Group::Last,     Needs::Nothing,     true,  xclient),
    row("XFORWARD", Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::NotImplemented("XFORWARD"))),
    // Cross-protocol requests; RFC 9110 s9.3, RFC 5789, RFC 9113 s3.4.
    row("GET",      Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Http)),
    row("HEAD",     Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Http)),
    row("POST",     Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Http)),
    row("PUT",      Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Http)),
    row("DELETE",   Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Http)),
    row("CONNECT",  Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Http)),
    row("OPTIONS",  Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Http)),
    row("TRACE",    Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Http)),
    row("PATCH",    Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Http)),
    row("PRI",      Argument::Free,      Group::Last,     Needs::Nothing,     false, |_, _| Ok(Command::Http)),
];

const fn row(
    name: &'static str,
    argument: Argument,
    group: Group,
    needs: Needs,
    utf8: bool,
    parse: Parser,
) -> Verb {
    Verb { name, argument, group, needs, utf8, parse }
}

impl Verb {
    /// The row of a verb, in whatever case.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        VERBS.iter().find(|verb| verb.name.eq_ignore_ascii_case(name))
    }

    /// All rows.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        VERBS.iter()
    }
}

impl Command {
    /// Whether nothing may be read behind this command before it is answered (RFC 2920 s3.1).
    #[must_use]
    pub fn ends_group(&self) -> bool {
        Verb::named(self.name()).is_none_or(|verb| verb.group == Group::Last)
    }

    /// What must have gone before it.
    #[must_use]
    pub fn needs(&self) -> Needs {
        Verb::named(self.name()).map_or(Needs::Nothing, |verb| verb.needs)
    }
}

/// Reads a line (without its CRLF) as a command.
///
/// # Errors
///
/// What is wrong with the line; nothing of it may be acted upon then.
pub fn parse(line: &[u8], offered: &Offered) -> Result<Command, CommandError> {
    let text = std::str::from_utf8(line).map_err(|_| CommandError::EightBit)?;
    let text = text.trim_end_matches([' ', '\t']);
    // Nearly every line is ASCII, and a look at its bytes is enough then.
    let ascii = text.is_ascii();
    let controls = match ascii {
        true => text.bytes().any(|byte| byte.is_ascii_control()),
        false => text.contains(char::is_control),
    };
    if controls {
        return Err(CommandError::Syntax("control character in a command"));
    }
    let (name, argument) = text.split_once(' ').unwrap_or((text, ""));
    let argument = argument.trim_start_matches(' ');
    let verb = Verb::named(name);
    if !ascii && verb.is_none_or(|verb| !verb.utf8) {
        return Err(CommandError::EightBit);
    }
    let verb = verb.ok_or(CommandError::Unknown)?;
    match verb.argument {
        Argument::Needed if argument.is_empty() => Err(CommandError::ArgumentMissing),
        Argument::Forbidden if !argument.is_empty() => Err(CommandError::ArgumentForbidden),
        _ => (verb.parse)(argument, offered),
    }
}

/// `ehlo = "EHLO" SP ( Domain / address-literal ) CRLF`
fn ehlo(argument: &str, _: &Offered) -> Result<Command, CommandError> {
    host(argument).map(Command::Ehlo)
}

/// `helo = "HELO" SP Domain CRLF`
fn helo(argument: &str, _: &Offered) -> Result<Command, CommandError> {
    host(argument).map(Command::Helo)
}

/// `Domain / address-literal`, read liberally: RFC 5321 s4.1.4 forbids to refuse mail for a name
/// that does not match, and names such as `bad_name` are common. What is let through is printable
/// ASCII that stays one word inside a Received field (RFC 5321 s4.4, RFC 5322 s3.2.3 `specials`).
fn host(name: &str) -> Result<String, CommandError> {
    let safe = |byte: u8| byte.is_ascii_graphic() && !b"()<>,;\"\\".contains(&byte);
    if name.len() > 255 || !name.bytes().all(safe) {
        return Err(CommandError::Syntax("a host name or address literal was expected"));
    }
    Ok(name.to_owned())
}

/// `mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF`
fn mail(argument: &str, offered: &Offered) -> Result<Command, CommandError> {
    let address = |error| CommandError::Address { verb: PathVerb::Mail, error };
    let rest = behind(argument, "FROM:")
        .ok_or(CommandError::Syntax("MAIL FROM:<address> was expected"))?;
    let (path, rest) = split_path(rest).map_err(address)?;
    let from = ReversePath::parse(path).map_err(address)?;
    let params = MailParams::parse(parameters(rest)?, offered).map_err(refused)?;
    Ok(Command::Mail { from, params })
}

/// `rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path )
/// [SP Rcpt-parameters] CRLF`
fn rcpt(argument: &str, offered: &Offered) -> Result<Command, CommandError> {
    let address = |error| CommandError::Address { verb: PathVerb::Rcpt, error };
    let rest =
        behind(argument, "TO:").ok_or(CommandError::Syntax("RCPT TO:<address> was expected"))?;
    let (path, rest) = split_path(rest).map_err(address)?;
    let to = ForwardPath::parse(path).map_err(address)?;
    let params = RcptParams::parse(parameters(rest)?, offered).map_err(refused)?;
    Ok(Command::Rcpt { to, params })
}

/// What stands behind `FROM:` or `TO:`, in whatever case.
fn behind<'a>(argument: &'a str, keyword: &str) -> Option<&'a str> {
    let (prefix, rest) = argument.split_at_checked(keyword.len())?;
    prefix.eq_ignore_ascii_case(keyword).then(|| rest.trim_start_matches(' '))
}

/// `[SP Mail-parameters]`: a path and its parameters do not touch.
fn parameters(rest: &str) -> Result<&str, CommandError> {
    if rest.is_empty() || rest.starts_with(' ') {
        return Ok(rest);
    }
    Err(CommandError::Syntax("a space was expected behind the address"))
}

fn refused(refused: Refused) -> CommandError {
    match refused {
        Refused::Unknown(keyword) => CommandError::UnknownParameter(keyword),
        Refused::Bad(error) => CommandError::Parameter(error),
    }
}

/// `auth-command = "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF cancel-response]`
fn auth(argument: &str, _: &Offered) -> Result<Command, CommandError> {
    let (mechanism, initial) = match argument.split_once(' ') {
        Some((mechanism, initial)) => (mechanism, Some(initial.trim_start_matches(' '))),
        None => (argument, None),
    };
    if !is_mechanism(mechanism) {
        return Err(CommandError::Syntax("a mechanism was expected"));
    }
    if !initial.is_none_or(is_initial_response) {
        return Err(CommandError::Syntax("an initial response in base64 was expected"));
    }
    let initial = initial.map(str::to_owned);
    Ok(Command::Auth { mechanism: mechanism.to_ascii_uppercase(), initial })
}

/// `xclient = "XCLIENT" 1*( SP attribute-name "=" attribute-value )`; unknown where it is not
/// offered: only trusted front ends may say who a client is.
fn xclient(argument: &str, offered: &Offered) -> Result<Command, CommandError> {
    if offered.xclient.is_empty() {
        return Ok(Command::NotImplemented("XCLIENT"));
    }
    if argument.is_empty() {
        return Err(CommandError::ArgumentMissing);
    }
    let told = Xclient::parse(argument).map_err(CommandError::Parameter)?;
    Ok(Command::Xclient(Box::new(told)))
}

/// `initial-response = base64 / "="`; `base64 = 1*(4base64-CHAR) [base64-terminal]` or a terminal
/// alone (RFC 4954 s8).
fn is_initial_response(text: &str) -> bool {
    let data = text.trim_end_matches('=');
    let padding = text.len() - data.len();
    let plain = data.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    text == "=" || (plain && !data.is_empty() && padding <= 2 && text.len().is_multiple_of(4))
}

#[cfg(test)]
mod tests;
