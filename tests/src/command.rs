//! The command line of the binary: what it is given, and what it printed.

use std::{
    fmt, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::weir::{binary, clean_command};

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

impl Finished {
    /// The same, once the exit code is as it must be.
    ///
    /// # Panics
    /// When it is another one; the report shows what was printed.
    #[track_caller]
    pub fn expect(self, code: i32) -> Finished {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// What it printed, as one JSON value.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit {}\n--- out\n{}\n--- err\n{}",
            self.code, self.out, self.err
        )
    }
}

/// Runs `weir` with these arguments.
pub fn weir<A: AsRef<std::ffi::OsStr>>(arguments: &[A]) -> Finished {
    weir_with_input(arguments, &[], "")
}

/// Runs `weir` with arguments, environment variables and standard input.
pub fn weir_with_input<A: AsRef<std::ffi::OsStr>>(
    arguments: &[A],
    variables: &[(&str, &str)],
    input: &str,
) -> Finished {
    weir_of(&binary(), arguments, variables, input)
}

/// The same with this binary.
pub fn weir_of<A: AsRef<std::ffi::OsStr>>(
    binary: &Path,
    arguments: &[A],
    variables: &[(&str, &str)],
    input: &str,
) -> Finished {
    let mut command: Command = clean_command(binary);
    command.args(arguments).envs(variables.iter().copied());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may have closed it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what is printed is UTF-8");
    Finished {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Writes a document to a file of this name.
pub fn flow_file(folder: &Path, name: &str, document: &Value) -> PathBuf {
    let path = folder.join(name);
    fs::write(
        &path,
        serde_json::to_string_pretty(document).unwrap() + "\n",
    )
    .unwrap();
    path
}
