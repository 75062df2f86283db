//! Secrets: values that are sealed at rest, handed out at the call only, and masked in everything that is written down.

pub mod mask;
mod seal;

use std::{collections::BTreeMap, fmt};

use futures::future::BoxFuture;
use weir_flows::failure::{Class, Failure};
use zeroize::Zeroizing;

pub use mask::Mask;
pub use seal::{Error, KEY_FILE, Sealer};

/// A secret value in the open. It is wiped from memory when it is dropped, and neither `Debug` nor serde shows it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over a value.
    pub fn new(value: impl Into<String>) -> Self {
        Secret(Zeroizing::new(value.into()))
    }

    /// The value itself. Whoever asks must not write it down.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(mask::MASK)
    }
}

/// Where a call gets the values of the secrets that a flow or a connection names.
pub trait Secrets: Send + Sync {
    /// The value of a secret of the workspace that the call belongs to.
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, Absent>>;
}

/// Why a secret could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    /// There is none of this name.
    #[error("it does not exist; set it with PUT /api/v1/secrets/NAME")]
    Unknown,
    /// It is there and cannot be opened: sealed with another key, or damaged. Trying again does not help.
    #[error("{0}")]
    Sealed(String),
    /// The store does not answer at the moment.
    #[error("{0}")]
    Unavailable(String),
}

/// The value of a secret for a call, which is masked from then on.
///
/// # Errors
///
/// `denied` where there is none or it cannot be opened, `transient` where the store does not answer.
pub async fn reveal(name: &str, secrets: &dyn Secrets, mask: &mut Mask) -> Result<Secret, Failure> {
    let secret = secrets.get(name).await.map_err(|absent| {
        let class = match absent {
            Absent::Unknown | Absent::Sealed(_) => Class::Denied,
            Absent::Unavailable(_) => Class::Transient,
        };
        Failure::new(
            class,
            format!("the secret `{name}` cannot be used: {absent}"),
        )
    })?;
    mask.add(&secret);
    Ok(secret)
}

/// Secrets that are at hand, for the command line and for tests.
impl Secrets for BTreeMap<String, Secret> {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, Absent>> {
        Box::pin(async move { BTreeMap::get(self, name).cloned().ok_or(Absent::Unknown) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("hunter2-hunter2");
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "••• Some(\n    •••,\n)"
        );
        assert_eq!(secret.expose(), "hunter2-hunter2");
    }
}
