//! The binary `optgate`, run as a user runs it.

#[cfg(test)]
mod configuration;
#[cfg(test)]
mod evidence;
mod front_ends;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod house;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod optouts;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod records;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod smtp;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod words;
