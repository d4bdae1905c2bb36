//! Couples both SMTP sessions with policy; the queue-less rule
