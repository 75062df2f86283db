//! Tells Cargo which embedded files are part of the binary, so that a new page makes a new binary.

use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A debug build reads these files when it runs.
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        for folder in ["../ui/dist", "../flows/gallery"] {
            // What Cargo watches must be there, or it would build anew each time. Where it cannot be
            // made, building anew is all the harm.
            let _ = fs::create_dir_all(folder);
            println!("cargo::rerun-if-changed={folder}");
        }
    }
}
