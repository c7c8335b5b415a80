//! What nobody may read in a log.

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

/// The longest secret that is taken from a file.
const LONGEST: u64 = 16 * 1024;

/// A key, a token, an address that is as good as one. It shows itself as `***`, and is used through
/// [`Secret::reveal`] alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret from text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text of a file without the white space around it.
    ///
    /// # Errors
    /// A sentence that names the file, never what it holds.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let size = std::fs::metadata(path)
            .map_err(|error| format!("cannot read `{name}`: {error}"))?
            .len();
        if size > LONGEST {
            return Err(format!("`{name}` is too large to be a secret: {size} bytes"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read `{name}`: {error}"))?;
        Self::checked(text.trim(), || format!("`{name}` is empty"))
    }

    /// The value of a variable of the environment.
    ///
    /// # Errors
    /// A sentence that names the variable.
    pub fn from_env(name: &str) -> Result<Self, String> {
        let text = std::env::var(name).map_err(|_| format!("the variable `{name}` is not set"))?;
        Self::checked(text.trim(), || format!("the variable `{name}` is empty"))
    }

    fn checked(text: &str, empty: impl FnOnce() -> String) -> Result<Self, String> {
        if text.is_empty() {
            Err(empty())
        } else {
            Ok(Self::new(text))
        }
    }

    /// The secret itself, for whoever it is sent to.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether somebody knows it. It takes as long whatever is wrong: digests are compared, not the texts.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        Sha256::digest(self.0.as_bytes()) == Sha256::digest(text.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a key in a log.
    #[test]
    fn it_does_not_show_itself_and_knows_itself() {
        let secret = Secret::new("sk-very-secret");
        assert_eq!(format!("{secret:?}"), "***");
        assert!(secret.is("sk-very-secret"));
        assert!(!secret.is("sk-very-secre"));
        assert!(!secret.is(""));
    }

    #[test]
    fn a_file_is_read_without_its_last_line_break() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        std::fs::write(&path, "sk-1\n").expect("a file");
        assert_eq!(Secret::from_file(&path).map(|secret| secret.is("sk-1")), Ok(true));
        std::fs::write(&path, "\n").expect("a file");
        assert!(Secret::from_file(&path).is_err_and(|error| error.contains("is empty")));
        std::fs::remove_file(&path).expect("it is there");
        assert!(Secret::from_file(&path).is_err());
    }
}
