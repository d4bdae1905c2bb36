//! `relay-test`: does a server relay for somebody who may not?

use std::fmt::Write as _;
use std::time::Duration;

use app::relay_test::{Outcome, RelayTest, RelayTestOptions, RelayTestTls, Verdict};

use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::shown::{counted, cut};
use crate::table::columns;
use crate::words::{RelayTestWords, TlsWord};

/// What of a reply stands in the table; `--output json` has all of it.
const REPLY_SHOWN: usize = 48;

pub(crate) fn run(words: RelayTestWords, out: &Out) -> anyhow::Result<Exit> {
    let (host, port) = place(&words.server)?;
    let told = app::relay_test::run(&RelayTestOptions {
        host,
        port,
        from: words.from_domain.unwrap_or_else(|| words.to.clone()),
        to: words.to,
        helo: words.helo,
        tls: match words.tls {
            TlsWord::Auto => RelayTestTls::Auto,
            TlsWord::Off => RelayTestTls::Off,
            TlsWord::Starttls => RelayTestTls::StartTls,
            TlsWord::Implicit => RelayTestTls::Implicit,
        },
        timeout: Duration::from_secs(words.timeout),
    })?;
    out.answer(&told, text)?;
    Ok(match told.verdict {
        Verdict::Closed => Exit::Ok,
        Verdict::Open => Exit::No,
        Verdict::Unknown => Exit::Temporary,
    })
}

/// Host and port of `HOST`, `HOST:PORT`, `[IPV6]:PORT` or an IPv6 address alone.
fn place(server: &str) -> anyhow::Result<(String, Option<u16>)> {
    let wrong = || {
        let text =
            format!("`{}` is no server; write HOST, HOST:PORT or [IPV6]:PORT", cut(server, 60));
        Ended::error(Exit::Usage, text)
    };
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
            let port = if port.is_empty() {
                None
            } else {
                Some(port.strip_prefix(':').ok_or_else(wrong)?)
            };
            (host, port)
        }
        None if server.matches(':').count() > 1 => (server, None),
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    let port = port.map(str::parse::<u16>).transpose().map_err(|_| wrong())?;
    if host.is_empty() || port == Some(0) {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

fn text(told: &RelayTest) -> String {
    let mut text = format!("{}: {}\n", told.address, cut(&told.greeting, 120));
    let sessions = counted(told.sessions as u64, "session", "sessions");
    let starttls = if told.offers_starttls { "STARTTLS offered" } else { "no STARTTLS" };
    let _ = writeln!(text, "{sessions}, {starttls}; no message was sent\n");
    if !told.probes.is_empty() {
        let head = ["#", "MAIL FROM", "RCPT TO", "reply", "verdict"].map(str::to_owned);
        let mut rows = vec![head.to_vec()];
        rows.extend(told.probes.iter().map(|probe| {
            let reply = probe.rcpt_reply.as_ref().or(probe.mail_reply.as_ref());
            let reply = reply.or(probe.why.as_ref()).map(String::as_str).unwrap_or_default();
            let verdict = match (probe.outcome, &probe.rcpt_reply) {
                (Outcome::Accepted, _) => "ACCEPTED",
                (Outcome::Refused, None) => "refused at MAIL",
                (Outcome::Refused, Some(_)) => "refused",
                (Outcome::Unknown, _) => "not known",
            };
            let tls = if probe.tls { ", TLS" } else { "" };
            vec![
                probe.number.to_string(),
                probe.mail.clone(),
                probe.rcpt.clone(),
                cut(reply, REPLY_SHOWN),
                format!("{verdict}{tls}"),
            ]
        }));
        text.push_str(&columns(&rows));
        text.push('\n');
    }
    let _ = writeln!(text, "{}", cut(&told.words, 300));
    text
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_server_is_a_host_with_or_without_a_port() {
        let is = |text: &str, host: &str, port| {
            assert_eq!(place(text).unwrap(), (host.to_owned(), port), "{text}");
        };
        is("mail.corp.example", "mail.corp.example", None);
        is("mail.corp.example:587", "mail.corp.example", Some(587));
        is("192.0.2.1:25", "192.0.2.1", Some(25));
        is("[2001:db8::1]:465", "2001:db8::1", Some(465));
        is("[2001:db8::1]", "2001:db8::1", None);
        is("2001:db8::1", "2001:db8::1", None);
        for wrong in ["", ":25", "a:", "a:x", "a:0", "a:70000", "[::1", "[::1]25"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
