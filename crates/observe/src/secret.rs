//! A value that is never written out, by accident or by a derive.

use std::fmt;

/// Holds a key or a password; debugging and logging show that there is one, no more.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps it.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_debug_does_not_tell() {
        #[derive(Debug)]
        struct Login {
            password: Secret<String>,
        }
        let login = Login { password: Secret::new("hunter2".to_owned()) };
        assert_eq!(format!("{login:?}"), "Login { password: (secret) }");
        assert_eq!(login.password.expose(), "hunter2");
    }
}
