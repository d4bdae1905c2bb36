//! Filters (RFC 4515) with something put into them.

use std::borrow::Cow;

use ldap3::ldap_escape;

use super::super::error::RemoteError;

/// What stands for the address in a filter.
const PLACE: &str = "@recipient";

/// The filter that asks about one address. What an address may have that means something in a
/// filter is escaped.
pub(super) fn of_one(filter: &str, address: &str) -> Result<String, RemoteError> {
    if !filter.contains(PLACE) {
        return Err(RemoteError::Setting {
            what: format!(
                "`filter` does not ask about a recipient: write {PLACE} where the address \
                 belongs, as in (&(optedOut=TRUE)(mail={PLACE}))"
            ),
        });
    }
    Ok(filter.replace(PLACE, &ldap_escape(address)))
}

/// The filter of a whole list.
pub(super) fn of_all(filter: &str) -> Result<Cow<'_, str>, RemoteError> {
    if filter.contains(PLACE) {
        return Err(RemoteError::Setting {
            what: format!(
                "`filter` asks about one recipient; a list that is synchronised is read whole: \
                 leave out {PLACE}, or set `mode = \"live\"`"
            ),
        });
    }
    Ok(Cow::Borrowed(filter))
}

/// The filter of what has changed. Objects without the attribute could have.
pub(super) fn behind(filter: &str, attribute: &str, bound: &str) -> String {
    let filter = filter.trim();
    // A filter may be written without the brackets around it.
    let (open, close) = if filter.starts_with('(') { ("", "") } else { ("(", ")") };
    let bound = ldap_escape(bound);
    format!("(&{open}{filter}{close}(|({attribute}>={bound})(!({attribute}=*))))")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_change_the_filter() {
        let filter = "(&(optedOut=TRUE)(|(mail=@recipient)(proxyAddresses=smtp:@recipient)))";
        assert_eq!(
            of_one(filter, "bob@x.example").unwrap(),
            "(&(optedOut=TRUE)(|(mail=bob@x.example)(proxyAddresses=smtp:bob@x.example)))"
        );
        for (address, escaped) in [
            ("*", r"\2a"),
            ("bob)(uid=*", r"bob\29\28uid=\2a"),
            ("a\\2a\0", r"a\5c2a\00"),
            ("jos\u{e9}@x.example", "jos\u{e9}@x.example"),
            // What comes out is not looked at again.
            ("@recipient", "@recipient"),
        ] {
            assert_eq!(of_one("(mail=@recipient)", address).unwrap(), format!("(mail={escaped})"));
        }
        assert!(of_one("(mail=*)", "bob@x.example").is_err());
        assert!(of_all("(mail=@recipient)").is_err());
        assert_eq!(of_all("(mail=*)").unwrap(), "(mail=*)");
    }

    #[test]
    fn what_has_changed() {
        assert_eq!(behind("(mail=*)", "id", "7"), "(&(mail=*)(|(id>=7)(!(id=*))))");
        assert_eq!(behind(" mail=* ", "id", "(7"), r"(&(mail=*)(|(id>=\287)(!(id=*))))");
    }
}
