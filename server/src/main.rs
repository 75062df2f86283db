//! The binary `weir`: the server and its command line.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: weir_server::memory::Metered = weir_server::memory::Metered;

fn main() -> ExitCode {
    weir_server::outbound::install_tls();
    weir_server::cli::main()
}
