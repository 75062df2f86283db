//! The catalog of this server: every kind of trigger and step, read once before anything is drawn.

use std::sync::{Arc, OnceLock};

use weir_flows::catalog::Catalog;

use crate::api::{self, Trouble};

/// The catalog; another server version comes with another page.
static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();

/// The catalog; it is empty before it was read.
pub(crate) fn catalog() -> Arc<Catalog> {
    CATALOG.get().cloned().unwrap_or_default()
}

/// Reads the catalog from the server.
pub(crate) async fn read() -> Result<(), Trouble> {
    api::get::<Catalog>("/catalog").await.map(learn)
}

/// Makes a catalog the one that all parts of the page go by. Only the first one counts.
pub(crate) fn learn(catalog: Catalog) {
    CATALOG.get_or_init(|| Arc::new(catalog));
}
