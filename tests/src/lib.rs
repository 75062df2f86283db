//! What the black-box tests stand on: the real binary, a plain HTTP client, a counting partner, and databases of their own.

#![expect(
    clippy::unwrap_used,
    reason = "all of this runs within tests, where a panic is the report"
)]

mod cluster;
mod command;
mod database;
mod http;
mod partner;
mod sign;
mod wait;
mod weir;
mod wire;

pub use cluster::Cluster;
pub use command::{Finished, flow_file, weir, weir_of, weir_with_input};
pub use database::Database;
pub use http::{Event, Events, Reply, Request, send};
pub use partner::{Act, Call, Partner};
pub use sign::{github, now_seconds, sha256_hex, standard_webhooks};
pub use wait::{long_form, patience, until};
pub use weir::{Start, Weir, binary, old_binary, root};
pub use wire::Wire;
