//! Sealing of secrets at rest with XChaCha20-Poly1305, and the key that does it.
//!
//! A sealed value is `version (1) | key id (4) | nonce (24) | ciphertext and tag`. Version and key id come
//! first, so that a later format or key can be told apart without trying. Workspace and name of the secret
//! are authenticated with it: a sealed value that is copied to another name does not open there.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Secret;
use crate::world::World;

/// The name of the key file in the data directory.
pub const KEY_FILE: &str = "weir.key";

/// The version of the format, the first byte of a sealed value.
const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
const HEAD_BYTES: usize = 1 + KEY_ID_BYTES;

/// Why a key could not be had, or a sealed value not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `WEIR_KEY` or the key file holds something else than a key.
    #[error(
        "{place} does not hold a key; write 32 random bytes as 64 hexadecimal digits or as base64, \
         for example what `openssl rand -hex 32` prints"
    )]
    NoKey {
        /// Where the key was looked for.
        place: String,
    },
    /// The key file may be read by others than its owner.
    #[error(
        "the key file {path} can be read by other users (mode {mode:o}); run `chmod 600 {path}`, \
         and if others may have read it, set every secret again under a new key"
    )]
    Exposed {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file cannot be read or made.
    #[error(
        "the key file {path} cannot be used: {source}; check the directory's owner and its permissions"
    )]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Sealed with another key than the one at hand.
    #[error(
        "the secret `{name}` was sealed with the key {sealed_with}, and this server has the key {present}; \
         start it with the key it was sealed with (WEIR_KEY or the file weir.key), or set the secret again"
    )]
    WrongKey {
        /// The name of the secret.
        name: String,
        /// The id of the key it was sealed with.
        sealed_with: String,
        /// The id of the key that is there.
        present: String,
    },
    /// Written by a newer Weir.
    #[error(
        "the secret `{name}` is sealed in format {version}, which this version of Weir does not know; run a newer one"
    )]
    Format {
        /// The name of the secret.
        name: String,
        /// The version byte.
        version: u8,
    },
    /// Changed since it was sealed, or it belongs to another name or workspace.
    #[error("the secret `{name}` is damaged or was moved from another name; set it again")]
    Damaged {
        /// The name of the secret.
        name: String,
    },
}

/// Seals and opens secrets with one key.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    /// What the keys of callback links are derived from.
    links: Hmac<Sha256>,
    key_id: [u8; KEY_ID_BYTES],
}

impl Sealer {
    /// The sealer with the key from `WEIR_KEY` if that is set, else from the file [`KEY_FILE`] in the data
    /// directory, which is made with mode 600 where there is none.
    ///
    /// # Errors
    ///
    /// Where the key is no key, and where the key file cannot be read or made or is open to other users.
    pub fn load(weir_key: Option<&str>, data: &Path, world: &World) -> Result<Self, Error> {
        match weir_key.filter(|text| !text.trim().is_empty()) {
            Some(text) => Sealer::read_key(text, "WEIR_KEY"),
            None => Sealer::from_file(&data.join(KEY_FILE), world),
        }
    }

    /// The sealer with this key: 32 bytes as hexadecimal digits or as base64 (with or without padding, also the URL alphabet).
    ///
    /// # Errors
    ///
    /// Where the text is no key.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Sealer::read_key(text, "the text")
    }

    /// Which key this is, as eight hexadecimal digits that tell nothing of the key.
    pub fn key_id(&self) -> String {
        hex::encode(self.key_id)
    }

    /// The key that signs the callback links of a run. All servers with this sealing key have the same.
    pub fn link_key(&self, workspace: &str, run: &str) -> [u8; KEY_BYTES] {
        let mut mac = self.links.clone();
        mac.update(&associated(&[], workspace, run));
        mac.finalize().into_bytes().into()
    }

    /// Seals a secret for its place: only under this workspace and name does it open again.
    pub fn seal(&self, workspace: &str, name: &str, secret: &Secret, world: &World) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        world.random(&mut nonce);
        let mut sealed = vec![VERSION];
        sealed.extend(self.key_id);
        let aad = associated(&sealed, workspace, name);
        let payload = Payload {
            msg: secret.expose().as_bytes(),
            aad: &aad,
        };
        let ciphertext = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is far shorter than the 256 GiB that the cipher takes");
        sealed.extend(nonce);
        sealed.extend(ciphertext);
        sealed
    }

    /// Opens what [`Sealer::seal`] made for this workspace and name.
    ///
    /// # Errors
    ///
    /// Where it was sealed with another key or format, or is not what was sealed for this place.
    pub fn open(&self, workspace: &str, name: &str, sealed: &[u8]) -> Result<Secret, Error> {
        let damaged = || Error::Damaged { name: name.into() };
        let (head, rest) = sealed.split_at_checked(HEAD_BYTES).ok_or_else(damaged)?;
        if head[0] != VERSION {
            return Err(Error::Format {
                name: name.into(),
                version: head[0],
            });
        }
        if head[1..] != self.key_id {
            return Err(Error::WrongKey {
                name: name.into(),
                sealed_with: hex::encode(&head[1..]),
                present: self.key_id(),
            });
        }
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(damaged)?;
        let payload = Payload {
            msg: ciphertext,
            aad: &associated(head, workspace, name),
        };
        let plain = self
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| damaged())?;
        match String::from_utf8(plain) {
            Ok(text) => Ok(Secret::new(text)),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                Err(damaged())
            }
        }
    }

    fn read_key(text: &str, place: &str) -> Result<Self, Error> {
        let key = key_bytes(text.trim()).ok_or_else(|| Error::NoKey {
            place: place.to_owned(),
        })?;
        let digest = Sha256::new()
            .chain_update(b"weir key id\0")
            .chain_update(key.as_slice())
            .finalize();
        let mut key_id = [0; KEY_ID_BYTES];
        key_id.copy_from_slice(&digest[..KEY_ID_BYTES]);
        // A key of its own, so that what is signed tells nothing of what seals.
        let derived = keyed(key.as_slice()).chain_update(b"weir callback links");
        Ok(Sealer {
            links: keyed(&derived.finalize().into_bytes()),
            cipher: XChaCha20Poly1305::new((&*key).into()),
            key_id,
        })
    }

    fn from_file(path: &Path, world: &World) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let failed = |source| Error::File {
            path: shown.clone(),
            source,
        };
        if !path.try_exists().map_err(failed)? {
            create_key_file(path, world).map_err(failed)?;
        }
        check_mode(path).map_err(failed)?.map_or(Ok(()), |mode| {
            Err(Error::Exposed {
                path: shown.clone(),
                mode,
            })
        })?;
        let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
        Sealer::read_key(&text, &format!("the key file {shown}"))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("an HMAC takes keys of any length")
}

/// What is authenticated beside the value: the head, and the place with its lengths, so that no two places read the same.
fn associated(head: &[u8], workspace: &str, name: &str) -> Vec<u8> {
    let mut aad = head.to_vec();
    for part in [workspace, name] {
        aad.extend((part.len() as u64).to_be_bytes());
        aad.extend(part.as_bytes());
    }
    aad
}

fn key_bytes(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if text.len() == 2 * KEY_BYTES {
        hex::decode_to_slice(text, key.as_mut_slice()).ok()?;
        return Some(key);
    }
    let standard = Zeroizing::new(text.replace('-', "+").replace('_', "/"));
    let padded = Zeroizing::new(format!("{}=", standard.trim_end_matches('=')));
    let bytes = Zeroizing::new(BASE64.decode(padded.as_bytes()).ok()?);
    (bytes.len() == KEY_BYTES).then(|| {
        key.copy_from_slice(&bytes);
        key
    })
}

/// Makes the key file whole or not at all: written beside its place, then linked there. Where another
/// process was faster, that one's file stands.
fn create_key_file(path: &Path, world: &World) -> io::Result<()> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    world.random(key.as_mut_slice());
    let text = Zeroizing::new(hex::encode(*key) + "\n");

    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(directory)?;
    let draft = Draft(directory.join(format!(".{KEY_FILE}.{}", world.id())));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft.0)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    match fs::hard_link(&draft.0, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // Without this, a crash could lose the key that has sealed what is already on disk.
    File::open(directory)?.sync_all()
}

/// A file that is taken away again, however its making ends.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // Where it cannot be removed, a key nobody uses stays behind with mode 600; nothing better can be done.
        let _ = fs::remove_file(&self.0);
    }
}

/// The mode of a file that others than its owner may use.
#[cfg(unix)]
fn check_mode(path: &Path) -> io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> io::Result<Option<u32>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn world() -> World {
        World::manual(1_700_000_000_000, 1)
    }

    #[test]
    fn a_sealed_secret_opens_in_its_place_only() {
        let (sealer, world) = (Sealer::from_text(HEX).unwrap(), world());
        for value in ["", "s3cret", "ключ • 钥匙", &"x".repeat(100_000)] {
            let secret = Secret::new(value);
            let sealed = sealer.seal("main", "erp-key", &secret, &world);
            assert_eq!(
                sealer.open("main", "erp-key", &sealed).unwrap().expose(),
                value
            );
            for (workspace, name) in [
                ("main", "erp"),
                ("other", "erp-key"),
                ("mainerp", "-key"),
                ("", ""),
            ] {
                let error = sealer.open(workspace, name, &sealed).unwrap_err();
                assert!(matches!(error, Error::Damaged { .. }), "{workspace}/{name}");
            }
        }
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let (sealer, world) = (Sealer::from_text(HEX).unwrap(), world());
        let sealed = sealer.seal("main", "k", &Secret::new("value"), &world);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open("main", "k", &changed).is_err(), "byte {at}");
            assert!(
                sealer.open("main", "k", &sealed[..at]).is_err(),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn the_same_value_is_never_sealed_alike_and_does_not_show() {
        let (sealer, world) = (Sealer::from_text(HEX).unwrap(), world());
        let secret = Secret::new("plain-to-see");
        let (a, b) = (
            sealer.seal("main", "k", &secret, &world),
            sealer.seal("main", "k", &secret, &world),
        );
        assert_ne!(a, b);
        assert!(!a.windows(5).any(|part| part == b"plain"));
        assert_eq!(
            a.len(),
            HEAD_BYTES + NONCE_BYTES + "plain-to-see".len() + 16
        );
    }

    #[test]
    fn a_wrong_key_and_a_newer_format_are_named() {
        let (sealer, world) = (Sealer::from_text(HEX).unwrap(), world());
        let other = Sealer::from_text(&"ab".repeat(32)).unwrap();
        let mut sealed = sealer.seal("main", "erp-key", &Secret::new("v"), &world);
        let error = other
            .open("main", "erp-key", &sealed)
            .unwrap_err()
            .to_string();
        for part in ["erp-key", &sealer.key_id(), &other.key_id(), "WEIR_KEY"] {
            assert!(error.contains(part), "{error}");
        }
        sealed[0] = 2;
        let error = sealer.open("main", "erp-key", &sealed).unwrap_err();
        assert!(matches!(error, Error::Format { version: 2, .. }));
    }

    #[test]
    fn a_key_is_hex_or_base64() {
        let bytes = hex::decode(HEX).unwrap();
        let base64 = BASE64.encode(&bytes);
        let url = base64.replace('+', "-").replace('/', "_");
        let id = Sealer::from_text(HEX).unwrap().key_id();
        for text in [
            HEX,
            &HEX.to_uppercase(),
            &base64,
            base64.trim_end_matches('='),
            &url,
            &format!(" {HEX}\n"),
        ] {
            assert_eq!(Sealer::from_text(text).unwrap().key_id(), id, "{text}");
        }
        for text in [
            "",
            "secret",
            &HEX[..62],
            &format!("{HEX}00"),
            &"g".repeat(64),
            &base64[..40],
        ] {
            let error = Sealer::from_text(text).unwrap_err().to_string();
            assert!(error.contains("openssl rand -hex 32"), "{error}");
            assert!(
                text.len() < 6 || !error.contains(text),
                "a key must not be printed"
            );
        }
    }

    #[test]
    fn the_key_file_is_made_once_and_kept() {
        let (directory, world) = (tempfile::tempdir().unwrap(), world());
        let data = directory.path().join("data");
        let first = Sealer::load(None, &data, &world).unwrap();
        let again = Sealer::load(Some("  "), &data, &world).unwrap();
        assert_eq!(first.key_id(), again.key_id());
        let names: Vec<_> = fs::read_dir(&data)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, [KEY_FILE]);
        let given = Sealer::load(Some(HEX), &data, &world).unwrap();
        assert_ne!(
            given.key_id(),
            first.key_id(),
            "WEIR_KEY comes before the file"
        );
        assert!(
            !format!("{first:?}").contains(fs::read_to_string(data.join(KEY_FILE)).unwrap().trim())
        );
    }

    #[test]
    fn many_first_starts_at_once_agree_on_one_key() {
        let directory = tempfile::tempdir().unwrap();
        let world = World::real();
        let ids: Vec<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        Sealer::load(None, directory.path(), &world)
                            .unwrap()
                            .key_id()
                    })
                })
                .collect();
            starts.into_iter().map(|s| s.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let (directory, world) = (tempfile::tempdir().unwrap(), world());
        Sealer::load(None, directory.path(), &world).unwrap();
        let path = directory.path().join(KEY_FILE);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        for mode in [0o640, 0o604, 0o660, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = Sealer::load(None, directory.path(), &world)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("chmod 600") && error.contains(&format!("{mode:o}")),
                "{error}"
            );
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        Sealer::load(None, directory.path(), &world).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "nonsense").unwrap();
        let error = Sealer::load(None, directory.path(), &world)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("weir.key") && !error.contains("nonsense"),
            "{error}"
        );
    }
}
