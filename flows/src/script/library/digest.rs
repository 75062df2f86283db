//! Hashes and signatures of text, as hex unless another encoding is asked for.

use super::{Fallible, define, documented};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use rhai::Module;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

fn encode(bytes: &[u8], encoding: &str) -> Fallible<String> {
    Ok(match encoding {
        "hex" => hex::encode(bytes),
        "base64" => STANDARD.encode(bytes),
        "base64url" => URL_SAFE_NO_PAD.encode(bytes),
        other => {
            return Err(complaint(format!(
                "`{other}` is not an encoding; there are hex, base64 and base64url"
            )));
        }
    })
}

fn hash<D: Digest>(text: &str, encoding: &str) -> Fallible<String> {
    bounds::spend(text.len() / 16)?;
    encode(&D::digest(text.as_bytes()), encoding)
}

fn sign<M: Mac + KeyInit>(key: &str, text: &str, encoding: &str) -> Fallible<String> {
    bounds::spend((text.len() + key.len()) / 16)?;
    let mut mac = <M as KeyInit>::new_from_slice(key.as_bytes())
        .map_err(|_| complaint("the key has a length that the signature does not take"))?;
    mac.update(text.as_bytes());
    encode(&mac.finalize().into_bytes(), encoding)
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    macro_rules! hashes {
        ($($name:literal $kind:ty),*) => {$(
            define!(module, $name, |text: &str| hash::<$kind>(text, "hex"));
            define!(module, $name, |text: &str, encoding: &str| hash::<$kind>(text, encoding));
        )*};
    }
    hashes!("md5" Md5, "sha1" Sha1, "sha256" Sha256, "sha512" Sha512);
    macro_rules! signatures {
        ($($name:literal $kind:ty),*) => {$(
            define!(module, $name, |key: &str, text: &str| sign::<Hmac<$kind>>(key, text, "hex"));
            define!(module, $name, |key: &str, text: &str, encoding: &str| {
                sign::<Hmac<$kind>>(key, text, encoding)
            });
        )*};
    }
    signatures!("hmac_md5" Md5, "hmac_sha1" Sha1, "hmac_sha256" Sha256, "hmac_sha512" Sha512);
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Digest;
    "md5" "md5(text, encoding?) -> text", "For old interfaces that ask for it; it protects nothing. The encoding is hex, base64 or base64url.", "md5(\"abc\")" => r#""900150983cd24fb0d6963f7d28e17f72""#;
    "sha1" "sha1(text, encoding?) -> text", "For old interfaces that ask for it.", "sha1(\"abc\")" => r#""a9993e364706816aba3e25717850c26c9cd0d89d""#;
    "sha256" "sha256(text, encoding?) -> text", "SHA-256.", "sha256(\"abc\", \"base64\")" => r#""ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=""#;
    "sha512" "sha512(text, encoding?) -> text", "SHA-512.", "sha512(\"abc\").left(16)" => r#""ddaf35a193617aba""#;
    "hmac_md5" "hmac_md5(key, text, encoding?) -> text", "A signature with a key (RFC 2104), with MD5.", "hmac_md5(\"Jefe\", \"what do ya want for nothing?\")" => r#""750c783e6ab0b503eaa86e310a5db738""#;
    "hmac_sha1" "hmac_sha1(key, text, encoding?) -> text", "The same with SHA-1.", "hmac_sha1(\"Jefe\", \"what do ya want for nothing?\")" => r#""effcdf6ae5eb2fa2d27416d5f184df9c259a7c79""#;
    "hmac_sha256" "hmac_sha256(key, text, encoding?) -> text", "The same with SHA-256.", "hmac_sha256(\"Jefe\", \"what do ya want for nothing?\")" => r#""5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843""#;
    "hmac_sha512" "hmac_sha512(key, text, encoding?) -> text", "The same with SHA-512.", "hmac_sha512(\"Jefe\", \"what do ya want for nothing?\").left(16)" => r#""164b7a7bfcf819e2""#;
};
