//! One file a verb; each is told what was typed and gives an exit code.

pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod consent;
pub(crate) mod demo;
pub(crate) mod dkim;
pub(crate) mod evidence;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod intake;
pub(crate) mod ledger;
pub(crate) mod optout;
pub(crate) mod relay_test;
pub(crate) mod reload;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod status;
pub(crate) mod user;
pub(crate) mod why;
pub(crate) mod withdraw;
