//! XCLIENT: a front end tells who the client behind it is. Postfix, `XCLIENT_README`.
//!
//! Only what is used is kept: address, login and HELO name. The other attributes are read,
//! so that a fault in them is one, and dropped.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::parameter::ParamError;

/// The attributes that are understood, as EHLO lists them.
pub const XCLIENT_ATTRIBUTES: [&str; 8] =
    ["NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT"];

/// Octets of a value.
const VALUE_MAX: usize = 255;

/// Who the client is, as far as the front end says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Xclient {
    /// `ADDR`. There is no client without one: `[UNAVAILABLE]` is refused, for the front
    /// end's own address must not stand in for it.
    pub address: Option<IpAddr>,
    /// `LOGIN`; free of control characters.
    pub login: Option<Told>,
    /// `HELO`; printable ASCII that is safe inside a Received field.
    pub helo: Option<Told>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// `[UNAVAILABLE]` or `[TEMPUNAVAIL]`: there is none.
    Unavailable,
    /// What it is, xtext removed.
    Known(String),
}

impl Xclient {
    /// `1*( attribute-name "=" attribute-value )`, separated by spaces.
    pub(crate) fn parse(text: &str) -> Result<Self, ParamError> {
        let mut told = Self::default();
        let mut seen = [false; XCLIENT_ATTRIBUTES.len()];
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').ok_or(ParamError::Malformed)?;
            let (known, seen) = XCLIENT_ATTRIBUTES
                .iter()
                .zip(&mut seen)
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .ok_or(ParamError::Malformed)?;
            if std::mem::replace(seen, true) {
                return Err(ParamError::Duplicate(known));
            }
            told.take(known, value).ok_or(ParamError::BadValue(known))?;
        }
        Ok(told)
    }

    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        let unavailable = ["[UNAVAILABLE]", "[TEMPUNAVAIL]"];
        let value = match unavailable.iter().any(|word| word.eq_ignore_ascii_case(value)) {
            true => Told::Unavailable,
            false => Told::Known(decoded(value)?),
        };
        match (name, value) {
            ("ADDR", Told::Known(text)) => self.address = Some(address(&text)?),
            ("ADDR", Told::Unavailable) => return None,
            ("LOGIN", login) => self.login = Some(login),
            ("HELO", Told::Known(name)) if !is_host(&name) => return None,
            ("HELO", helo) => self.helo = Some(helo),
            _ => {}
        }
        Some(())
    }
}

/// `attribute-value = xtext`, of UTF-8 without control characters, not empty.
fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => {
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                (high << 4) | low
            }
            _ if byte.is_ascii_control() || byte == b'=' => return None,
            _ => byte,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    let good = (1..=VALUE_MAX).contains(&text.len()) && !text.contains(char::is_control);
    good.then_some(text)
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// `IPV6:2001:db8::1`, or an IPv4 address.
fn address(text: &str) -> Option<IpAddr> {
    match text.split_at_checked(5) {
        Some((tag, rest)) if tag.eq_ignore_ascii_case("IPV6:") => {
            rest.parse::<Ipv6Addr>().ok().map(|v6| IpAddr::V6(v6).to_canonical())
        }
        _ => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn is_host(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>,;\"\\".contains(&byte))
}

impl fmt::Display for Xclient {
    /// Each attribute with a leading space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(IpAddr::V4(v4)) => write!(f, " ADDR={v4}")?,
            Some(IpAddr::V6(v6)) => write!(f, " ADDR=IPV6:{v6}")?,
            None => {}
        }
        for (name, told) in [("LOGIN", &self.login), ("HELO", &self.helo)] {
            match told {
                Some(Told::Known(value)) => write!(f, " {name}={}", encoded(value))?,
                Some(Told::Unavailable) => write!(f, " {name}=[UNAVAILABLE]")?,
                None => {}
            }
        }
        Ok(())
    }
}

/// As xtext; a value that would read as `[UNAVAILABLE]` does not come out as one.
pub(crate) fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"+=[".contains(&byte);
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match plain(byte) {
            true => text.push(char::from(byte)),
            false => text.push_str(&format!("+{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Xclient, ParamError> {
        Xclient::parse(text)
    }

    #[test]
    fn the_client_is_who_the_front_end_says() {
        let told =
            read("NAME=pc.example ADDR=IPV6:2001:db8::7 PORT=42 LOGIN=b+2Bc HELO=pc").unwrap();
        assert_eq!(told.address, Some("2001:db8::7".parse().unwrap()));
        assert_eq!(told.login, Some(Told::Known("b+c".to_owned())));
        assert_eq!(told.helo, Some(Told::Known("pc".to_owned())));
        let none = read("name=[unavailable] login=[TEMPUNAVAIL] HELO=[UNAVAILABLE]").unwrap();
        assert_eq!((none.address, none.login), (None, Some(Told::Unavailable)));
        let mapped = read("ADDR=IPV6:::ffff:192.0.2.1").unwrap();
        assert_eq!(mapped.address, Some("192.0.2.1".parse().unwrap()), "judged as IPv4");
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for bad in [
            "ADDR=[UNAVAILABLE]",
            "ADDR=2001:db8::7",
            "ADDR=[192.0.2.1]",
            "ADDR=192.0.2.01",
            "ADDR=",
            "LOGIN=",
            "LOGIN=a+0D+0Ab",
            "LOGIN=a+2",
            "LOGIN=a+GG",
            "LOGIN=+C3",
            "HELO=a+20b",
            "HELO=a<b",
            "ADDR=192.0.2.1 ADDR=192.0.2.2",
            "WHAT=1",
            "ADDR",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&format!("LOGIN={}", "x".repeat(256))).is_err());
    }

    #[test]
    fn rendering_and_reading_are_inverse() {
        for login in ["bob", "b=c+d e", "[UNAVAILABLE]", "b\u{fc}rgermeister", "a@b.example"] {
            let told = Xclient {
                address: Some("192.0.2.1".parse().unwrap()),
                login: Some(Told::Known(login.to_owned())),
                helo: Some(Told::Unavailable),
            };
            assert_eq!(read(&told.to_string()), Ok(told.clone()), "{told}");
        }
    }
}
