//! The catalog of this server: every kind of trigger and step, read once before anything is drawn.

use std::sync::{Arc, OnceLock};

use weir_flows::{
    catalog::Catalog,
    document::Step,
    port::{Port, PortRole, ports},
};

use crate::api::{self, Trouble};

/// The catalog; another server version comes with another page.
static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();

/// The catalog; it is empty before it was read.
pub(crate) fn catalog() -> Arc<Catalog> {
    CATALOG.get().cloned().unwrap_or_else(unread)
}

/// What there is before the catalog was read: nothing, and in tests what the language itself has.
fn unread() -> Arc<Catalog> {
    #[cfg(test)]
    return Arc::new(weir_flows::builtin::catalog());
    #[cfg(not(test))]
    Arc::default()
}

/// The ports of a step, in the order a person expects. A kind that is not known here succeeds or fails like most.
pub(crate) fn step_ports(step: &Step) -> Vec<Port> {
    let plain = |name: &str, role| Port {
        name: name.to_owned(),
        role,
        at: String::new(),
    };
    catalog().step(&step.kind).map_or_else(
        || vec![plain("ok", PortRole::Ok), plain("error", PortRole::Error)],
        |entry| ports(entry, &step.config),
    )
}

/// Reads the catalog from the server.
pub(crate) async fn read() -> Result<(), Trouble> {
    api::get::<Catalog>("/catalog").await.map(learn)
}

/// Makes a catalog the one that all parts of the page go by. Only the first one counts.
pub(crate) fn learn(catalog: Catalog) {
    CATALOG.get_or_init(|| Arc::new(catalog));
}
