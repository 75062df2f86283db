//! Tells Cargo which embedded files are part of the binary, so that a new page makes a new binary.

use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    for folder in ["../ui/dist", "../flows/gallery"] {
        // A debug build reads these files when it runs, but finds them only where the folder was there when it was
        // compiled. And what Cargo watches must be there, or it would build anew each time. Where it cannot be made,
        // building anew is all the harm.
        let _ = fs::create_dir_all(folder);
        if release {
            println!("cargo::rerun-if-changed={folder}");
        }
    }
}
