//! What hostile source tries while it is compiled. The scan is off and `unsafe` allowed: the jail
//! alone must hold. Three canaries are looked for in everything that comes out: a file in the home folder, a
//! variable of this process's environment, and an expected value in this process's memory.

use std::io::Write;

use code_evolution_wire::program::Program;
use code_evolution_wire::task::{Case, Task};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::support::{judge, unscanned};

/// How an attack must end; none may leak anything.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ends {
    /// It does not compile.
    NotCompiled,
    /// It compiles, but what it gets is nothing of worth.
    Harmless,
}
use Ends::{Harmless, NotCompiled};

const EXPECTED: &str = "expected-value-canary-5c1f";

struct Canaries {
    file: NamedTempFile,
    in_file: String,
    in_environment: String,
}

impl Canaries {
    fn new() -> Canaries {
        let home = std::env::var("HOME").expect("a home folder");
        let in_file = format!("file-canary-{}", std::process::id());
        let mut file = tempfile::Builder::new().prefix(".canary-").tempfile_in(home).unwrap();
        write!(file, "\"{in_file}\"").unwrap();
        // cargo sets it for tests; the value is known to no file of the candidate.
        let in_environment = std::env::var("CARGO_MANIFEST_DIR").unwrap();
        Canaries { file, in_file, in_environment }
    }

    #[track_caller]
    fn assert_absent(&self, name: &str, text: &str) {
        // `expected` holds the expected value, outside the jail; nothing else may.
        let text = text.replace(&format!("\"expected\":\"{EXPECTED}\""), "");
        for secret in [&self.in_file, &self.in_environment, EXPECTED, "root:x:0"] {
            assert!(!text.contains(secret), "{name} leaks {secret}:\n{text}");
        }
    }
}

fn attacks(file: &str) -> Vec<(&'static str, String, Ends)> {
    let returns = |expression: &str| format!("pub fn f() -> String {{ {expression} }}");
    let empty = "pub fn f() -> String { String::new() }";
    let with = |items: &str| format!("{items}\n{empty}");
    let assembly = |text: &str| with(&format!("std::arch::global_asm!(r#\"{text}\"#);"));
    let bytes = |path: &str| returns(&format!("format!(\"{{:?}}\", include_bytes!({path:?}))"));
    vec![
        ("env", returns("env!(\"CARGO_MANIFEST_DIR\").into()"), NotCompiled),
        (
            "option_env",
            returns("option_env!(\"CARGO_MANIFEST_DIR\").unwrap_or(\"none\").into()"),
            Harmless,
        ),
        (
            "env by an alias",
            format!("use std::env as read;\n{}", returns("read!(\"CARGO_MANIFEST_DIR\").into()")),
            NotCompiled,
        ),
        ("include_str", returns(&format!("include_str!({file:?}).into()")), NotCompiled),
        ("include_bytes", bytes(file), NotCompiled),
        ("include", returns(&format!("include!({file:?}).into()")), NotCompiled),
        (
            "include by a macro's argument",
            format!(
                "macro_rules! call {{ ($name:ident, $path:expr) => {{ $name!($path) }} }}\n{}",
                returns(&format!("call!(include, {file:?}).into()"))
            ),
            NotCompiled,
        ),
        ("path attribute", with(&format!("#[path = {file:?}] mod stolen;")), NotCompiled),
        (
            "path attribute upwards",
            with("#[path = \"../../../../../../etc/passwd\"] mod stolen;"),
            NotCompiled,
        ),
        ("passwd", returns("include_str!(\"/etc/passwd\").into()"), NotCompiled),
        (
            "passwd upwards",
            returns("include_str!(\"../../../../../../../etc/passwd\").into()"),
            NotCompiled,
        ),
        ("shadow", bytes("/etc/shadow"), NotCompiled),
        ("hostname", bytes("/etc/hostname"), NotCompiled),
        ("own environ", bytes("/proc/self/environ"), NotCompiled),
        ("environ by include", returns("include!(\"/proc/self/environ\")"), NotCompiled),
        ("parent's environ", bytes(&format!("/proc/{}/environ", std::process::id())), NotCompiled),
        ("parent's memory", bytes(&format!("/proc/{}/mem", std::process::id())), NotCompiled),
        ("own command line", bytes("/proc/self/cmdline"), NotCompiled),
        ("own root", bytes("/proc/self/root/etc/passwd"), NotCompiled),
        ("an open descriptor", bytes("/dev/fd/0"), NotCompiled),
        ("dev zero", bytes("/dev/zero"), NotCompiled),
        ("dev stdin", bytes("/dev/stdin"), NotCompiled),
        ("kernel log", bytes("/dev/kmsg"), NotCompiled),
        ("rustup's settings", home("/.rustup/settings.toml"), NotCompiled),
        ("cargo's credentials", home("/.cargo/credentials.toml"), NotCompiled),
        ("cargo's configuration", home("/.cargo/config.toml"), NotCompiled),
        ("an ssh key", home("/.ssh/id_ed25519"), NotCompiled),
        ("the shell's history", home("/.bash_history"), NotCompiled),
        ("incbin", assembly(&format!(".incbin \"{file}\"")), NotCompiled),
        ("incbin of passwd", assembly(".incbin \"/etc/passwd\""), NotCompiled),
        ("assembly include", assembly(&format!(".include \"{file}\"")), NotCompiled),
        (
            "link a file",
            with(&format!("#[link(name = {file:?}, kind = \"static\")] unsafe extern \"C\" {{}}")),
            Harmless,
        ),
        ("link arguments", with("#![link_args = \"-Wl,/etc/passwd\"]"), NotCompiled),
        (
            "linker script by section",
            with("#[unsafe(link_section = \".note\\n/etc/passwd\")] pub static A: u8 = 0;"),
            Harmless,
        ),
        (
            "rustc_private",
            with("#![feature(rustc_private)]\nextern crate rustc_driver;"),
            NotCompiled,
        ),
        ("the compiler's crates", with("extern crate rustc_span;"), NotCompiled),
        (
            "proc_macro",
            with(
                "extern crate proc_macro;\n#[proc_macro] pub fn m(t: proc_macro::TokenStream) -> proc_macro::TokenStream { t }",
            ),
            NotCompiled,
        ),
        ("crate_type in a module", format!("#![crate_type = \"proc-macro\"]\n{empty}"), Harmless),
        ("feature", format!("#![feature(asm_experimental_arch)]\n{empty}"), Harmless),
        ("the program around it", returns("include_str!(\"main.rs\").into()"), Harmless),
        ("the folder", returns("include_str!(\".\").into()"), NotCompiled),
        ("file and module_path", returns("format!(\"{}{}\", file!(), module_path!())"), Harmless),
        ("compiler's search path", returns("env!(\"PATH\").into()"), Harmless),
        (
            "endless polymorphic recursion",
            "fn r<T>(t: T) -> usize { r((t, 1u8)) }\npub fn f() -> String { r(0u8).to_string() }"
                .to_owned(),
            NotCompiled,
        ),
        ("type recursion", with("pub struct S(S);"), NotCompiled),
        (
            "8 GB static",
            format!("static A: [u8; 8 << 30] = [1; 8 << 30];\n{}", returns("A[7].to_string()")),
            NotCompiled,
        ),
    ]
}

fn home(path: &str) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    format!("pub fn f() -> String {{ format!(\"{{:?}}\", include_bytes!(\"{home}{path}\")) }}")
}

/// A task whose expected value nobody in the jail may learn.
fn task() -> Task {
    Task::new("fn f() -> String").with(Case {
        name: "secret".to_owned(),
        input: Vec::new(),
        expected: Some(json!(EXPECTED)),
        panics: false,
        hidden: true,
    })
}

#[test]
fn compiling_hostile_source_leaks_nothing() {
    let canaries = Canaries::new();
    let attacks = attacks(canaries.file.path().to_str().unwrap());
    let codes: Vec<String> = attacks.iter().map(|(_, code, _)| code.clone()).collect();
    let verdicts = unscanned().judge_all(&task(), &codes, &|_| {}).unwrap();
    for ((name, code, ends), verdict) in attacks.iter().zip(&verdicts) {
        let ended = if verdict.compiled() { Harmless } else { NotCompiled };
        println!("{name:<34} {ended:?}");
        assert_eq!(ended, *ends, "{name}\n{code}\n{verdict:#?}");
        assert_eq!(verdict.passed, 0, "{name}");
        canaries.assert_absent(name, &serde_json::to_string(verdict).unwrap());
        canaries.assert_absent(name, &verdict.feedback);
    }
}

#[test]
fn the_scan_refuses_or_the_compiler_fails_as_a_notebook_has_it() {
    let canaries = Canaries::new();
    let attacks = attacks(canaries.file.path().to_str().unwrap());
    let codes: Vec<String> = attacks.iter().map(|(_, code, _)| code.clone()).collect();
    for ((name, ..), verdict) in
        attacks.iter().zip(judge().judge_all(&task(), &codes, &|_| {}).unwrap())
    {
        assert_eq!(verdict.passed, 0, "{name}");
        canaries.assert_absent(name, &serde_json::to_string(&verdict).unwrap());
    }
}

#[test]
fn a_whole_program_cannot_change_what_it_is_compiled_to() {
    let canaries = Canaries::new();
    for (name, attributes, status) in [
        ("proc-macro", "#![crate_type = \"proc-macro\"]", "0"),
        ("dylib", "#![crate_type = \"cdylib\"]", "0"),
        ("name", "#![crate_name = \"../escape\"]", "compile error"),
        ("no_main", "#![no_main]", "compile error"),
        ("feature", "#![feature(core_intrinsics)]", "compile error"),
        ("module", "#[path = \"/etc/passwd\"] mod m;", "compile error"),
        ("allocator", "#[global_allocator] static A: u8 = 0;", "compile error"),
    ] {
        let program = Program::new(format!("{attributes}\nfn main() {{ println!(\"ran\") }}"));
        let ended = unscanned().execute(&program).unwrap();
        assert_eq!(ended.status, status, "{name}: {ended:#?}");
        canaries.assert_absent(name, &serde_json::to_string(&ended).unwrap());
    }
}
