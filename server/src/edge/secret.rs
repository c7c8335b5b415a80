//! Secrets: where they come from, how they are compared, and what is signed with them.
//!
//! Owns: reading one from a file, making one by chance, comparing in constant time, HMAC-SHA256.
//! Never: printing one that was configured.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The shortest secret that is taken, in characters.
const SHORTEST: usize = 16;

/// Something that only some may know. It shows itself to nobody who prints it by accident.
#[derive(Clone)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A given one; white space around it is not part of it.
    ///
    /// # Errors
    /// When it is shorter than 16 characters.
    pub fn given(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.chars().count() < SHORTEST {
            return Err(format!("a secret needs {SHORTEST} characters or more"));
        }
        Ok(Self(text.to_owned()))
    }

    /// That of a file.
    ///
    /// # Errors
    /// When it cannot be read, or is too short.
    pub fn of_file(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("could not read {}: {error}", path.display()))?;
        Self::given(&text).map_err(|reason| format!("{}: {reason}", path.display()))
    }

    /// One of 256 bits by chance.
    ///
    /// # Errors
    /// When the machine has no chance to give.
    pub fn random() -> Result<Self, String> {
        let mut bytes = [0; 32];
        rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut bytes)
            .map_err(|_| "the machine has no random numbers".to_owned())?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Its text: for whoever prints one that was made by chance, and for tests.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether a text is it. Takes as long wherever they differ: their signatures under a third key are compared.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        let signature = sign(b"compare", &[text.as_bytes()]);
        mac(b"compare", &[self.0.as_bytes()]).verify_slice(&signature).is_ok()
    }

    /// The signature of parts put one after another.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> Vec<u8> {
        sign(self.0.as_bytes(), parts)
    }

    /// Whether a signature is that of the parts; in constant time.
    #[must_use]
    pub fn has_signed(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        mac(self.0.as_bytes(), parts).verify_slice(signature).is_ok()
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length")
    };
    parts.iter().for_each(|part| mac.update(part));
    mac
}

fn sign(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    mac(key, parts).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a signature that no other program would make. RFC 4231, test case 2.
    #[test]
    fn the_signature_is_hmac_sha256() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let hex: String = sign(b"Jefe", &[b"what do ya want ", b"for nothing?"])
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, expected);
    }

    // Lost if broken: a door with a lock that any key opens, or none.
    #[test]
    fn a_secret_is_itself_alone() {
        let secret = Secret::given("  correct horse battery \n").expect("long enough");
        assert!(secret.is("correct horse battery"));
        assert!(!secret.is("correct horse batterz") && !secret.is("correct horse") && !secret.is(""));
        assert!(Secret::given("short").is_err());
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        let (one, other) = (Secret::random().expect("chance"), Secret::random().expect("chance"));
        assert!(one.reveal().len() == 43 && !one.is(other.reveal()));
    }
}
