//! The binary `optgate`, run as a user runs it.

mod configuration;
mod gate;
mod house;
mod optouts;
mod settings;
mod smtp;
mod words;
