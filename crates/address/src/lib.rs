//! When two mail addresses are the same person: mailbox grammar, domains, canonical form
