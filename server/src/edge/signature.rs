//! What is signed with a secret, and secrets by chance.
//!
//! Owns: HMAC-SHA256 (RFC 2104), and the shortest secret that is taken.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// The shortest secret that is taken, in bytes.
const SHORTEST: usize = 16;

/// A secret of 256 bits by chance.
///
/// # Errors
/// When the machine has no chance to give.
pub fn random() -> Result<Secret, String> {
    let mut bytes = [0; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| "the machine has no random numbers".to_owned())?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// The secret, if it is long enough not to be guessed.
///
/// # Errors
/// When it is shorter than 16 bytes.
pub fn long_enough(secret: Secret) -> Result<Secret, String> {
    if secret.reveal().len() < SHORTEST {
        return Err(format!("a secret needs {SHORTEST} characters or more"));
    }
    Ok(secret)
}

/// The signature of parts put one after another.
#[must_use]
pub fn sign(secret: &Secret, parts: &[&[u8]]) -> Vec<u8> {
    mac(secret, parts).finalize().into_bytes().to_vec()
}

/// Whether a signature is that of the parts; in constant time.
#[must_use]
pub fn has_signed(secret: &Secret, parts: &[&[u8]], signature: &[u8]) -> bool {
    mac(secret, parts).verify_slice(signature).is_ok()
}

fn mac(secret: &Secret, parts: &[&[u8]]) -> Hmac<Sha256> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
        unreachable!("HMAC takes keys of any length")
    };
    parts.iter().for_each(|part| mac.update(part));
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a signature that no other program would make. RFC 4231, test case 2.
    #[test]
    fn the_signature_is_hmac_sha256() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let signature = sign(&Secret::new("Jefe"), &[b"what do ya want ", b"for nothing?"]);
        let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
        assert!(has_signed(
            &Secret::new("Jefe"),
            &[b"what do ya want for nothing?"],
            &signature
        ));
        assert!(!has_signed(
            &Secret::new("Jeff"),
            &[b"what do ya want for nothing?"],
            &signature
        ));
    }

    // Lost if broken: a secret that can be guessed.
    #[test]
    fn secrets_are_long_and_by_chance_never_the_same() {
        assert!(long_enough(Secret::new("short")).is_err());
        let (one, other) = (random().expect("chance"), random().expect("chance"));
        assert!(one.reveal().len() == 43 && one != other);
        assert!(long_enough(one).is_ok());
    }
}
