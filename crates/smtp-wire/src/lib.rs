//! The SMTP wire language: lines, commands, replies, extensions, mail data
