//! The command `optgate`.

fn main() {}
