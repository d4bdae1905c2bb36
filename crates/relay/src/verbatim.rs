//! The smarthost's words on their way to the client.
//!
//! "Verbatim" means: same code and text; a missing enhanced code is supplied as
//! X.0.0 (RFC 2034 s4 asks for one on every reply once offered), control bytes and
//! over-long lines are cut when the reply is encoded.

use smtp_wire::Reply;

/// The smarthost's reply as the client gets it.
pub(crate) fn verbatim(reply: Reply) -> Reply {
    reply.with_enhanced()
}

#[cfg(test)]
mod tests {
    use smtp_wire::Enhanced;

    use super::*;

    #[test]
    fn a_missing_enhanced_code_is_supplied_in_its_class() {
        let mut out = Vec::new();
        verbatim(Reply::plain(550, "no such user")).encode(&mut out);
        assert_eq!(out, b"550 5.0.0 no such user\r\n");
    }

    #[test]
    fn a_given_enhanced_code_and_text_stay() {
        let mut out = Vec::new();
        verbatim(Reply::new(452, Enhanced::new(4, 2, 2), "full")).encode(&mut out);
        assert_eq!(out, b"452 4.2.2 full\r\n");
    }
}
