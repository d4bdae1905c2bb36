//! Sockets, clocks, limits: moves bytes in and out of one relay
