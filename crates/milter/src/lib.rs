//! The milter protocol, version 6, from the mail server's side: packets, and the order in which
//! one connection to a filter is spoken on. No sockets, no clocks, no policy.
