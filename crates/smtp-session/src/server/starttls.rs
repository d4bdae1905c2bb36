//! The setting about STARTTLS.

/// Whether a listener offers STARTTLS (RFC 3207).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartTls {
    /// No.
    #[default]
    Off,
    /// Yes, and mail is taken without it as well.
    Offered,
    /// Yes, and without it nothing but EHLO, NOOP, STARTTLS and QUIT: 530 (RFC 3207 s4).
    Required,
}
