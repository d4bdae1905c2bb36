//! `dkim`: what must stand in DNS.

use clap::Args;

use super::file::ConfigFile;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate dkim                      the records of every [[dkim]], as lines of a zone file
  optgate dkim -o json              for a program that keeps the zone

A new key gets a new selector: publish its record first, wait for as long as the zone is cached,
then change [[dkim]] and reload; take the old record away a week later.")]
pub(crate) struct Dkim {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}
