//! XFORWARD and XCLIENT as a client says them: who the client behind us is. Postfix,
//! `XFORWARD_README` and `XCLIENT_README`.
//!
//! Every attribute that the server lists is sent, those of which nothing is known as
//! `[UNAVAILABLE]`: what is left out would keep the value it had before, or our own.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::xclient::encoded;

/// Octets of a value, as it is sent.
const VALUE_MAX: usize = 255;
/// Octets of a command line, CRLF included (RFC 5321 s4.5.3.1.4).
const LINE_MAX: usize = 512;
const UNAVAILABLE: &str = "[UNAVAILABLE]";

/// A client, as another server is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// Its address.
    pub address: IpAddr,
    /// Its port, where it is known and of interest.
    pub port: Option<u16>,
    /// The name it gave in EHLO or HELO; empty: none.
    pub helo: String,
    /// It said EHLO.
    pub extended: bool,
    /// The user it has logged in as.
    pub login: Option<String>,
}

impl ClientIdentity {
    /// The command XFORWARD without its CRLF, with those attributes that are `listed` (upper
    /// case); `None` if that is none. `ident`: our own name for the message.
    pub fn xforward(&self, listed: &[String], ident: &str) -> Option<String> {
        let source = if self.address.to_canonical().is_loopback() { "LOCAL" } else { "REMOTE" };
        let own = [("IDENT", Some(encoded(ident))), ("SOURCE", Some(source.to_owned()))];
        self.command("XFORWARD", own, listed)
    }

    /// The command XCLIENT, likewise. `login`: whether LOGIN is told.
    pub fn xclient(&self, listed: &[String], login: bool) -> Option<String> {
        let user = self.login.as_deref().filter(|user| !user.is_empty()).map(encoded);
        let name = if login { "LOGIN" } else { "" };
        self.command("XCLIENT", [(name, user), ("", None)], listed)
    }

    fn command(
        &self,
        verb: &str,
        own: [(&str, Option<String>); 2],
        listed: &[String],
    ) -> Option<String> {
        let address = match self.address.to_canonical() {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("IPV6:{v6}"),
        };
        let protocol = if self.extended { "ESMTP" } else { "SMTP" };
        let helo = (!self.helo.is_empty()).then(|| encoded(&self.helo));
        let known = [
            // Nobody here asks the DNS for it.
            ("NAME", None),
            ("ADDR", Some(address)),
            ("PORT", self.port.map(|port| port.to_string())),
            ("PROTO", Some(protocol.to_owned())),
        ];
        let mut line = verb.to_owned();
        // The name that the client chose comes last: it takes the room of nothing else.
        for (name, value) in known.into_iter().chain(own).chain([("HELO", helo)]) {
            if !listed.iter().any(|one| one == name) {
                continue;
            }
            let room = LINE_MAX.saturating_sub(line.len() + name.len() + " =\r\n".len());
            let value = value.filter(|value| value.len() <= VALUE_MAX.min(room));
            let _ = write!(line, " {name}={}", value.as_deref().unwrap_or(UNAVAILABLE));
        }
        (line.len() > verb.len()).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, Told};

    const POSTFIX: &str = "NAME ADDR PROTO HELO SOURCE PORT IDENT";

    fn listed(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_owned).collect()
    }

    fn client() -> ClientIdentity {
        ClientIdentity {
            address: "203.0.113.7".parse().unwrap(),
            port: Some(40_000),
            helo: "pc.example".to_owned(),
            extended: true,
            login: Some("bob".to_owned()),
        }
    }

    #[test]
    fn only_what_is_listed_is_told() {
        let client = client();
        assert_eq!(
            client.xforward(&listed(POSTFIX), "01ABC").unwrap(),
            "XFORWARD NAME=[UNAVAILABLE] ADDR=203.0.113.7 PORT=40000 PROTO=ESMTP IDENT=01ABC \
             SOURCE=REMOTE HELO=pc.example"
        );
        assert_eq!(
            client.xforward(&listed("ADDR HELO LOGIN DESTADDR"), "01ABC").unwrap(),
            "XFORWARD ADDR=203.0.113.7 HELO=pc.example"
        );
        assert_eq!(client.xforward(&listed("FOO"), "01ABC"), None);
        assert_eq!(client.xforward(&[], "01ABC"), None);
        let all = listed("NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT IDENT");
        assert_eq!(
            client.xclient(&all, true).unwrap(),
            "XCLIENT NAME=[UNAVAILABLE] ADDR=203.0.113.7 PORT=40000 PROTO=ESMTP LOGIN=bob \
             HELO=pc.example"
        );
        assert!(!client.xclient(&all, false).unwrap().contains("LOGIN"));
    }

    #[test]
    fn what_is_not_known_is_said_to_be_so() {
        let none = ClientIdentity {
            address: "::ffff:127.0.0.1".parse().unwrap(),
            port: None,
            helo: String::new(),
            extended: false,
            login: None,
        };
        assert_eq!(
            none.xforward(&listed(POSTFIX), "1").unwrap(),
            "XFORWARD NAME=[UNAVAILABLE] ADDR=127.0.0.1 PORT=[UNAVAILABLE] PROTO=SMTP IDENT=1 \
             SOURCE=LOCAL HELO=[UNAVAILABLE]"
        );
        let line = none.xclient(&listed("LOGIN HELO"), true).unwrap();
        assert_eq!(line, "XCLIENT LOGIN=[UNAVAILABLE] HELO=[UNAVAILABLE]");
    }

    #[test]
    fn a_value_is_xtext_and_ends_neither_itself_nor_the_line() {
        let odd = ClientIdentity {
            address: "2001:db8::1".parse().unwrap(),
            helo: "a b+c=d\r\nMAIL".to_owned(),
            login: Some("[UNAVAILABLE]".to_owned()),
            ..client()
        };
        assert_eq!(
            odd.xclient(&listed("ADDR LOGIN HELO"), true).unwrap(),
            "XCLIENT ADDR=IPV6:2001:db8::1 LOGIN=+5BUNAVAILABLE] HELO=a+20b+2Bc+3Dd+0D+0AMAIL"
        );
    }

    #[test]
    fn what_is_too_long_is_not_cut_but_left_out() {
        let all = listed("NAME ADDR PORT PROTO HELO LOGIN IDENT SOURCE");
        for (helo, login) in [(255, 255), (256, 255), (255, 256), (80, 128), (1_000, 1_000)] {
            let long = ClientIdentity {
                helo: "h".repeat(helo),
                login: Some("l=".repeat(login / 2)),
                ..client()
            };
            for line in [long.xclient(&all, true).unwrap(), long.xforward(&all, "01").unwrap()] {
                assert!(line.len() + 2 <= 512, "{line}");
                let values = line.split(' ').skip(1).map(|word| word.split_once('=').unwrap().1);
                assert!(values.clone().all(|value| value.len() <= 255), "{line}");
                let cut = |value: &str| value.contains('h') && value.len() < helo;
                assert!(!values.clone().any(cut), "{line}");
            }
        }
        let long = ClientIdentity { helo: "h".repeat(255), ..client() };
        assert!(long.xforward(&all, "01").unwrap().ends_with(&"h".repeat(255)));
    }

    #[test]
    fn a_server_of_our_own_reads_what_was_meant() {
        let words = listed("NAME ADDR PORT PROTO HELO LOGIN");
        let offered = crate::Offered { xclient: words.clone(), ..crate::Offered::default() };
        for (address, login) in [("203.0.113.7", "b\u{fc}rger=meister"), ("2001:db8::7", "a@b.c")] {
            let said = ClientIdentity {
                address: address.parse().unwrap(),
                login: Some(login.to_owned()),
                ..client()
            };
            let line = said.xclient(&words, true).unwrap();
            let Ok(Command::Xclient(read)) = crate::parse(line.as_bytes(), &offered) else {
                panic!("{line}")
            };
            assert_eq!(read.address, Some(said.address));
            assert_eq!(read.login, Some(Told::Known(login.to_owned())));
            assert_eq!(read.helo, Some(Told::Known(said.helo)));
        }
    }
}
