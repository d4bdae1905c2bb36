//! Sans-IO server role and client role of RFC 5321
