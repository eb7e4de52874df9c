//! Tests the real compiler on hostile sources. Secrets do not leak into its messages or its output, and
//! bombs end at a limit.
//!
//! Each test runs as the current user; root runs all of them once more as nobody.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use code_evolution_jail::{Exit, Jail, Limits, RunResult, Stage};
use tempfile::TempDir;

use crate::{batch, users};

const CANARY: &str = "canary-0f5d1c9e";

/// The result of compiling a source.
#[derive(Debug)]
struct Compiled {
    ended: RunResult,
    messages: String,
    /// Whether the canary is in any file left by the compiler.
    leaked: bool,
    folder: TempDir,
}

fn sysroot() -> &'static Path {
    static SYSROOT: OnceLock<PathBuf> = OnceLock::new();
    SYSROOT.get_or_init(|| {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc).args(["--print", "sysroot"]).output().unwrap();
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

/// Compiles a source in which `SECRET` stands for the path of a file outside the jail, and `HOME` for its
/// folder.
fn compile(source: &str) -> Compiled {
    compile_with(source, "-Copt-level=0")
}

/// Does the same with another argument for rustc.
fn compile_with(source: &str, argument: &str) -> Compiled {
    let outside = TempDir::new().unwrap();
    let secret = outside.path().join("secret.rs");
    fs::write(&secret, format!("const SECRET: &str = \"{CANARY}\";")).unwrap();
    let folder = TempDir::new().unwrap();
    let source = source.replace("SECRET", secret.to_str().unwrap());
    fs::write(folder.path().join("main.rs"), source).unwrap();
    std::os::unix::fs::symlink(&secret, folder.path().join("link.rs")).unwrap();

    let limits = Limits { cpu_ms: 2_000, ..Limits::of(Stage::Compile) };
    let rustc =
        Jail { limits, ..Jail::new(Stage::Compile, sysroot().join("bin/rustc"), folder.path()) }
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TMPDIR", folder.path())
            .env("LC_ALL", "C")
            .arg("--edition=2024")
            .arg("-Ctarget-feature=+crt-static")
            .arg("-Crelocation-model=static")
            .arg(argument)
            .arg("main.rs");
    let rustc = Jail { readable: vec![sysroot().to_owned()], ..rustc };
    let (ended, messages) = batch::watch(rustc.spawn().unwrap(), Duration::from_secs(60));
    let leaked = fs::read_dir(folder.path()).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let is_link = path.symlink_metadata().unwrap().is_symlink();
        !is_link && path.is_file() && contains(&fs::read(path).unwrap(), CANARY.as_bytes())
    });
    Compiled { ended, messages, leaked, folder }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
fn as_nobody_every_test_gives_the_same_result() {
    if !users::privileged() {
        println!("tests do not run as root: tried as this user only");
        return;
    }
    let world = users::world();
    let home = users::NOBODY.home(world.path(), CANARY);
    let mut tests = Command::new(world.path().join("test"));
    tests.args(["compiler::", "--skip", "as_nobody"]).current_dir(world.path());
    tests.env("RUSTC", users::NOBODY.rustc(world.path())).env("HOME", home);
    let output = users::NOBODY.runs(&mut tests).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("as nobody: {text}");
    assert!(output.status.success() && text.contains("compiler::include_str ... ok"), "{output:?}");
}

#[test]
fn an_object_file_can_be_asked_for() {
    let compiled = compile_with("fn main() {}", "--emit=obj,metadata,link");
    assert_eq!(compiled.ended.status, Exit::Code(0), "{compiled:#?}");
    let object = fs::metadata(compiled.folder.path().join("main.o")).unwrap();
    assert!(object.len() > 0);
}

#[track_caller]
fn leaks_nothing(source: &str) -> Compiled {
    let compiled = compile(source);
    assert!(!compiled.leaked && !compiled.messages.contains(CANARY), "{compiled:#?}");
    compiled
}

#[track_caller]
fn fails(source: &str) {
    let compiled = leaks_nothing(source);
    assert_eq!(compiled.ended.status, Exit::Code(1), "{compiled:#?}");
    assert_eq!(compiled.ended.stopped, None, "{compiled:#?}");
}

#[track_caller]
fn runs(compiled: &Compiled) {
    assert_eq!(compiled.ended.status, Exit::Code(0), "{compiled:#?}");
    let folder = compiled.folder.path();
    let program = Jail::new(Stage::Run, folder.join("main"), folder).spawn().unwrap();
    let (ended, output) = batch::watch(program, Duration::from_secs(60));
    assert_eq!((ended.status, output.as_str()), (Exit::Code(0), "42\n"));
}

#[test]
fn an_honest_program_compiles_and_runs() {
    runs(&compile("fn main() { println!(\"{}\", 6 * 7); }"));
}

#[test]
fn a_linker_that_cannot_mark_its_output_does_no_harm() {
    // GNU ld, the usual linker if rustc brings none.
    let argument = "-Clink-arg=-fuse-ld=bfd";
    runs(&compile_with("fn main() { println!(\"{}\", 6 * 7); }", argument));
}

#[test]
fn include_str() {
    fails("fn main() { println!(\"{}\", include_str!(\"SECRET\")); }");
}

#[test]
fn include_bytes() {
    fails("fn main() { println!(\"{:?}\", include_bytes!(\"SECRET\")); }");
}

#[test]
fn include() {
    fails("include!(\"SECRET\"); fn main() {}");
}

#[test]
fn module_path() {
    fails("#[path = \"SECRET\"] mod secret; fn main() {}");
}

#[test]
fn a_symlink_out_of_the_folder() {
    fails("fn main() { println!(\"{}\", include_str!(\"link.rs\")); }");
}

#[test]
fn files_of_the_system() {
    for path in ["/etc/passwd", "/proc/self/environ", "/proc/self/maps", "/dev/zero", "/dev/stdin"]
    {
        fails(&format!("fn main() {{ println!(\"{{:?}}\", include_bytes!(\"{path}\")); }}"));
    }
}

#[test]
fn variables_of_the_host() {
    let variable = "HOME";
    assert!(std::env::var_os(variable).is_some());
    fails(&format!("fn main() {{ println!(\"{{}}\", env!(\"{variable}\")); }}"));
    fails(&format!("const _: &str = option_env!(\"{variable}\").unwrap(); fn main() {{}}"));
}

#[test]
fn assembler_incbin() {
    fails("std::arch::global_asm!(\".incbin \\\"SECRET\\\"\"); fn main() {}");
}

#[test]
fn assembler_include() {
    fails("std::arch::global_asm!(\".include \\\"SECRET\\\"\"); fn main() {}");
}

#[test]
fn linking_a_file_from_outside() {
    fails("#[link(name = \":SECRET\", kind = \"static\")] unsafe extern \"C\" {} fn main() {}");
    fails(
        "#[link(name = \"../../../../SECRET\")] unsafe extern \"C\" { fn f(); } fn main() { unsafe { f() } }",
    );
}

#[test]
fn credentials_of_cargo() {
    let home = std::env::var("HOME").unwrap();
    for file in [".cargo/credentials.toml", ".cargo/config.toml", ".rustup/settings.toml"] {
        fails(&format!("fn main() {{ println!(\"{{}}\", include_str!(\"{home}/{file}\")); }}"));
    }
}

#[track_caller]
fn is_stopped(source: &str) {
    let compiled = leaks_nothing(source);
    assert_ne!(compiled.ended.status, Exit::Code(0), "{compiled:#?}");
    assert!(compiled.ended.cpu < Duration::from_secs(5), "{compiled:#?}");
    assert!(compiled.ended.peak_bytes < 2 << 30, "{compiled:#?}");
}

#[test]
fn bomb_of_doubling_macros() {
    is_stopped(
        "macro_rules! double { ($($t:tt)*) => { double!{$($t)* $($t)*} }; }
         #[allow(unused)] fn main() { double!{1 + } }",
    );
}

#[test]
fn bomb_of_parentheses() {
    let (open, close) = ("(".repeat(200_000), ")".repeat(200_000));
    is_stopped(&format!("fn main() {{ let _ = {open}1{close}; }}"));
}

#[test]
fn bomb_of_constants() {
    is_stopped(
        "#![allow(long_running_const_eval)]
         const N: u64 = { let mut n = 0_u64; while n != u64::MAX { n += 1; } n };
         fn main() { println!(\"{N}\"); }",
    );
}

#[test]
fn bomb_of_bytes() {
    is_stopped("static S: [u8; 8 << 30] = [1; 8 << 30]; fn main() { println!(\"{}\", S[1]); }");
}

#[test]
fn bomb_of_types() {
    is_stopped(
        "fn grow<T>(n: u32, t: T) -> u32 { if n == 0 { 0 } else { grow(n - 1, (&t, &t)) } }
         fn main() { println!(\"{}\", grow(9, 1)); }",
    );
}
